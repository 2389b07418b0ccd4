"""What a driver reports, as JSON: for programs, and for whoever watches from another process."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
from typing import Any

from ...pipeline.record import rfc3339
from ...storage import atomic
from ..clock import Clock
from ..events import Event, Report, RunChanged, StepChanged, ignore


def event_record(event: Event) -> dict[str, Any]:
    """A JSON-able dict; `event` tells the kind: run, step or notice. What is empty is left out."""
    run = event.run
    told: dict[str, Any] = {
        "run": run.name,
        "parent": run.parent,
        "matrixIndex": dict(run.matrix_values),
    }
    if isinstance(event, RunChanged):
        told = {"event": "run", **told, **_of_run(event)}
    elif isinstance(event, StepChanged):
        told = {"event": "step", **told, **_of_step(event)}
    else:
        told = {"event": "notice", **told, "message": event.text}
    return {name: value for name, value in told.items() if value not in (None, "", {})}


def _of_run(event: RunChanged) -> dict[str, Any]:
    status = event.run.status
    return {
        "phase": str(status.phase),
        "before": event.before and str(event.before),
        "reason": status.reason,
        "message": status.message,
        "seconds": _seconds(status.start_time, status.completion_time),
    }


def _of_step(event: StepChanged) -> dict[str, Any]:
    status = event.step
    return {
        "step": status.name,
        "phase": str(status.phase),
        "before": str(event.before.phase),
        "live": status.live,
        "attempt": status.attempts,
        "exitCode": status.exit_code,
        "reason": status.reason,
        "message": status.message,
        "seconds": _seconds(status.start_time, status.completion_time),
        "allowFailure": event.run.pipeline.step(status.name).allow_failure,
    }


def _seconds(start: datetime.datetime | None, end: datetime.datetime | None) -> float | None:
    return round((end - start).total_seconds(), 3) if start and end else None


class EventFile:
    """Appends events to a file, a line of JSON each, for this user's eyes alone."""

    def __init__(self, path: pathlib.Path, clock: Clock) -> None:
        self._clock = clock
        self._path = path
        with atomic.explained(path):
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o600)

    def take(self, event: Event) -> None:
        """Write an event down. Raises Unavailable where the disk takes no more."""
        self.put(event_record(event))

    def put(self, told: dict[str, Any]) -> None:
        """Write something else down, with the time."""
        line = json.dumps({"time": rfc3339(self._clock()), **told}, separators=(",", ":"))
        with atomic.explained(self._path):
            os.write(self._descriptor, line.encode() + b"\n")

    def close(self) -> None:
        os.close(self._descriptor)


def reporting_to(path: str | None, clock: Clock) -> Report:
    """What takes a driver's reports to the file at `path`, if there is to be one."""
    return EventFile(pathlib.Path(path).expanduser(), clock).take if path else ignore
