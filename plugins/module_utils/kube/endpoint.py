"""Where a cluster is and who we are there: options, kubeconfig and surroundings put together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ..core.errors import InvalidInput, NotFound
from .kubeconfig import Context, Kubeconfig, read_files, read_mapping
from .login import Credentials, GivenCredentials, LibraryCredentials, Secrets, text_of
from .options import NO_PROXY_HEADERS, ConnectionOptions, ProxyHeaders
from .plugin_login import PluginCredentials, plugin_of

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """An API server and the way to it. `authority` is PEM, or a file of it; empty: the system's."""

    server: str
    authority: bytes | Path = b""
    verify: bool = True
    server_name: str = ""
    proxy: str = dataclasses.field(default="", repr=False)
    no_proxy: str = ""
    proxy_headers: ProxyHeaders = NO_PROXY_HEADERS
    impersonate_user: str = ""
    impersonate_groups: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """All that a connection needs. `namespace` is the one to use where the caller names none."""

    endpoint: Endpoint
    credentials: Credentials
    namespace: str = "default"
    context: str = ""


def target(
    options: ConnectionOptions,
    environ: Mapping[str, str],
    service_account: Path = SERVICE_ACCOUNT,
) -> Target:
    """What the options mean here.

    A host with a login of its own needs no kubeconfig. Else a kubeconfig or context that was
    named (also by KUBECONFIG) counts, else the pod's service account, else ~/.kube/config.

    Raises NotFound when there is nothing to connect to, InvalidInput for what cannot be right.
    """
    found = _found(options, environ, service_account)
    endpoint = _overridden(found.endpoint, options, environ)
    _check_server(endpoint.server)
    login = _login_of_options(options)
    if options.impersonate_groups and not options.impersonate_user:
        raise InvalidInput("impersonate_groups needs impersonate_user beside it")
    return dataclasses.replace(found, endpoint=endpoint, credentials=login or found.credentials)


def _found(options: ConnectionOptions, environ: Mapping[str, str], folder: Path) -> Target:
    named = options.kubeconfig or options.context or environ.get("KUBECONFIG")
    own_login = options.api_key or (options.username and options.password) or options.client_cert
    nowhere = Target(Endpoint(options.host), GivenCredentials(Secrets()))
    if options.host and own_login:
        return nowhere
    if not named:
        inside = _inside_cluster(environ, folder)
        if inside is not None:
            return inside
    try:
        return _of_kubeconfig(_kubeconfig(options, environ), options, environ)
    except NotFound as error:
        if named:
            raise
        if options.host:
            return nowhere
        raise NotFound(
            f"no cluster to connect to: {error}; give kubeconfig, or host and api_key"
        ) from error


def _kubeconfig(options: ConnectionOptions, environ: Mapping[str, str]) -> Kubeconfig:
    if isinstance(options.kubeconfig, Mapping):
        return read_mapping(options.kubeconfig)
    return read_files(Path(path).expanduser() for path in _paths(options, environ).split(":"))


def _paths(options: ConnectionOptions, environ: Mapping[str, str]) -> str:
    named = options.kubeconfig if isinstance(options.kubeconfig, str) else ""
    named = named or environ.get("KUBECONFIG", "")
    kept = ":".join(path for path in named.split(":") if path)
    return kept or str(Path(environ.get("HOME", "~")) / ".kube" / "config")


def _of_kubeconfig(
    config: Kubeconfig, options: ConnectionOptions, environ: Mapping[str, str]
) -> Target:
    context = config.context(options.context)
    cluster = context.cluster
    server = cluster.text("server")
    if not server and not options.host:
        raise InvalidInput(f"{config.source}: the cluster of context {context.name} has no server")
    return Target(
        endpoint=Endpoint(
            server=server.rstrip("/"),
            authority=cluster.material("certificate-authority"),
            verify=not cluster.content.get("insecure-skip-tls-verify"),
            server_name=cluster.text("tls-server-name"),
            proxy=cluster.text("proxy-url"),
            impersonate_user=context.user.text("as"),
            impersonate_groups=context.user.texts("as-groups"),
        ),
        credentials=_credentials(context, options, environ),
        namespace=context.namespace,
        context=context.name,
    )


def _credentials(
    context: Context, options: ConnectionOptions, environ: Mapping[str, str]
) -> Credentials:
    user = context.user
    if _login_of_options(options) is not None:
        return GivenCredentials(Secrets())
    if user.content.get("auth-provider"):
        if isinstance(options.kubeconfig, Mapping):
            return LibraryCredentials(options.kubeconfig, context.name, persist=False)
        return LibraryCredentials(
            _paths(options, environ), context.name, persist=options.persist_config
        )
    plugin = user.content.get("exec")
    if isinstance(plugin, Mapping):
        cluster = context.cluster.content
        return PluginCredentials(plugin_of(plugin, cluster, user.folder), environ)
    return GivenCredentials(
        Secrets(
            token=user.path("tokenFile") or user.text("token"),
            username=user.text("username"),
            password=user.text("password"),
            certificate=user.material("client-certificate"),
            key=user.material("client-key"),
        )
    )


def _inside_cluster(environ: Mapping[str, str], folder: Path) -> Target | None:
    host = environ.get("KUBERNETES_SERVICE_HOST", "")
    port = environ.get("KUBERNETES_SERVICE_PORT", "")
    token = folder / "token"
    if not host or not port or not token.is_file():
        return None
    namespace = folder / "namespace"
    address = f"[{host}]" if ":" in host else host
    return Target(
        endpoint=Endpoint(server=f"https://{address}:{port}", authority=folder / "ca.crt"),
        credentials=GivenCredentials(Secrets(token=token)),
        namespace=text_of(namespace, "the pod's namespace") if namespace.is_file() else "default",
        context="in-cluster",
    )


def _login_of_options(options: ConnectionOptions) -> GivenCredentials | None:
    given = (options.api_key, options.username, options.password, options.client_cert)
    if not any(given):
        return None
    return GivenCredentials(
        Secrets(
            token=options.api_key,
            username=options.username,
            password=options.password,
            certificate=_file(options.client_cert),
            key=_file(options.client_key),
        )
    )


def _overridden(
    endpoint: Endpoint, options: ConnectionOptions, environ: Mapping[str, str]
) -> Endpoint:
    proxy = options.proxy or endpoint.proxy
    if not proxy:
        scheme = urlsplit(options.host or endpoint.server).scheme.upper()
        for name in (f"{scheme}_PROXY", f"{scheme.lower()}_proxy"):
            proxy = proxy or environ.get(name, "")
    no_proxy = options.no_proxy or environ.get("NO_PROXY", "") or environ.get("no_proxy", "")
    verify = options.validate_certs
    return Endpoint(
        server=options.host or endpoint.server,
        authority=_file(options.ca_cert) or endpoint.authority,
        verify=endpoint.verify if verify is None else verify,
        server_name=endpoint.server_name,
        proxy=proxy,
        no_proxy=no_proxy,
        proxy_headers=options.proxy_headers,
        impersonate_user=options.impersonate_user or endpoint.impersonate_user,
        impersonate_groups=options.impersonate_groups or endpoint.impersonate_groups,
    )


def _file(path: str) -> bytes | Path:
    return Path(path).expanduser() if path else b""


def _check_server(server: str) -> None:
    parts = urlsplit(server)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise InvalidInput(f"host: {server!r} is no URL of an API server (https://name:6443)")
