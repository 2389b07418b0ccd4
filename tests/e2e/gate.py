"""Something that steps wait for until a test says so."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """A server on this host that says no until it is opened."""

    def __init__(self, address: str) -> None:
        self._opened = threading.Event()
        self._server = http.server.ThreadingHTTPServer((address, 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self._address = f"http://{address}:{self._server.server_port}"

    @property
    def wait(self) -> str:
        """The command of a step that ends when the gate is open."""
        return f"until wget -q -O /dev/null {self._address}/ 2>/dev/null; do sleep 0.2; done"

    def open(self) -> None:
        self._opened.set()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        opened = self._opened

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if opened.is_set() else 503)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is printed."""

        return Handler


@contextmanager
def gate(address: str) -> Iterator[Gate]:
    """A gate at an address of this host that pods reach."""
    made = Gate(address)
    try:
        yield made
    finally:
        made.close()
