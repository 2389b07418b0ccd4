"""The connection options of modules: their types, and the environment variables behind them.

Names, aliases and variables are those of kubernetes.core, so that one `module_defaults` or one
environment serves both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

# Aliases have variables of their own: the first that is set counts.
VARIABLES: Final[dict[str, tuple[str, ...]]] = {
    "kubeconfig": ("K8S_AUTH_KUBECONFIG",),
    "context": ("K8S_AUTH_CONTEXT",),
    "host": ("K8S_AUTH_HOST",),
    "api_key": ("K8S_AUTH_API_KEY",),
    "username": ("K8S_AUTH_USERNAME",),
    "password": ("K8S_AUTH_PASSWORD",),
    "validate_certs": ("K8S_AUTH_VALIDATE_CERTS", "K8S_AUTH_VERIFY_SSL"),
    "ca_cert": ("K8S_AUTH_CA_CERT", "K8S_AUTH_SSL_CA_CERT"),
    "client_cert": ("K8S_AUTH_CLIENT_CERT", "K8S_AUTH_CERT_FILE"),
    "client_key": ("K8S_AUTH_CLIENT_KEY", "K8S_AUTH_KEY_FILE"),
    "proxy": ("K8S_AUTH_PROXY",),
    "no_proxy": ("K8S_AUTH_NO_PROXY",),
    "persist_config": ("K8S_AUTH_PERSIST_CONFIG",),
    "impersonate_user": ("K8S_AUTH_IMPERSONATE_USER",),
    "impersonate_groups": ("K8S_AUTH_IMPERSONATE_GROUPS",),
}
PROXY_HEADER_VARIABLES: Final[dict[str, tuple[str, ...]]] = {
    "proxy_basic_auth": ("K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH",),
    "basic_auth": ("K8S_AUTH_PROXY_HEADERS_BASIC_AUTH",),
    "user_agent": ("K8S_AUTH_PROXY_HEADERS_USER_AGENT",),
}
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "kubeconfig": {"type": "raw"},
    "context": {"type": "str"},
    "host": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool", "aliases": ["verify_ssl"]},
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"]},
    "client_cert": {"type": "path", "aliases": ["cert_file"]},
    "client_key": {"type": "path", "aliases": ["key_file"], "no_log": False},
    "proxy": {"type": "str"},
    "no_proxy": {"type": "str"},
    "persist_config": {"type": "bool"},
    "impersonate_user": {"type": "str"},
    "impersonate_groups": {"type": "list", "elements": "str"},
}
_PROXY_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "proxy_basic_auth": {"type": "str", "no_log": True},
    "basic_auth": {"type": "str", "no_log": True},
    "user_agent": {"type": "str"},
}
_SECRET_KEYS = frozenset(
    "token password client-key-data access-token id-token refresh-token client-secret".split()
)


def argument_spec(fallback: Callable[..., Any]) -> dict[str, Any]:
    """The options as a module's argument spec.

    `fallback` is `ansible.module_utils.basic.env_fallback`, handed in by the door.
    """
    spec = _with_fallbacks(_OPTIONS, VARIABLES, fallback)
    spec["proxy_headers"] = {
        "type": "dict",
        "apply_defaults": True,
        "options": _with_fallbacks(_PROXY_HEADERS, PROXY_HEADER_VARIABLES, fallback),
    }
    return spec


def secret_values(params: Mapping[str, Any]) -> frozenset[str]:
    """What must not be shown of these options, for a module's `no_log_values`.

    An inline kubeconfig as a whole cannot be hidden (its words are everybody's), its secrets can.
    """
    named = [params.get("api_key"), params.get("password")]
    headers = params.get("proxy_headers") or {}
    named += [headers.get("proxy_basic_auth"), headers.get("basic_auth")]
    return frozenset(str(value) for value in [*named, *_secrets(params.get("kubeconfig"))] if value)


def _with_fallbacks(
    options: Mapping[str, dict[str, Any]],
    variables: Mapping[str, tuple[str, ...]],
    fallback: Callable[..., Any],
) -> dict[str, Any]:
    return {
        name: option | {"fallback": (fallback, list(variables[name]))}
        for name, option in options.items()
    }


def _secrets(tree: object) -> Iterator[object]:
    pending = [tree]
    while pending:
        found = pending.pop()
        if isinstance(found, list):
            pending += found
        elif isinstance(found, Mapping):
            pending += found.values()
            yield from (value for key, value in found.items() if key in _SECRET_KEYS)
