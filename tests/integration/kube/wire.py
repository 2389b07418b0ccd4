"""A TCP connection that can be cut, silenced, slowed and refused, and an HTTP proxy made of it."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Wire:
    """Listens on a port of this host and passes everything on to `upstream`.

    Without `upstream` it is an HTTP proxy: it goes where CONNECT says, for whoever logs in with
    `login` (user:password) where one is set. What was asked is in `asked`.
    """

    def __init__(self, upstream: tuple[str, int] | None = None, login: str = "") -> None:
        self.asked: list[str] = []
        self.accepted = 0
        self._upstream = upstream
        self._login = login
        self._flows = threading.Event()
        self._flows.set()
        self._answers = True
        self._refuses = False
        self._delay = 0.0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def cut(self) -> None:
        """Break all connections."""
        with self._lock:
            broken, self._open = self._open, set()
        for connection in broken:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def refused(self) -> Iterator[None]:
        """All connections broken, and no new ones, in here."""
        self._refuses = True
        self.cut()
        try:
            yield
        finally:
            self._refuses = False

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Nothing passes in here, and nothing is closed."""
        self._flows.clear()
        try:
            yield
        finally:
            self._flows.set()

    @contextmanager
    def answers_lost(self) -> Iterator[None]:
        """Requests pass in here; answers do not, and their connections break."""
        self._answers = False
        try:
            yield
        finally:
            self._answers = True

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Each piece of an answer takes so long in here."""
        self._delay = seconds
        try:
            yield
        finally:
            self._delay = 0.0

    def close(self) -> None:
        self._flows.set()
        self._refuses = True
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _each = self._server.accept()
            except OSError:
                return
            self.accepted += 1
            if self._refuses:
                near.close()
            else:
                self._start(self._join, near)

    def _join(self, near: socket.socket) -> None:
        with near:
            try:
                goal = self._upstream or self._asked_for(near)
                if goal is None:
                    return
                far = socket.create_connection(goal, timeout=10)
            except OSError:
                return
            with far:
                far.settimeout(None)
                with self._lock:
                    self._open |= {near, far}
                back = threading.Thread(target=self._pass, args=(far, near, True), daemon=True)
                back.start()
                self._pass(near, far, False)
                back.join()
                with self._lock:
                    self._open -= {near, far}

    def _pass(self, source: socket.socket, goal: socket.socket, answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                if answer and self._delay:
                    time.sleep(self._delay)
                if answer and not self._answers:
                    break
                goal.sendall(data)
        for end in (source, goal):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _asked_for(self, near: socket.socket) -> tuple[str, int] | None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += near.recv(1)
        text = head.decode()
        self.asked.append(text)
        wanted = "Basic " + base64.b64encode(self._login.encode()).decode()
        if self._login and wanted not in text:
            near.sendall(b"HTTP/1.1 407 Log in\r\nContent-Length: 0\r\n\r\n")
            return None
        near.sendall(b"HTTP/1.1 200 Go\r\n\r\n")
        host, _each, port = text.split()[1].rpartition(":")
        return host, int(port)


@contextmanager
def wire(upstream: tuple[str, int] | None = None, login: str = "") -> Iterator[Wire]:
    made = Wire(upstream, login)
    try:
        yield made
    finally:
        made.close()
