"""What is wanted of the logs of a run: of some steps, the last lines, those that match."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ...core.durations import seconds
from ...core.errors import InvalidInput, NotFound
from ...pipeline.record import from_record, parse_time
from ...pipeline.run import Run
from ...pipeline.status import StepStatus
from ...storage.lines import tail_offset
from ...storage.stored_log import StoredLog
from .. import inspection
from ..inspection import KeptRuns


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Which steps (none: all), which attempt (0: the last), and which of their lines.

    `tail`: the last so many of them (None: all); `grep`: only those of them in which it is found.
    Steps that had ended before `since` are left out.
    """

    steps: tuple[str, ...] = ()
    attempt: int = 0
    tail: int | None = None
    grep: re.Pattern[bytes] | None = None
    since: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Extract:
    """A step's log, as far as it is wanted: the masked bytes, line by line."""

    run: str
    step: str
    attempt: int
    phase: str
    log: StoredLog
    wanted: Wanted

    def as_dict(self) -> dict[str, Any]:
        """What it is of, JSON-able."""
        return {"run": self.run, "step": self.step, "attempt": self.attempt, "phase": self.phase}

    def lines(self) -> Iterator[bytes]:
        """Each with the newline that ends it. Raises Unavailable where the log cannot be read."""
        with self.log.open() as stream:
            if self.wanted.tail is not None:
                stream.seek(tail_offset(stream, self.wanted.tail))
            for line in stream:
                if self.wanted.grep is None or self.wanted.grep.search(line):
                    yield line


def wanted(
    now: datetime.datetime,
    *,
    steps: Sequence[str] = (),
    attempt: int = 0,
    tail: int | None = None,
    grep: str = "",
    since: str = "",
) -> Wanted:
    """From plain options: `grep` is a regular expression, `since` a duration back from `now`, or
    a time of RFC 3339. Raises InvalidInput where one of them is none."""
    try:
        pattern = re.compile(grep.encode()) if grep else None
    except re.error as error:
        raise InvalidInput(f"grep: {grep!r} is no regular expression: {error}") from None
    if tail is not None and tail < 0:
        raise InvalidInput(f"tail: {tail} is less than no lines")
    return Wanted(tuple(steps), attempt, tail, pattern, _moment(since, now) if since else None)


def _moment(text: str, now: datetime.datetime) -> datetime.datetime:
    try:
        return parse_time(text)
    except ValueError:
        pass  # Then it has to be a duration.
    try:
        return now - datetime.timedelta(seconds=seconds(text))
    except InvalidInput as error:
        raise InvalidInput(
            f"since: {text[:40]!r} is neither a duration (10m, 1h30m) nor a time with its zone"
            " (2026-01-31T12:00:00Z)"
        ) from error


def extracts(store: KeptRuns, name: str, asked: Wanted) -> list[Extract]:
    """The logs of a run, or of all runs of its matrix, in the order of the pipeline.

    Raises NotFound for a run or step that does not exist, and where a step that was asked for has
    no log.
    """
    run = from_record(store.read(name))
    if run.is_matrix_parent:
        children = run.status.matrix.children if run.status.matrix else ()
        runs = [from_record(store.read(child)) for child in children]
    else:
        runs = [run]
    return [found for each in runs for found in _of_run(store, each, asked)]


def _of_run(store: KeptRuns, run: Run, asked: Wanted) -> Iterator[Extract]:
    steps = asked.steps or tuple(step.name for step in run.pipeline.steps)
    for step in steps:
        try:
            log = inspection.stored_log(store, run.name, step, asked.attempt)
        except NotFound:
            if asked.steps:
                raise
            continue
        status = run.status.step(step)
        if not _is_over_before(status, asked.since):
            attempt = asked.attempt or max(1, status.attempts)
            yield Extract(run.name, step, attempt, str(status.phase), log, asked)


def _is_over_before(status: StepStatus, moment: datetime.datetime | None) -> bool:
    ended = status.completion_time
    return moment is not None and ended is not None and ended < moment
