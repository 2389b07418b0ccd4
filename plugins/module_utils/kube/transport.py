"""Single HTTP exchanges with an API server over kept connections; no retries, no meaning.

urllib3 is imported where it is used: whoever talks to no cluster does not pay for it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..core.errors import Unavailable
from .endpoint import Endpoint
from .faults import Uncertain
from .login import Login
from .proxy import goes_direct
from .tls import tls_context

if TYPE_CHECKING:
    import urllib3

CONNECT_SECONDS = 10.0
_BLOCK = 256 * 1024
# Long-lived streams are not counted: each run may follow some.
_STREAMS = 4096


class NotSent(Unavailable):
    """No connection came about: nothing was asked."""


class Silent(Unavailable):
    """An open stream brought nothing for as long as was allowed."""


class CutOff(Unavailable):
    """An open stream broke in the middle."""


class Answer:
    """A whole answer: status, the headers that matter, body."""

    __slots__ = ("body", "retry_after", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.retry_after = _seconds(headers.get("Retry-After"))
        self.body = body


class Stream:
    """An answer that comes bit by bit. One thread reads; any may close."""

    def __init__(self, response: urllib3.BaseHTTPResponse, server: str) -> None:
        self._response = response
        self._server = server
        self._lock = threading.Lock()
        self._reading = False
        self._closed = False

    def blocks(self) -> Iterator[bytes]:
        """The bytes as they come, until the server ends or somebody closes.

        Raises Silent when nothing came for the stream's idle time, CutOff when it broke.
        """
        import urllib3

        with self._lock:
            if self._closed:
                return
            self._reading = True
        try:
            # What comes behind a close is no longer decrypted.
            while (block := self._response.read1(_BLOCK)) and not self._closed:
                yield block
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
            if not self._closed:
                raise Silent(f"the stream of {self._server} went silent") from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if not self._closed:
                raise CutOff(f"the stream of {self._server} broke: {_cause(error)}") from error
        finally:
            with self._lock:
                self._closed = True
            self._response.close()

    def wait_at_most(self, seconds: float) -> None:
        """From the next wait on, Silent comes after so many seconds. For the reader alone."""
        # None when the server has said that it will close: then the first idle time stays.
        sock = getattr(self._response.connection, "sock", None)
        if sock is not None:
            sock.settimeout(seconds)

    def close(self) -> None:
        """End it, also for the thread that waits for its next bytes."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                # Closing alone would not wake the reader; it closes when it wakes.
                self._response.shutdown()
            if not self._reading:
                self._response.close()


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

        with self._explained():
            response = self._pool.urlopen(
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

        with self._explained():
            response = self._streams.urlopen(
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

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        import urllib3.exceptions as kinds

        server = self.server
        try:
            yield
        except (kinds.NewConnectionError, kinds.ConnectTimeoutError) as error:
            raise NotSent(f"cannot reach the API server {server}: {_cause(error)}") from error
        except kinds.ProxyError as error:
            raise NotSent(f"the proxy does not lead to {server}: {_cause(error)}") from error
        except kinds.SSLError as error:
            raise _tls_error(server, error) from error
        except kinds.ReadTimeoutError as error:
            raise Uncertain(f"the API server {server} did not answer in time") from error
        except kinds.LocationParseError as error:
            raise Unavailable(f"{server} is no address of an API server: {error}") from error
        except (kinds.HTTPError, OSError) as error:
            raise Uncertain(f"the connection to {server} broke: {_cause(error)}") from error


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


def _tls_error(server: str, error: BaseException) -> Unavailable:
    cause = _cause(error)
    for found in _chain(error):
        if isinstance(found, ssl.SSLCertVerificationError):
            return Unavailable(
                f"the certificate of {server} is not trusted: {cause}; give the authority that "
                "signed it (ca_cert, or certificate-authority in the kubeconfig)"
            )
        if isinstance(found, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return Uncertain(f"the connection to {server} broke: {cause}")
    return Unavailable(f"no TLS connection to {server}: {cause}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        found = pending.pop(0)
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        pending += [found.__cause__, found.__context__]
        pending += [inner for inner in found.args if isinstance(inner, BaseException)]


def _cause(error: BaseException) -> str:
    """The innermost reason in words: `connection refused`, `certificate has expired`."""
    for found in _chain(error):
        if isinstance(found, ssl.SSLCertVerificationError):
            return found.verify_message
        if isinstance(found, TimeoutError) or "timed out" in str(found):
            return "timed out"
        if isinstance(found, OSError) and found.strerror:
            return found.strerror[0].lower() + found.strerror[1:]
    return str(error) or type(error).__name__


def _seconds(text: str | None) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0
