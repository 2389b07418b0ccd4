"""The plain view: a line for each change, for logs and for terminals that are none."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Callable

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.matrix import label
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import (
    Phase,
    StepStatus,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import (
    Event,
    RunChanged,
    StepChanged,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.table import revision, took

from . import step_line

_NAME_WIDTH = 24
_PHASE_WIDTH = len("Succeeded")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class PlainView:
    """Shows events as lines: the time of day, what it is, its phase, how long, and why."""

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], datetime.datetime] = _now
    ) -> None:
        self._write = write
        self._clock = clock
        self._width = _NAME_WIDTH

    def open(self) -> None:
        """Nothing to get ready."""

    def take(self, event: Event) -> None:
        """Write it down."""
        if isinstance(event, RunChanged):
            self._run(event)
        elif isinstance(event, StepChanged):
            self._step(event.run, event.step)
        else:
            self._line(event.text)

    def stopping(self) -> None:
        """Somebody has asked for the end. Called by a signal handler, so nothing is buffered."""
        os.write(sys.stderr.fileno(), b"stopping; Ctrl-C again ends it at once\n")

    def close(self) -> None:
        """Nothing to put back."""

    def _run(self, event: RunChanged) -> None:
        run, status = event.run, event.run.status
        told = [self._named(run.name, status.phase)]
        if event.before is None:
            told.append(_origin(run))
        if status.phase.terminal:
            told += [self._took(status.start_time, status.completion_time), _first(status.message)]
        self._line("  ".join(filter(None, told)))
        if event.before is None:
            for step in status.steps:
                if step.phase.terminal:
                    self._step(run, step)

    def _step(self, run: Run, status: StepStatus) -> None:
        if status.phase is Phase.PENDING and not status.message:
            return  # It gets ready; that it runs is told soon enough.
        step = run.pipeline.step(status.name)
        time = (
            self._took(status.start_time, status.completion_time) if status.phase.terminal else ""
        )
        told = [self._named(f"{run.name}/{status.name}", status.phase), time]
        self._line("  ".join(filter(None, [*told, step_line.note_of(step, status)])))

    def _named(self, name: str, phase: Phase) -> str:
        self._width = max(self._width, len(name))
        return f"{name:<{self._width}}  {phase:<{_PHASE_WIDTH}}"

    def _took(self, start: datetime.datetime | None, end: datetime.datetime | None) -> str:
        return took(start, end, self._clock())

    def _line(self, text: str) -> None:
        clock = self._clock().astimezone().strftime("%H:%M:%S")
        self._write(f"{clock}  {text}".rstrip())


def _origin(run: Run) -> str:
    """What the run is of: a combination of its matrix, or a revision."""
    return label(run.matrix_values) if run.matrix_values else revision(run)


def _first(text: str) -> str:
    return text.splitlines()[0] if text else ""
