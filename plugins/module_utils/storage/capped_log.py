"""A log file that never grows past its cap: its head and its tail are kept.

NAME             the head, as it comes; once sealed the whole log
.NAME.tail-N     the last bytes of what came behind the head, from byte N of the output on

Both are on the disk at once, so that another process may go on where this one was killed.
"""

from __future__ import annotations

import pathlib
import secrets
import threading
from typing import IO

from ..core.errors import C8sError, NotFound
from . import atomic

DEFAULT_CAP = 50 * 1024 * 1024


class CappedLog:
    """`cap` bounds the bytes of the output that are kept; the note about what was cut comes on top.

    With `resume_at` it goes on behind so many bytes of the output that an earlier one has taken,
    and forgets what that took beyond them. One thread writes; any may `read`.
    """

    def __init__(self, path: pathlib.Path, cap: int = DEFAULT_CAP, *, resume_at: int = 0) -> None:
        self.path = path
        self.head_cap = cap - cap // 2
        self.tail_cap = cap // 2
        self.size = resume_at
        self._guard = threading.Lock()
        self._tail: IO[bytes] | None = None
        self._tail_start = self.head_cap
        with atomic.explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = "r+b" if resume_at and path.exists() else "wb"
            self._head: IO[bytes] = open(path, mode, buffering=0)  # noqa: SIM115
            self._head.truncate(min(resume_at, self.head_cap))
            self._head.seek(0, 2)
            self._take_tail(resume_at)

    def _take_tail(self, size: int) -> None:
        """Go on with the tail that an earlier one has left, up to `size`, or remove it."""
        left = tails(self.path)
        keep = left.pop() if left and size > self.head_cap else None
        for _start, path in left:
            path.unlink(missing_ok=True)
        if keep is None:
            return
        self._tail_start, path = keep
        if self._tail_start > size:
            path.unlink()
            self._tail_start = self.head_cap
            return
        self._tail = open(path, "r+b", buffering=0)  # noqa: SIM115
        self._tail.truncate(size - self._tail_start)
        self._tail.seek(0, 2)

    def write(self, content: bytes) -> None:
        """Add output; Unavailable where the disk takes no more."""
        with self._guard:
            if self.size < self.head_cap and content:
                head = content[: self.head_cap - self.size]
                self._put(self._head, head)
                content = content[len(head) :]
                self.size += len(head)
            if content:
                self._write_tail(content)

    def skip(self, size: int) -> None:
        """Go on behind `size` bytes of the output: what is between was cut away before."""
        with self._guard:
            self.size = size
            self._begin_tail(size, b"")

    def _write_tail(self, content: bytes) -> None:
        if self._tail is None:
            self._begin_tail(self.size, b"")
        elif self.size - self._tail_start > 2 * self.tail_cap:
            kept = self._read_tail(self.size - self.tail_cap, self.tail_cap)
            self._begin_tail(self.size - len(kept), kept)
        if self._tail is not None:
            self._put(self._tail, content)
        self.size += len(content)

    def _begin_tail(self, start: int, content: bytes) -> None:
        """A new file for the tail takes the place of the one before."""
        path = self.path.with_name(f".{self.path.name}.tail-{start}")
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with atomic.explained(path):
            stream = open(draft, "xb", buffering=0)  # noqa: SIM115
            try:
                self._put(stream, content)
                draft.replace(path)
            except (OSError, C8sError):
                stream.close()
                draft.unlink(missing_ok=True)
                raise
            before = self._tail
            self._tail, self._tail_start = stream, start
            if before is not None:
                before.close()
            for _start, old in tails(self.path)[:-1]:
                old.unlink(missing_ok=True)

    def read(self, start: int, limit: int) -> bytes:
        """At most `limit` bytes of the output from byte `start` on, of which there may be fewer.

        NotFound for what is cut away.
        """
        with self._guard:
            if start < self.head_cap:
                limit = min(limit, self.head_cap - start)
                with atomic.explained(self.path), open(self.path, "rb") as stream:
                    stream.seek(start)
                    return stream.read(limit)
            return self._read_tail(start, limit)

    @property
    def has_tail(self) -> bool:
        """Whether more came than the head takes."""
        return self.size > self.head_cap

    @property
    def tail_start(self) -> int:
        """From which byte of the output on it is all there, the head aside."""
        with self._guard:
            return self._tail_start

    def _read_tail(self, start: int, limit: int) -> bytes:
        if start < self._tail_start:
            raise NotFound(f"bytes from {start} on of the output for {self.path} are cut away")
        if self._tail is None or start >= self.size:
            return b""
        path = self.path.with_name(f".{self.path.name}.tail-{self._tail_start}")
        with atomic.explained(path), open(path, "rb") as stream:
            stream.seek(start - self._tail_start)
            return stream.read(limit)

    def seal(self) -> None:
        """Add the tail, behind a line that says how much was cut before it."""
        if self._head.closed:
            return
        with self._guard:
            try:
                if self.size > self.head_cap:
                    begin = max(self.head_cap, self._tail_start, self.size - self.tail_cap)
                    if begin > self.head_cap:
                        cut = begin - self.head_cap
                        self._put(self._head, b"\n[c8s: %d bytes of output were cut here]\n" % cut)
                    while content := self._read_tail(begin, atomic.BLOCK):
                        self._put(self._head, content)
                        begin += len(content)
            finally:
                self._leave()

    def close(self) -> None:
        """Seal it, and forget what only served to go on with it."""
        try:
            self.seal()
        finally:
            remove_tails(self.path)

    def leave(self) -> None:
        """Let go of its files as they are, for another to go on with it."""
        with self._guard:
            self._leave()

    def _leave(self) -> None:
        self._head.close()
        if self._tail is not None:
            self._tail.close()

    def _put(self, stream: IO[bytes], content: bytes) -> None:
        with atomic.explained(self.path):
            view = memoryview(content)
            while view:
                view = view[stream.write(view) or 0 :]


def tails(path: pathlib.Path) -> list[tuple[int, pathlib.Path]]:
    """What there is of the tail of an unsealed log, by the byte with which it begins."""
    prefix = f".{path.name}.tail-"
    found = (
        (file.name.removeprefix(prefix), file)
        for file in path.parent.glob(f"{prefix}*")
        if file.name.startswith(prefix)
    )
    return sorted((int(start), file) for start, file in found if start.isdigit())


def remove_tails(path: pathlib.Path) -> None:
    for _start, file in tails(path):
        file.unlink(missing_ok=True)
