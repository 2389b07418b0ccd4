"""Records on their way to a server: those of one run in order, those of many side by side."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import time
from collections.abc import Callable
from typing import Any

Record = dict[str, Any]

WRITERS = 8
HOLD_SECONDS = 5.0
LOOK_SECONDS = 0.1
HELD_A_SECOND = 2
"""How many records of runs that go on are written in a second at most, over all runs: a thousand of
them must not keep the server from their steps."""


@dataclasses.dataclass(slots=True)
class _Line:
    """What is still to be written of one run, and what is being written."""

    sent_at: float = 0.0
    waiting: Record | None = None
    ended: bool = False
    under_way: concurrent.futures.Future[None] | None = None


class RecordWriter:
    """Writes the newest record of each run by `send`, in threads of its own.

    What is not the last word on a run goes out when its last write is `HOLD_SECONDS` old, so that
    a short run is written once, and `HELD_A_SECOND` bounds how many of them do. All calls come
    from one thread; what a write failed with is raised by the next call that looks at it.
    """

    def __init__(
        self,
        send: Callable[[str, Record], None],
        *,
        hold: float = HOLD_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._hold = hold
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        # Of a thousand runs few are written at a time.
        self._sending: set[str] = set()
        self._looked_at = 0.0
        self._next_held = self._sweep_at = 0.0
        self._pool = concurrent.futures.ThreadPoolExecutor(WRITERS, "c8s-record")

    @property
    def pool(self) -> concurrent.futures.ThreadPoolExecutor:
        """The threads that talk to the server, for what else is asked there about records."""
        return self._pool

    def created(self, name: str) -> None:
        """The run's first record has just been written."""
        self._lines[name] = _Line(self._clock())

    def write(self, name: str, record: Record, *, ended: bool) -> None:
        """Write the record soon, at once where the run has ended."""
        line = self._lines.setdefault(name, _Line())
        line.waiting, line.ended = record, ended
        self._advance(name, line)

    def settle(self) -> None:
        """Send what was held for long enough."""
        now = self._clock()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        for name in list(self._sending):
            self._advance(name, self._lines[name])
        if now >= self._sweep_at:
            self._sweep_at = now + 1 / HELD_A_SECOND
            for name, line in list(self._lines.items()):
                self._advance(name, line)

    def kept(self, name: str) -> bool:
        """Whether nothing of this run is still to be written."""
        line = self._lines.get(name)
        if line is None:
            return True
        self._advance(name, line)
        return line.waiting is None and line.under_way is None

    def flush(self) -> None:
        """Wait for everything about runs that have ended."""
        for name, line in list(self._lines.items()):
            while line.under_way is not None or (line.ended and line.waiting is not None):
                if line.under_way is not None:
                    concurrent.futures.wait([line.under_way])
                self._advance(name, line)

    def _advance(self, name: str, line: _Line) -> None:
        if line.under_way is not None:
            if not line.under_way.done():
                return
            done, line.under_way = line.under_way, None
            self._sending.discard(name)
            line.sent_at = self._clock()
            done.result()
        if line.waiting is not None and (line.ended or self._may_go(line)):
            record, line.waiting = line.waiting, None
            line.under_way = self._pool.submit(self._send, name, record)
            self._sending.add(name)
        elif line.ended and line.waiting is None:
            self._lines.pop(name, None)

    def _may_go(self, line: _Line) -> bool:
        now = self._clock()
        if now < self._next_held or now - line.sent_at < self._hold:
            return False
        self._next_held = now + 1 / HELD_A_SECOND
        return True
