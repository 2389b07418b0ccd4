"""The logs of a run while it goes on: what they have gained since the last look."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

from ..core.errors import NotFound
from ..pipeline.status import Phase, Reason
from ..storage import atomic
from ..storage.lines import tail_offset
from . import inspection
from .inspection import KeptRuns

READ_SIZE = 256 * 1024

Record = dict[str, Any]


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
        self._read_to: dict[pathlib.Path, int] = {}
        self.ended = False
        self.interrupted = False

    def read(self) -> Iterator[LogPart]:
        """What is new. `ended` tells afterwards that nothing more will come, `interrupted` that
        nobody drives the run any more. Raises NotFound for a run or step that does not exist."""
        records = self._records()
        # What is over by its record has its whole log: the record is written after it.
        self.ended = all(map(self._is_over, records))
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
            inspection.log_path(self._store, self._name, self._step)
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
            path = self._store.log(holder, step, attempt)
            for content in self._gained(path):
                yield LogPart(run, step, attempt, content)

    def _gained(self, path: pathlib.Path) -> Iterator[bytes]:
        """What a log file holds beyond what was read of it."""
        if not path.exists():
            return
        with atomic.explained(path), open(path, "rb") as stream:
            if path not in self._read_to:
                self._read_to[path] = 0 if self._tail is None else tail_offset(stream, self._tail)
            stream.seek(self._read_to[path])
            while content := stream.read(READ_SIZE):
                self._read_to[path] += len(content)
                yield content
