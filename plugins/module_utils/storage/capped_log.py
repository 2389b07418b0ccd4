"""A log file that never grows past its cap: its head and its tail are kept."""

from __future__ import annotations

import collections
import pathlib
from typing import IO

from . import atomic

DEFAULT_CAP = 50 * 1024 * 1024


class CappedLog:
    """Write-only. The head is in the file at once, the tail is added by `close`.

    `cap` bounds the bytes of the output that are kept; the note about what was cut comes on top.
    """

    def __init__(self, path: pathlib.Path, cap: int = DEFAULT_CAP) -> None:
        self.path = path
        self._head_left = cap - cap // 2
        self._tail_cap = cap // 2
        self._tail: collections.deque[bytes] = collections.deque()
        self._tail_size = 0
        self._cut = 0
        with atomic.explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream: IO[bytes] = open(path, "wb", buffering=0)  # noqa: SIM115

    def write(self, content: bytes) -> None:
        """Add output; Unavailable where the disk takes no more."""
        if self._head_left > 0 and content:
            head = content[: self._head_left]
            self._put(head)
            self._head_left -= len(head)
            content = content[len(head) :]
        if not content:
            return
        self._tail.append(content)
        self._tail_size += len(content)
        while self._tail_size - len(self._tail[0]) >= self._tail_cap:
            dropped = len(self._tail.popleft())
            self._tail_size -= dropped
            self._cut += dropped

    def close(self) -> None:
        """Add the tail, behind a line that says how much was cut before it."""
        if self._stream.closed:
            return
        try:
            if self._tail:
                tail = b"".join(self._tail)
                self._tail.clear()
                surplus = max(0, len(tail) - self._tail_cap)
                self._cut += surplus
                if self._cut:
                    self._put(b"\n[c8s: %d bytes of output were cut here]\n" % self._cut)
                self._put(tail[surplus:])
        finally:
            self._stream.close()

    def _put(self, content: bytes) -> None:
        with atomic.explained(self.path):
            view = memoryview(content)
            while view:
                view = view[self._stream.write(view) or 0 :]
