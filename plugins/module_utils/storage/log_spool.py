"""The log of a step on this host, with the place up to which it is kept: whoever comes after a
driver that was killed goes on there, and neither loses nor doubles a line."""

from __future__ import annotations

import dataclasses
import pathlib
import threading
import time
from collections.abc import Callable, Sequence

from ..core.errors import Conflict, NotFound, Unavailable
from . import atomic, capped_log
from .capped_log import DEFAULT_CAP, CappedLog
from .log_mark import LogMark
from .log_parts import LogPart

# The mark is set at most so often, and whenever so much has come since.
_PAUSE_SECONDS = 0.1
_MUCH = 256 * 1024


class LogSpool:
    """Takes what is to be kept (masked already) of the log of `origin`, an attempt's pod.

    `found` is where to go on, None for a new log; `target` is the address that it is on its way to,
    if to any. One thread writes; any may look.
    """

    def __init__(
        self,
        path: pathlib.Path,
        origin: str,
        cap: int = DEFAULT_CAP,
        *,
        found: LogMark | None = None,
        target: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._guard = threading.Lock()
        self._clock = clock
        self._mark = dataclasses.replace(found or LogMark(origin), target=target)
        self._log: CappedLog | None = None
        if not self._mark.sealed:
            if not found:
                # A mark that outlived its log must not become the mark of this one.
                with atomic.explained(path):
                    _mark_path(path).unlink(missing_ok=True)
            self._log = CappedLog(path, cap, resume_at=self._mark.size)
        self._saved_at = clock()
        if found:
            self._save(self._mark)  # It may be on its way to somewhere else now.

    @property
    def mark(self) -> LogMark:
        """How far it is."""
        with self._guard:
            return self._mark

    @property
    def log(self) -> CappedLog:
        """What is kept so far. Conflict for a log that is whole: that is its file alone."""
        if self._log is None:
            raise Conflict(f"{self.path} is whole already")
        return self._log

    @property
    def size(self) -> int:
        """Bytes of output taken, also those behind the mark."""
        return self._log.size if self._log is not None else self._mark.size

    def write(self, content: bytes, position: Callable[[], str] | None) -> None:
        """Add output. With `position` one may go on behind it, from what that gives; it is not
        asked each time, for the answer is dear.

        Raises Unavailable where the disk takes no more.
        """
        self.log.write(content)
        if position is None:
            return
        much = self.log.size - self._mark.size >= _MUCH
        if much or self._clock() >= self._saved_at + _PAUSE_SECONDS:
            mark = dataclasses.replace(self._mark, position=position(), size=self.log.size)
            self._save(mark)
            with self._guard:
                self._mark = mark

    def seal(self) -> None:
        """It is whole: nothing more will come."""
        self.log.seal()
        mark = dataclasses.replace(self._mark, position="", size=self.log.size, sealed=True)
        self._save(mark)
        if self.log.has_tail:
            capped_log.remove_tails(self.path)
        with self._guard:
            # From here on it may be brought elsewhere, and be gone.
            self._mark = mark

    def leave(self) -> None:
        """Let go of it as it is, for another to go on with."""
        if not self._mark.sealed:
            self._save(self._mark)
            self.log.leave()

    def _save(self, mark: LogMark) -> None:
        self._saved_at = self._clock()
        atomic.write(_mark_path(self.path), mark.as_json(), durable=False)


def found(path: pathlib.Path, origin: str = "") -> LogMark | None:
    """How far a log of this host is kept; None where there is none of this origin (any: empty)."""
    place = _mark_path(path)
    try:
        with atomic.explained(place):
            mark = LogMark.parse(place.read_bytes(), str(place))
    except (NotFound, Unavailable):
        return None  # Then it is read anew.
    return mark if path.exists() and origin in ("", mark.origin) else None


def remove(path: pathlib.Path) -> None:
    """Forget a log of this host, with all that served to go on with it."""
    with atomic.explained(path):
        capped_log.remove_tails(path)
        for left in (path, _mark_path(path)):
            left.unlink(missing_ok=True)


def _mark_path(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f".{path.name}.mark")


def rebuild(
    path: pathlib.Path, parts: Sequence[LogPart], mark: LogMark, cap: int = DEFAULT_CAP
) -> bool:
    """Make the log of this host out of what another one has brought into a store, up to `mark`.

    False, and nothing there, where a piece is missing of what cannot be done without.
    """
    remove(path)
    log = CappedLog(path, cap)
    try:
        for part in parts:
            if part.start < mark.size:
                if part.start != log.size:
                    if log.size < log.head_cap or part.start < log.size:
                        break
                    log.skip(part.start)
                log.write(part.content[: mark.size - part.start])
        complete = log.size == mark.size
    finally:
        log.leave()
    if not complete:
        remove(path)
    return complete
