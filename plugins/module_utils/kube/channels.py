"""The streams of an exec: several channels in one WebSocket, moved by one thread.

The handshake is websocket-client's. Behind it the socket is read and written without blocking in
one loop: a command that answers while it is still being fed would else stop both sides, and a TLS
connection is not for two threads at once.
https://kubernetes.io/docs/reference/using-api/websockets (v5.channel.k8s.io, v4.channel.k8s.io)
"""

from __future__ import annotations

import contextlib
import select
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode, urlsplit

from ..core.errors import C8sError, Denied, Unavailable
from .connection import Client
from .faults import error_of
from .network_faults import CutOff, NotSent
from .transport import CONNECT_SECONDS

if TYPE_CHECKING:
    import socket

    import websocket

STDIN, STDOUT, STDERR, STATUS, RESIZE = range(5)
_CLOSE = 255
_V5 = "v5.channel.k8s.io"
_V4 = "v4.channel.k8s.io"
_BLOCK = 64 * 1024
# Nothing heard for a while: ask whether anybody is there, then give up.
_PING_SECONDS = 15.0
_DEAD_SECONDS = 60.0
_CONTINUED, _TEXT, _BINARY, _CLOSING, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

Message = tuple[int, bytes]


class Channels:
    """An open connection. `protocol` is the version that the server speaks. For one thread."""

    def __init__(
        self,
        connection: websocket.WebSocket,
        what: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.protocol = connection.getsubprotocol() or ""
        self.ended = False
        self._what = what
        self._clock = clock
        if connection.sock is None:
            raise NotSent(f"{what}: the connection is closed")
        self._socket: socket.socket = connection.sock
        self._socket.setblocking(False)
        self._poll = select.poll()
        self._frames = _Frames()
        self._out = bytearray()
        self._heard_at = self._asked_at = clock()

    @property
    def can_close_stdin(self) -> bool:
        """Whether the command's input can end before the connection does."""
        return self.protocol == _V5

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent."""
        return len(self._out)

    def send(self, channel: int, data: bytes) -> None:
        """Have it sent by the next calls of `move`."""
        self._frame(_BINARY, bytes([channel]) + data)

    def close_channel(self, channel: int) -> None:
        """Tell the other side that nothing more comes on this channel."""
        self._frame(_BINARY, bytes([_CLOSE, channel]))

    def move(self, timeout: float) -> list[Message]:
        """Send what can be sent and give what has come: (channel, bytes), in order.

        Waits at most `timeout` seconds for either. `ended` is set when the server has closed.
        Raises CutOff when the connection broke or nobody is there.
        """
        self._keep_alive()
        if not self._pending():
            wanted = select.POLLIN | (select.POLLOUT if self._out else 0)
            self._poll.register(self._socket, wanted)
            self._poll.poll(timeout * 1000)
        try:
            self._write()
            return list(self._read())
        except (OSError, ValueError) as error:
            raise CutOff(f"{self._what}: the connection broke: {error}") from error

    def close(self) -> None:
        """Drop the connection; the server ends what was run by closing its streams."""
        # The answer to the other side's close, if it can go at once.
        with contextlib.suppress(OSError, ValueError):
            self._write()
        self._socket.close()

    def __enter__(self) -> Channels:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _frame(self, opcode: int, data: bytes) -> None:
        from websocket import ABNF

        self._out += ABNF.create_frame(data, opcode).format()

    def _pending(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def _write(self) -> None:
        while self._out:
            try:
                sent = self._socket.send(memoryview(self._out)[:_BLOCK])
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
                return
            del self._out[:sent]

    def _read(self) -> Iterator[Message]:
        while not self.ended:
            try:
                data = self._socket.recv(_BLOCK)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                return
            if not data:
                raise CutOff(f"{self._what}: the server hung up without a word")
            self._heard_at = self._clock()
            for opcode, payload in self._frames.feed(data):
                if opcode == _PING:
                    self._frame(_PONG, payload)
                elif opcode == _CLOSING:
                    self.ended = True
                    self._frame(_CLOSING, payload[:2])
                    return
                elif opcode == _BINARY and payload:
                    yield payload[0], payload[1:]
            if not self._pending():
                return

    def _keep_alive(self) -> None:
        now = self._clock()
        if now - self._heard_at > _DEAD_SECONDS:
            raise CutOff(f"{self._what}: nothing was heard for {_DEAD_SECONDS:.0f} seconds")
        if now - max(self._heard_at, self._asked_at) > _PING_SECONDS:
            self._asked_at = now
            self._frame(_PING, b"")


class _Frames:
    """WebSocket frames out of bytes (RFC 6455, section 5.2); what a server sends is not masked."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._message = bytearray()
        self._opcode = _BINARY

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Whole messages as (opcode, payload); text counts as binary. ValueError for no frames."""
        self._buffer += data
        while (frame := self._next()) is not None:
            final, opcode, payload = frame
            if opcode >= _CLOSING:
                yield opcode, payload
                continue
            self._message += payload
            if final:
                yield _BINARY, bytes(self._message)
                self._message.clear()

    def _next(self) -> tuple[bool, int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 0x7F, 2
        extended = {126: 2, 127: 8}.get(length, 0)
        if extended:
            if len(buffer) < 2 + extended:
                return None
            length, start = int.from_bytes(buffer[2 : 2 + extended], "big"), 2 + extended
        final, opcode = bool(buffer[0] & 0x80), buffer[0] & 0x0F
        known = (_CONTINUED, _TEXT, _BINARY, _CLOSING, _PING, _PONG)
        if buffer[0] & 0x70 or buffer[1] & 0x80 or opcode not in known:
            raise ValueError("what came is no WebSocket frame")
        if len(buffer) < start + length:
            return None
        payload = bytes(memoryview(buffer)[start : start + length])
        del buffer[: start + length]
        return final, opcode, payload


def open_channels(
    client: Client, path: str, query: Sequence[tuple[str, str]], *, doing: str
) -> Channels:
    """Open the channels of an exec or attach; `doing` completes "cannot ...".

    Raises what the client's requests raise for an answer that refuses; NotSent, Unavailable when
    there is none.
    """
    for renewed in (False, True):
        try:
            return Channels(_connected(client, path, query, doing), f"cannot {doing}")
        except _Refused as refusal:
            if refusal.status == 401 and not renewed and client.renew():
                continue
            raise refusal.error from refusal
    raise Unavailable(f"cannot {doing}: {client.server} neither opens nor refuses")


class _Refused(Exception):
    """The handshake was answered with a status of HTTP."""

    def __init__(self, status: int, error: C8sError) -> None:
        super().__init__(status)
        self.status = status
        self.error = error


def _connected(
    client: Client, path: str, query: Sequence[tuple[str, str]], doing: str
) -> websocket.WebSocket:
    import websocket

    headers, tls, server_name = client.handshake()
    server = client.server.rstrip("/")
    address = f"ws{server.removeprefix('http')}{path}?{urlencode(query)}"
    options: dict[str, Any] = {
        "header": [f"{name}: {value}" for name, value in headers],
        "subprotocols": [_V5, _V4],
        "suppress_origin": True,
        "enable_multithread": False,
        "skip_utf8_validation": True,
        **_proxy_options(client),
    }
    if tls is not None:
        options["sslopt"] = {"context": tls}
        if server_name:
            options["sslopt"]["server_hostname"] = server_name
    try:
        return websocket.create_connection(address, timeout=CONNECT_SECONDS, **options)
    except websocket.WebSocketBadStatusException as error:
        body = error.resp_body or b""
        body = body.encode() if isinstance(body, str) else body
        refused = error_of(error.status_code, body, doing)
        if isinstance(refused, Denied) and refused.message.rstrip().endswith(":"):
            # Of the right to create, that it lacks for a WebSocket, the server says no word.
            refused = Denied(f'{refused.message.rstrip()} it takes create and get of "pods/exec"')
        raise _Refused(error.status_code, refused) from error
    except (websocket.WebSocketException, OSError) as error:
        raise NotSent(f"cannot {doing}: no connection to {server}: {error}") from error


def _proxy_options(client: Client) -> dict[str, Any]:
    if not client.proxy:
        # Else the environment's proxies would be taken.
        return {"http_no_proxy": ["*"]}
    parts = urlsplit(client.proxy)
    if parts.scheme != "http":
        raise Unavailable(
            f"exec goes through http proxies alone, and this one is {parts.scheme}: "
            "name the API server in no_proxy, or use an http proxy"
        )
    options: dict[str, Any] = {
        "proxy_type": "http",
        "http_proxy_host": parts.hostname,
        "http_proxy_port": parts.port or 80,
        # Whether it is used has been decided already; an empty list would mean the environment's.
        "http_no_proxy": ["invalid."],
    }
    login = client.proxy_login or (
        f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    )
    if login:
        options["http_proxy_auth"] = tuple(login.split(":", 1))
    return options
