"""Single HTTP exchanges with an API server over kept connections; no retries, no meaning.

urllib3 is imported where it is used: whoever talks to no cluster does not pay for it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .endpoint import Endpoint
from .login import Login
from .network_faults import explained
from .proxy import goes_direct
from .stream import Stream
from .tls import tls_context

if TYPE_CHECKING:
    import urllib3

CONNECT_SECONDS = 10.0
# Long-lived streams are not counted: each run may follow some.
_STREAMS = 4096


class Answer:
    """A whole answer: status, the headers that matter, body. `date` is empty where none came."""

    __slots__ = ("body", "date", "retry_after", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.retry_after = _seconds(headers.get("Retry-After"))
        self.date = headers.get("Date") or ""
        self.body = body


class Transport:
    """Connections for one login; a login with another certificate needs another transport."""

    def __init__(self, endpoint: Endpoint, login: Login, connections: int) -> None:
        self.server = endpoint.server
        self.certificate = login.certificate
        parts = urlsplit(endpoint.server)
        self.tls = tls_context(endpoint, login) if parts.scheme == "https" else None
        self._prefix = parts.path.rstrip("/")
        via = "" if goes_direct(endpoint.server, endpoint.no_proxy) else endpoint.proxy
        if via and parts.scheme == "http":
            # A plain request to a proxy names the whole URL.
            self._prefix = endpoint.server.rstrip("/")
        self._pool = _pool(endpoint, self.tls, via, connections, block=True)
        self._streams = _pool(endpoint, self.tls, via, _STREAMS, block=False)

    def exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,
    ) -> Answer:
        """Send, and read the whole answer; `timeout` seconds for each wait on the server.

        Raises NotSent when nothing was sent, Uncertain when the answer did not come.
        """
        import urllib3

        with explained(self.server):
            response = self._pool.request(
                method,
                self._prefix + target,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout), read=timeout),
            )
            return Answer(response.status, response.headers, response.data)

    def open(
        self, method: str, target: str, headers: Mapping[str, str], idle: float
    ) -> tuple[Stream | None, Answer | None]:
        """Ask for a stream: the stream, or the answer that refuses it.

        `idle` is the time in seconds that may pass without a byte. Raises as `exchange`.
        """
        import urllib3

        with explained(self.server):
            response = self._streams.request(
                method,
                self._prefix + target,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=idle),
            )
            if 200 <= response.status < 300:
                return Stream(response, self.server), None
            return None, Answer(response.status, response.headers, response.data)

    def close(self) -> None:
        """Drop the connections that wait for use."""
        self._pool.close()
        self._streams.close()


def _pool(
    endpoint: Endpoint, tls: ssl.SSLContext | None, via: str, size: int, *, block: bool
) -> urllib3.HTTPConnectionPool:
    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection

    settings: dict[str, Any] = {
        "maxsize": size,
        "block": block,
        "socket_options": [*HTTPConnection.default_socket_options, *_alive()],
    }
    if tls is not None:
        settings["ssl_context"] = tls
        if endpoint.server_name:
            settings["server_hostname"] = endpoint.server_name
    parts = urlsplit(endpoint.server)
    if via:
        headers = urllib3.make_headers(
            **{
                name: value
                for name in ("proxy_basic_auth", "basic_auth", "user_agent")
                if (value := getattr(endpoint.proxy_headers, name))
            }
        )
        manager: urllib3.PoolManager = urllib3.ProxyManager(via, proxy_headers=headers, **settings)
    else:
        manager = urllib3.PoolManager(**settings)
    pool = manager.connection_from_host(parts.hostname or "", parts.port, parts.scheme)
    if not endpoint.verify:

        class Unverified(HTTPSConnection):
            """The user asked for no verification; a warning at each request tells nothing new."""

            def connect(self) -> None:
                super().connect()
                self.is_verified = True

        pool.ConnectionCls = Unverified
    return pool


def _alive() -> list[tuple[int, int, int]]:
    """Probes that find a peer that went away without a word in half a minute."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options


def _seconds(text: str | None) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0
