"""A connection to one API server: requests with answers, retried where that is safe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypedDict, Unpack
from urllib.parse import urlencode

from ..core.errors import C8sError, Conflict, Unavailable
from .backoff import Backoff
from .encoding import decode, encode
from .endpoint import Target, target
from .faults import Throttled, Uncertain, error_of
from .network_faults import NotSent
from .options import ConnectionOptions
from .proxy import goes_direct
from .server_time import ServerTime
from .stream import Stream
from .transport import Answer, Transport

if TYPE_CHECKING:
    import ssl

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"

METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""What to accept where only the metadata of an answer matters."""

_REPEATABLE = frozenset(["GET", "HEAD", "PUT", "DELETE"])
Query: TypeAlias = "Mapping[str, str | int | bool]"


class How(TypedDict, total=False):
    """What can be said of a request; see `Client.answer`."""

    params: Query | None
    content_type: str
    accept: str
    timeout: float | None
    patience: float | None
    repeatable: bool | None
    doing: str


class Client:
    """What talks to one API server as one user. Safe to use from many threads.

    `connections` bounds the requests on their way at one time (streams are not counted),
    `timeout` is the time in seconds that each try of a request waits for the server, and
    `patience` the time that it is tried again for when the server throttles, fails or is away.
    What has never been reached is not waited for. `time` is the server's.
    """

    def __init__(
        self,
        where: Target,
        *,
        connections: int = 8,
        timeout: float = 30.0,
        patience: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.server = where.endpoint.server
        self.namespace = where.namespace
        self.context = where.context
        self.timeout = timeout
        self.patience = patience
        self.time = ServerTime()
        self._endpoint = where.endpoint
        self._credentials = where.credentials
        self._connections = connections
        self._clock = clock
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._transport: Transport | None = None
        self._reached = False

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | list[Any] | bytes | None = None,
        **how: Unpack[How],
    ) -> Any:
        """The decoded answer to one request; see `answer`."""
        data = self.raw(method, path, body, **how)
        try:
            return decode(data) if data else {}
        except ValueError as error:
            raise Unavailable(
                f"{self.server} answered {method} {path} with no JSON: is it a Kubernetes API?"
            ) from error

    def raw(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | list[Any] | bytes | None = None,
        **how: Unpack[How],
    ) -> bytes:
        """The answer's bytes as they are; see `answer`."""
        return self.answer(method, path, body, **how).body

    def answer(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | list[Any] | bytes | None = None,
        *,
        params: Query | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        timeout: float | None = None,
        patience: float | None = None,
        repeatable: bool | None = None,
        doing: str = "",
    ) -> Answer:
        """The whole answer to one request, with its headers.

        `timeout` and `patience` are the client's unless given here. A request that changes
        nothing when it comes twice is `repeatable` (default: by its verb, and server-side apply)
        and is tried again when its answer was lost; any other one then raises Uncertain: it may
        have been carried out. `doing` completes "cannot ..." in errors.
        """
        data = body if isinstance(body, bytes | None) else encode(body)
        headers = {"Accept": accept}
        if data is not None:
            headers["Content-Type"] = content_type
        again = repeatable
        if again is None:
            again = method in _REPEATABLE or content_type == APPLY_PATCH
        # Patience begins with the first failure: a try that waited in vain has used none of it.
        limit: float | None = None
        backoff = Backoff()
        renewed = False
        address = _address(path, params)
        doing = doing or f"{method} {path}"
        while True:
            wait = 0.0
            try:
                wanted = self.timeout if timeout is None else timeout
                answer = self._exchange(method, address, headers, data, wanted)
            except NotSent as error:
                if not self._reached:
                    raise
                failure: C8sError = error
            except Uncertain as error:
                if not again:
                    raise
                failure = error
            else:
                self._reached = True
                if 200 <= answer.status < 300:
                    return answer
                failure = error_of(answer.status, answer.body, doing, answer.retry_after)
                if answer.status == 401 and not renewed and self._credentials.renew():
                    renewed = True
                    continue
                contended = _is_contended(method, body, failure)
                if not contended and not _may_pass(answer.status, failure):
                    raise failure
                if not (again or contended or isinstance(failure, Throttled)):
                    raise Uncertain(failure.message)
                wait = answer.retry_after
            if limit is None:
                limit = self._clock() + (self.patience if patience is None else patience)
            self._pause_before_retry(backoff.next(least=wait), limit, failure)

    def open(
        self,
        path: str,
        params: Query | None = None,
        *,
        idle: float,
        doing: str = "",
    ) -> Stream:
        """Open a stream (watch, log). Tried once; the caller knows how to go on after a fault.

        `idle` is the time in seconds that may pass without a byte before it counts as dead.
        """
        address = _address(path, params)
        for renewed in (False, True):
            login, transport = self._ready()
            stream, answer = transport.open(
                "GET", address, self._headers(login, {"Accept": JSON}), idle
            )
            self._reached = True
            if stream is not None:
                return stream
            if answer is None:
                break
            if answer.status == 401 and not renewed and self._credentials.renew():
                continue
            raise error_of(answer.status, answer.body, doing or f"GET {path}", answer.retry_after)
        raise Unavailable(f"{self.server} neither streams nor refuses")

    def handshake(self) -> tuple[list[tuple[str, str]], ssl.SSLContext | None, str]:
        """For protocols that leave HTTP (WebSocket): headers, TLS, and the name to ask for."""
        login, transport = self._ready()
        headers = self._headers(login, {})
        return list(headers.items()), transport.tls, self._endpoint.server_name

    def renew(self) -> bool:
        """The current login was refused somewhere: whether there is another one now."""
        return self._credentials.renew()

    @property
    def proxy(self) -> str:
        """The proxy that leads to the server, empty when there is none between."""
        endpoint = self._endpoint
        return "" if goes_direct(endpoint.server, endpoint.no_proxy) else endpoint.proxy

    @property
    def proxy_login(self) -> str:
        """What the proxy wants to know, as `user:password`."""
        return self._endpoint.proxy_headers.proxy_basic_auth

    def close(self) -> None:
        """Drop all connections; whoever waits for another try gives up."""
        self._closed.set()
        with self._lock:
            if self._transport is not None:
                self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(
        self,
        method: str,
        address: str,
        headers: Mapping[str, str],
        data: bytes | None,
        timeout: float,
    ) -> Answer:
        login, transport = self._ready()
        answer = transport.exchange(method, address, self._headers(login, headers), data, timeout)
        self.time.heard(answer.date)
        return answer

    def _ready(self) -> tuple[Any, Transport]:
        if self._closed.is_set():
            raise Unavailable(f"the connection to {self.server} was closed")
        login = self._credentials.current()
        with self._lock:
            if self._transport is None or self._transport.certificate != login.certificate:
                self._transport = Transport(self._endpoint, login, self._connections)
            return login, self._transport

    def _headers(self, login: Any, more: Mapping[str, str]) -> Any:
        from urllib3 import HTTPHeaderDict

        headers = HTTPHeaderDict(more)
        headers["User-Agent"] = "c8s.ci"
        if login.authorization:
            headers["Authorization"] = login.authorization
        if self._endpoint.impersonate_user:
            headers["Impersonate-User"] = self._endpoint.impersonate_user
        for group in self._endpoint.impersonate_groups:
            headers.add("Impersonate-Group", group)
        return headers

    def _pause_before_retry(self, delay: float, limit: float, failure: C8sError) -> None:
        if self._clock() + delay > limit or self._closed.wait(delay):
            raise failure


