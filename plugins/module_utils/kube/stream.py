"""An answer that comes bit by bit: a watch, a log."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .chunked import Dechunker
from .network_faults import CutOff, Silent, cause

if TYPE_CHECKING:
    import urllib3

_BLOCK = 256 * 1024


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
            for block in self._pieces():
                if self._closed:
                    return
                yield block
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
            if not self._closed:
                raise Silent(f"the stream of {self._server} went silent") from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if not self._closed:
                raise CutOff(f"the stream of {self._server} broke: {cause(error)}") from error
        finally:
            with self._lock:
                self._closed = True
            self._response.close()

    def _pieces(self) -> Iterator[bytes]:
        inner = getattr(self._response, "_fp", None)
        file = getattr(inner, "fp", None)
        if file is None or not getattr(inner, "chunked", False):
            while block := self._response.read1(_BLOCK):
                yield block
            return
        chunks = Dechunker()
        while not chunks.ended:
            data = file.read1(_BLOCK)
            if not data:
                raise ConnectionResetError("it ended in the middle")
            if block := chunks.feed(data):
                yield block
        if chunks.clean and inner is not None:
            # urllib3 saw nothing of this: tell it that the connection can be used again.
            inner.close()
            self._response.release_conn()

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
