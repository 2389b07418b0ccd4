"""A small HTTP server that plays a Kubernetes API as a test tells it to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What came in."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """What goes out. `blocks` are sent as chunks; `cut` breaks the connection instead of ending.

    `silent` keeps the connection open after the blocks until the test ends it.
    """

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    blocks: list[bytes] | Iterator[bytes] | None = None
    cut: bool = False
    silent: bool = False


def status(code: int, message: str = "no", reason: str = "", **more: Any) -> Reply:
    """The API's own form of an error."""
    body = {"kind": "Status", "code": code, "message": message, "reason": reason, **more}
    return Reply(code, body)


Responder = Callable[[Request], Reply]


class FakeApi:
    """Answers with what `answer` returns; all requests are kept in `seen`, connections counted."""

    def __init__(self, answer: Responder) -> None:
        self.answer = answer
        self.seen: list[Request] = []
        self.connections = 0
        self.over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                api.connections += 1

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def serve(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query)),
                    tuple(self.headers.items()),
                    self.rfile.read(length),
                )
                api.seen.append(request)
                self.send(api.answer(request))

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

            def send(self, reply: Reply) -> None:
                if reply.blocks is None and not reply.cut and not reply.silent:
                    body = b"" if reply.body is None else json.dumps(reply.body).encode()
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                    return
                if reply.blocks is not None:
                    self.send_response(reply.status)
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    for block in reply.blocks:
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
                        self.wfile.flush()
                if reply.silent:
                    api.over.wait(30)
                elif not reply.cut:
                    self.wfile.write(b"0\r\n\r\n")
                    return
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is printed."""

        return Handler


@contextmanager
def fake_api(answer: Responder) -> Iterator[FakeApi]:
    """A fake API that answers by that function, for as long as the context lasts."""
    api = FakeApi(answer)
    try:
        yield api
    finally:
        api.close()


def in_turn(*replies: Reply | Responder) -> Responder:
    """One reply after the other; the last one for all that follow."""
    waiting = list(replies)

    def answer(request: Request) -> Reply:
        reply = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return reply(request) if callable(reply) else reply

    return answer
