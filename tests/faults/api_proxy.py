"""A proxy in front of a real API server that counts, cuts, delays, drops, repeats and invents.

It speaks what a driver's connection speaks: HTTP/1.1 over TLS with a certificate of its own, many
requests on one connection, streams (watches, logs) piece by piece, and connections that leave HTTP
(exec). Towards the server it is the administrator of the kubeconfig that it was made with.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from faults.fault import NONE, Asked, Cut, Fault
from identity import server_identity
from kube.api import Api

BLOCK = 65536
BROKEN = (OSError, ValueError, http.client.HTTPException)
ALWAYS_OWN = ("connection", "transfer-encoding", "content-length", "authorization", "host")


class ApiProxy:
    """`judge` says what befalls each request; `asked` holds them all, with their answers' codes."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self.asked: list[tuple[Asked, int]] = []
        self.judge: Callable[[Asked], Fault | None] = lambda _asked: None
        self._upstream = Api(kubeconfig)
        self._source = kubeconfig
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._open: set[socket.socket] = set()
        certificate, key, self._authority = server_identity(folder, "127.0.0.1")
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig to `path` that leads here; `path`."""
        config = yaml.safe_load(self._source.read_text())
        server = f"https://127.0.0.1:{self._server.getsockname()[1]}"
        for cluster in config["clusters"]:
            cluster["cluster"] = {
                "server": server,
                "certificate-authority": str(self._authority),
            }
        for user in config["users"]:
            user["user"] = {"token": "nobody-looks-at-it"}
        path.write_text(json.dumps(config))
        return path

    def of_sort(self, sort: str) -> list[Asked]:
        """The requests of a sort so far."""
        with self._lock:
            return [asked for asked, _status in self.asked if asked.sort == sort]

    def cut(self) -> None:
        """Break every connection that is open now."""
        with self._lock:
            broken = list(self._open)
        for connection in broken:
            _shut(connection)

    def close(self) -> None:
        self._closed.set()
        _shut(self._server)
        self._server.close()
        self.cut()

    def __enter__(self) -> ApiProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- connections ---------------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                near, _address = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        far: http.client.HTTPSConnection | None = None
        with contextlib.suppress(*BROKEN), self._tracked(raw):
            try:
                near = self._tls.wrap_socket(raw, server_side=True)
                with near, near.makefile("rb") as file:
                    while (head := _head(file)) is not None:
                        body = file.read(int(head.fields.get("content-length", 0)))
                        asked = self._note(head, body)
                        fault = self.judge(asked) or NONE
                        if "upgrade" in head.fields:
                            self._upgrade(near, head, asked, fault)
                            return
                        if far is None:
                            far = self._upstream.connection()
                        if not self._exchange(near, far, head, asked, fault):
                            return
            finally:
                if far is not None:
                    far.close()

    @contextlib.contextmanager
    def _tracked(self, connection: socket.socket) -> Iterator[None]:
        # The plain socket beneath: shut from another thread, it takes nothing from TLS's hands.
        plain = socket.socket(fileno=socket.dup(connection.fileno()))
        with self._lock:
            self._open.add(plain)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(plain)
            plain.close()

    def _note(self, head: _Head, body: bytes) -> Asked:
        parts = urlsplit(head.target)
        query = dict(parse_qsl(parts.query))
        watches = query.get("watch") == "true"
        writes = head.method != "GET" or parts.path.endswith("/exec")
        sort = "write" if writes else "watch" if watches else "read"
        with self._lock:
            self._counts[sort] = self._counts.get(sort, 0) + 1
            asked = Asked(head.method, parts.path, query, body, sort, self._counts[sort])
            self.asked.append((asked, 0))
        return asked

    def _answered(self, asked: Asked, status: int) -> None:
        with self._lock:
            self.asked[self.asked.index((asked, 0))] = (asked, status)

    # --- one request ---------------------------------------------------------------------------

    def _exchange(
        self,
        near: ssl.SSLSocket,
        far: http.client.HTTPSConnection,
        head: _Head,
        asked: Asked,
        fault: Fault,
    ) -> bool:
        """Whether the connection may be used for another request."""
        response: http.client.HTTPResponse | None = None
        body = b""
        streams = asked.sort == "watch" or asked.query.get("follow") == "true"
        for _time in range(fault.times):
            if response is not None:
                response.read()
            response = _ask(far, head, asked.body)
            if not streams or response.status != 200:
                body = response.read()
        if response is not None:
            self._answered(asked, response.status)
        if fault.before is not None:
            fault.before()
        if fault.silent:
            self._closed.wait()
            return False
        if fault.lost or (response is None and fault.answer is None):
            return False
        if fault.answer is not None:
            _send(near, fault.answer.status, fault.answer.headers, _json(fault.answer.body))
        elif response is not None and streams and response.status == 200:
            return self._stream(near, far, response, fault)
        elif response is not None:
            body = fault.changed(body) if fault.changed is not None else body
            _send(near, response.status, dict(response.getheaders()), body)
        if fault.after is not None:
            fault.after()
        return True

    def _stream(
        self,
        near: ssl.SSLSocket,
        far: http.client.HTTPSConnection,
        response: http.client.HTTPResponse,
        fault: Fault,
    ) -> bool:
        """Pass a stream on as it comes: its lines through what `fault` makes of them."""
        fields = {"Content-Type": response.getheader("Content-Type", "text/plain")}
        near.sendall(_status_line(200, {**fields, "Transfer-Encoding": "chunked"}))
        with self._tracked(far.sock):
            pieces: Iterator[bytes] = iter(lambda: response.read1(BLOCK), b"")
            if fault.lines is not None:
                pieces = fault.lines(_lines(pieces))
            try:
                for piece in pieces:
                    near.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            except Cut:
                return False
            near.sendall(b"0\r\n\r\n")
        return False

    def _upgrade(self, near: ssl.SSLSocket, head: _Head, asked: Asked, fault: Fault) -> None:
        """Pass both directions on as they come. What counts as the answer is what comes behind
        the handshake, and it is passed on when the other side has closed."""
        if fault.answer is not None:
            _send(near, fault.answer.status, fault.answer.headers, _json(fault.answer.body))
            return
        if not fault.times:
            return
        with (
            contextlib.suppress(Cut),
            self._upstream.tls_socket() as far,
            self._tracked(far),
        ):
            far.sendall(head.text(self._upstream.host))
            said = 0
            inwards = _Way(far, fault.halfway_in, fault.halfway)
            outwards = _Way(near, fault.halfway_out, fault.halfway)
            while True:
                ready, _out, _bad = select.select([near, far], [], [], 0.5)
                if self._closed.is_set():
                    return
                if near in ready or near.pending():
                    data = near.recv(BLOCK)
                    if not data:
                        return
                    inwards.send(data)
                if far in ready or far.pending():
                    data = far.recv(BLOCK)
                    said += 1
                    if said == 1:
                        self._answered(asked, int(data.split(b" ", 2)[1]))
                    elif said == 2:
                        if fault.before is not None:
                            fault.before()
                        if fault.lost:
                            return
                    if not data:
                        break
                    if said == 1:
                        near.sendall(data)
                        continue
                    outwards.send(data)
        if fault.after is not None:
            fault.after()


@dataclass(slots=True)
class _Way:
    """One direction of an exec, on which something happens behind so many bytes."""

    target: socket.socket
    left: int | None
    happens: Callable[[], None] | None

    def send(self, data: bytes) -> None:
        if self.left is None or self.happens is None or len(data) < self.left:
            self.target.sendall(data)
            self.left = None if self.left is None else self.left - len(data)
            return
        here, self.left = self.left, None
        self.target.sendall(data[:here])
        self.happens()
        self.target.sendall(data[here:])


@dataclass(frozen=True, slots=True)
class _Head:
    method: str
    target: str
    fields: Mapping[str, str]
    names: Mapping[str, str]

    def forwarded(self) -> dict[str, str]:
        return {
            self.names[key]: value for key, value in self.fields.items() if key not in ALWAYS_OWN
        }

    def text(self, host: str) -> bytes:
        fields = {
            **{self.names[key]: value for key, value in self.fields.items()
               if key not in ("authorization", "host")},
            "Host": host,
        }  # fmt: skip
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _head(file: Any) -> _Head | None:
    line = file.readline(BLOCK).decode().split()
    if len(line) < 2:
        return None
    fields, names = {}, {}
    while (text := file.readline(BLOCK).decode().strip()) != "":
        name, _colon, value = text.partition(":")
        fields[name.lower()], names[name.lower()] = value.strip(), name
    return _Head(line[0], line[1], fields, names)


def _ask(far: http.client.HTTPSConnection, head: _Head, body: bytes) -> http.client.HTTPResponse:
    try:
        far.request(head.method, head.target, body or None, head.forwarded())
        return far.getresponse()
    except (http.client.RemoteDisconnected, ConnectionError):
        # It had waited too long for its next request: the server closed it meanwhile.
        far.close()
        far.request(head.method, head.target, body or None, head.forwarded())
        return far.getresponse()


def _send(near: ssl.SSLSocket, status: int, headers: Mapping[str, str], body: bytes) -> None:
    fields = {name: value for name, value in headers.items() if name.lower() not in ALWAYS_OWN}
    near.sendall(_status_line(status, {**fields, "Content-Length": str(len(body))}) + body)


def _status_line(status: int, fields: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Said')}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode()


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"
    if rest:
        yield rest


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