def connect(
    options: ConnectionOptions,
    environ: Mapping[str, str],
    *,
    connections: int = 8,
    timeout: float = 30.0,
    patience: float = 30.0,
) -> Client:
    """A client for what the options and the environment name; nothing is sent yet.

    Raises NotFound when there is nothing to connect to, InvalidInput for what cannot be right.
    """
    where = target(options, environ)
    return Client(where, connections=connections, timeout=timeout, patience=patience)


def _address(path: str, params: Query | None) -> str:
    if not params:
        return path
    return f"{path}?{urlencode({name: _text(value) for name, value in params.items()})}"


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _may_pass(status: int, failure: C8sError) -> bool:
    """Whether the same request may be answered otherwise later."""
    if isinstance(failure, Throttled):
        return True
    return isinstance(failure, Unavailable) and status >= 500 and status != 501


def _is_contended(method: str, body: object, failure: C8sError) -> bool:
    """Whether nothing was done because others were quicker at something that the request did not
    speak of: a quota that was counted, an object that was patched without its version."""
    if failure.__class__ is not Conflict or method not in ("POST", "PATCH"):
        return False
    metadata = body.get("metadata") if isinstance(body, Mapping) else None
    return not (isinstance(metadata, Mapping) and metadata.get("resourceVersion"))
