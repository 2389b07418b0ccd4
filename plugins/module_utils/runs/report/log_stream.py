"""The logs of a run while it goes on: what they have gained since the last look."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

from ...core.errors import NotFound
from ...pipeline.status import Phase, Reason
from ...storage.lines import tail_offset
from ...storage.stored_log import StoredLog
from .. import inspection
from ..inspection import KeptRuns

Record = dict[str, Any]
LogKey = tuple[str, str, int]
"""Run, step and attempt."""


@dataclasses.dataclass(frozen=True, slots=True)
class LogPart:
    """Some bytes of a step's log, as they are stored."""

    run: str
    step: str
    attempt: int
    content: bytes


class LogStream:
    """The log of one step of a run, or of all steps of it and of its children.

    It begins with the attempt that is the last one at the first look. `tail`: of what is there
    then, only so many last lines; None: all of it.
    """

    def __init__(
        self, store: KeptRuns, name: str, step: str = "", *, tail: int | None = None
    ) -> None:
        self._store = store
        self._name = name
        self._step = step
        self._tail = tail
        self._first: dict[tuple[str, str], int] = {}
        self._logs: dict[LogKey, _Seen] = {}
        self.ended = False
        self.interrupted = False

    def read(self) -> Iterator[LogPart]:
        """What is new. `ended` tells afterwards that nothing more will come, `interrupted` that
        nobody drives the run any more. Raises NotFound for a run or step that does not exist."""
        records = self._records()
        # What is over by its record has its whole log: the record is written after it.
        self.ended = all(map(self._is_over, records)) and self._are_whole(records)
        self.interrupted = records[0]["status"].get("reason") == Reason.INTERRUPTED
        for record in records:
            for status in self._steps(record):
                yield from self._new(record["metadata"]["name"], status)
        self._tail = None

    def _records(self) -> list[Record]:
        """The run and its children; of these only the last can tell steps."""
        record = inspection.one(self._store, self._name)
        children = record["status"].get("matrix", {}).get("children", ())
        if self._step and children:
            inspection.stored_log(self._store, self._name, self._step)
        return [record, *(self._store.read(child) for child in children)]

    def _is_over(self, record: Record) -> bool:
        if self._step:
            phases = [status["phase"] for status in self._steps(record)]
        else:
            phases = [record["status"].get("phase", Phase.PENDING)]
        return all(Phase(phase).terminal for phase in phases)

    def _steps(self, record: Record) -> list[Record]:
        steps: list[Record] = record["status"].get("steps", [])
        if not self._step:
            return steps
        found = [status for status in steps if status["name"] == self._step]
        if not found and steps:
            known = ", ".join(status["name"] for status in steps)
            raise NotFound(f"run {self._name!r} has no step {self._step!r}; it has {known}")
        return found

    def _new(self, run: str, status: Record) -> Iterator[LogPart]:
        step, attempts = status["name"], status.get("attempts", 0)
        if not attempts:
            return
        holder = run
        if status.get("reason") == Reason.REUSED:
            holder = inspection.holder(self._store, run, step)
        first = self._first.setdefault((run, step), attempts)
        for attempt in range(first, attempts + 1):
            for content in self._gained((holder, step, attempt)):
                yield LogPart(run, step, attempt, content)

    def _gained(self, key: LogKey) -> Iterator[bytes]:
        """What a log holds beyond what was read of it."""
        seen = self._logs.get(key)
        if seen is None:
            seen = self._logs[key] = _Seen(self._store.stored_log(*key))
        now = time.monotonic()
        if not self.ended and now < seen.look_at:
            return
        seen.look_at = now + seen.log.pause
        if seen.read_to is None:
            seen.read_to = 0
            if self._tail is not None and seen.log.exists():
                with seen.log.open() as stream:
                    seen.read_to = tail_offset(stream, self._tail)
        for content in seen.log.read(seen.read_to):
            seen.read_to += len(content)
            yield content

    def _are_whole(self, records: list[Record]) -> bool:
        """Whether the logs are whole too, where they come to readers later than the records."""
        if all(self._is_ended(record) for record in records):
            return True
        attempts = [
            (record["metadata"]["name"], status["name"], status.get("attempts", 0))
            for record in records
            for status in self._steps(record)
            if status.get("reason") != Reason.REUSED
        ]
        return all(self._store.stored_log(*key).whole() for key in attempts if key[2])

    @staticmethod
    def _is_ended(record: Record) -> bool:
        return Phase(record["status"].get("phase", Phase.PENDING)).terminal


@dataclasses.dataclass(slots=True)
class _Seen:
    """A log, how many of its bytes were read, and from when (monotonic) on to look again."""

    log: StoredLog
    read_to: int | None = None
    look_at: float = 0.0
