"""Logs on their way from this host into an object store, each by itself: a store that is slow or
away delays none but the copy there, for what comes is on the disk already."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from ..core.errors import C8sError
from . import atomic, log_spool
from .log_mark import LogMark
from .log_parts import LogPart, LogParts
from .log_spool import LogSpool
from .objects import Objects

FLUSH_SECONDS: Final = 2.0
"""What is lost at most with the driver's host, as far as the store is there."""
LEAST_PART: Final = 64 * 1024
MOST_PART: Final = 4 * 1024 * 1024
WORKERS: Final = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_TICK_SECONDS = 0.25


@dataclasses.dataclass(frozen=True, slots=True)
class LogKeys:
    """Where a log goes: the whole of it, its parts before that, and the note that it is whole."""

    log: str
    parts: str
    sealed: str


@dataclasses.dataclass(frozen=True, slots=True)
class Brought:
    """What a store has of a log: how far, and with which bytes the parts begin."""

    mark: LogMark
    starts: tuple[int, ...]


class LogUpload:
    """One log: a spool of this host, copied to the keys of a store.

    `brought` is what the store has of it already; without it, what may be there is another's, and
    goes. `kept` is done when all of it is there. `fault` says why nothing goes there now. `changed`
    is called, by any thread, when it is kept, in trouble, or out of it.
    """

    def __init__(
        self,
        objects: Objects,
        keys: LogKeys,
        spool: LogSpool,
        brought: Brought | None,
        *,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.keys = keys
        self.spool = spool
        self.changed = changed
        self.kept: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.fault: C8sError | None = None
        self.due = 0.0
        self.busy = False
        self._objects = objects
        self._parts = LogParts(objects, keys.parts)
        self._tries = 0
        self._clean = brought is not None
        self._mark = brought.mark if brought else LogMark(spool.mark.origin)
        self._uploaded = self._begin = self._mark.size
        self._starts = list(brought.starts) if brought else []

    def __str__(self) -> str:
        return self._objects.url(self.keys.log)

    def advance(self, now: float) -> None:
        """Bring over what is there; what fails is told by `fault` and comes again."""
        try:
            if not self._clean:
                self._objects.delete([self.keys.log])
                self._parts.clear()
                self._clean = True
            mark = self.spool.mark
            if mark.sealed:
                self._complete(mark)
            else:
                self._flush(mark)
        except C8sError as error:
            self.fault = error
            self.due = now + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._tries, 10))
            self._tries += 1
        else:
            self.fault, self._tries = None, 0
            self.due = now + FLUSH_SECONDS

    @property
    def behind(self) -> bool:
        """Whether there is anything to bring over."""
        mark = self.spool.mark
        return mark.sealed or mark.size > self._mark.size or self.spool.size > self._uploaded

    def _flush(self, mark: LogMark) -> None:
        log, size = self.spool.log, self.spool.size
        while True:
            begin = self._begin
            if log.head_cap <= begin < log.tail_start:
                # The store was away for so long that the middle of a long log is cut already.
                begin = log.tail_start
            content = log.read(begin, min(MOST_PART, size - begin))
            end = begin + len(content)
            newest = mark if mark.size <= end else self._mark
            self._parts.put(LogPart(begin, newest, content))
            if begin not in self._starts:
                self._starts.append(begin)
            self._uploaded, self._mark = end, newest
            self._begin = end if len(content) >= LEAST_PART or end < size else begin
            if end >= size or not content:
                break
        self._drop_what_is_cut()

    def _drop_what_is_cut(self) -> None:
        """Parts of the middle of a long log, which will not be in the whole one, go at once."""
        head, first = self.spool.log.head_cap, self._mark.size - self.spool.log.tail_cap
        ends = [*self._starts[1:], self._uploaded]
        gone = [
            start
            for start, end in zip(self._starts, ends, strict=True)
            if start >= head and end <= first
        ]
        if gone:
            self._parts.delete(gone)
            self._starts = [start for start in self._starts if start not in gone]

    def _complete(self, mark: LogMark) -> None:
        path = self.spool.path
        if path.exists() or self._objects.size(self.keys.sealed) is None:
            with atomic.explained(path), open(path, "rb") as stream:
                self._objects.put_file(self.keys.log, stream)
            self._objects.put(self.keys.sealed, mark.as_json())
        self._parts.clear()
        log_spool.remove(path)
        self.kept.set_result(None)


class LogUploads:
    """Copies any number of logs side by side."""

    def __init__(self, *, workers: int = WORKERS) -> None:
        self._guard = threading.Lock()
        self._logs: list[LogUpload] = []
        self._pool = concurrent.futures.ThreadPoolExecutor(workers, "c8s-upload")
        self._over = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, log: LogUpload) -> None:
        with self._guard:
            self._logs.append(log)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="c8s-uploads", daemon=True)
                self._thread.start()

    def drop(self, logs: Iterable[LogUpload]) -> None:
        """Bring nothing more of these."""
        gone = set(map(id, logs))
        with self._guard:
            self._logs = [log for log in self._logs if id(log) not in gone]

    def hurry(self, logs: Iterable[LogUpload]) -> None:
        """Some have come to their end, and need not wait for their turn."""
        for log in logs:
            if log.fault is None and log.spool.mark.sealed:
                log.due = 0.0
        self._wake.set()

    def close(self) -> None:
        """Begin nothing more."""
        self._over.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while not self._over.is_set():
            now = time.monotonic()
            with self._guard:
                self._logs = [log for log in self._logs if not log.kept.done()]
                due = [log for log in self._logs if not log.busy and now >= log.due and log.behind]
                for log in due:
                    log.busy = True
            for log in due:
                self._pool.submit(self._advance, log).add_done_callback(
                    lambda done, log=log: self._ended(log, done)  # type: ignore[misc]
                )
            self._wake.wait(_TICK_SECONDS)
            self._wake.clear()

    def _advance(self, log: LogUpload) -> None:
        before = log.fault
        log.advance(time.monotonic())
        if log.kept.done() or (log.fault is None) != (before is None):
            log.changed()

    def _ended(self, log: LogUpload, done: concurrent.futures.Future[None]) -> None:
        """Let whoever waits for the log hear of a fault that is this program's own."""
        error = None if done.cancelled() else done.exception()
        if error is not None:
            log.kept.set_exception(error)
            log.changed()
        log.busy = False
