"""How to reach a cluster, as the caller and the environment say it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from ..core.errors import InvalidInput
from .arguments import PROXY_HEADER_VARIABLES, VARIABLES

_TRUE = frozenset(["1", "true", "yes", "on", "y", "t"])
_FALSE = frozenset(["0", "false", "no", "off", "n", "f"])


@dataclasses.dataclass(frozen=True, slots=True)
class ProxyHeaders:
    """What is sent to the proxy beside the request; logins as `user:password`."""

    proxy_basic_auth: str = dataclasses.field(default="", repr=False)
    basic_auth: str = dataclasses.field(default="", repr=False)
    user_agent: str = ""


NO_PROXY_HEADERS: Final = ProxyHeaders()


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """The options of `c8s.ci.kubernetes`; empty or None where nothing was said.

    `kubeconfig` is a path (several joined by `:`) or a whole kubeconfig as a mapping.
    """

    kubeconfig: str | Mapping[str, Any] = dataclasses.field(default="", repr=False)
    context: str = ""
    host: str = ""
    api_key: str = dataclasses.field(default="", repr=False)
    username: str = ""
    password: str = dataclasses.field(default="", repr=False)
    validate_certs: bool | None = None
    ca_cert: str = ""
    client_cert: str = ""
    client_key: str = ""
    proxy: str = dataclasses.field(default="", repr=False)
    no_proxy: str = ""
    proxy_headers: ProxyHeaders = NO_PROXY_HEADERS
    persist_config: bool = False
    impersonate_user: str = ""
    impersonate_groups: tuple[str, ...] = ()


def connection_options(params: Mapping[str, Any], environ: Mapping[str, str]) -> ConnectionOptions:
    """The options out of a module's or command's parameters, and of the environment behind them.

    Raises InvalidInput for a switch that is neither yes nor no, and for a kubeconfig that is
    neither a path nor a mapping.
    """

    def text(name: str) -> str:
        value = params.get(name)
        return _first(VARIABLES[name], environ) if value is None else str(value)

    kubeconfig = params.get("kubeconfig")
    if kubeconfig is None:
        kubeconfig = text("kubeconfig")
    if not isinstance(kubeconfig, str | Mapping):
        raise InvalidInput(
            f"kubeconfig: give a path or a mapping, this is a {type(kubeconfig).__name__}"
        )
    groups = params.get("impersonate_groups")
    if groups is None:
        groups = text("impersonate_groups")
    if isinstance(groups, str):
        groups = groups.split(",")
    return ConnectionOptions(
        kubeconfig=kubeconfig,
        context=text("context"),
        host=text("host").rstrip("/"),
        api_key=text("api_key"),
        username=text("username"),
        password=text("password"),
        validate_certs=_switch("validate_certs", params.get("validate_certs"), environ),
        ca_cert=text("ca_cert"),
        client_cert=text("client_cert"),
        client_key=text("client_key"),
        proxy=text("proxy"),
        no_proxy=text("no_proxy"),
        proxy_headers=_proxy_headers(params.get("proxy_headers") or {}, environ),
        persist_config=bool(_switch("persist_config", params.get("persist_config"), environ)),
        impersonate_user=text("impersonate_user"),
        impersonate_groups=tuple(group.strip() for group in groups if group.strip()),
    )


def _first(variables: tuple[str, ...], environ: Mapping[str, str]) -> str:
    return next((environ[name] for name in variables if environ.get(name)), "")


def _switch(name: str, value: object, environ: Mapping[str, str]) -> bool | None:
    if value is None:
        value = _first(VARIABLES[name], environ) or None
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise InvalidInput(f"{name}: {value!r} is neither yes nor no")
    return text in _TRUE


def _proxy_headers(given: Mapping[str, Any], environ: Mapping[str, str]) -> ProxyHeaders:
    return ProxyHeaders(
        **{
            name: str(given[name]) if given.get(name) is not None else _first(variables, environ)
            for name, variables in PROXY_HEADER_VARIABLES.items()
        }
    )
