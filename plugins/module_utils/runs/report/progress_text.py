"""Events as lines that tell people how runs go on, without drowning them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from ...pipeline.matrix import text
from ...pipeline.record import parse_time
from ...pipeline.status import Phase
from ..table import brief

BURST = 40
PER_SECOND = 10.0
_PHASE_WIDTH = len(Phase.SUCCEEDED)

Line = tuple[str, str]
"""A text, and the phase it tells of (empty where none) for whoever has colours."""


class ProgressText:
    """Turns event records into lines; of more than `burst` at once most are only counted.

    Parameters:
        burst: lines that may come at one time.
        per_second: lines a second that may follow.
    """

    def __init__(self, burst: int = BURST, per_second: float = PER_SECOND) -> None:
        self._burst = burst
        self._per_second = per_second
        self._room = float(burst)
        self._looked_at = 0.0
        self._held_back = 0
        self._begin: datetime.datetime | None = None
        self._titles: dict[str, str] = {}

    def lines(self, event: Mapping[str, Any], now: float) -> Iterator[Line]:
        """The lines for an event. `now`: seconds of any clock that only goes forward."""
        phase = str(event.get("phase", ""))
        if _goes_without_saying(event, phase):
            return
        self._room = min(self._burst, self._room + (now - self._looked_at) * self._per_second)
        self._looked_at = now
        line = self._line(event, phase)
        if self._room < 1:
            self._held_back += 1
            return
        yield from self.rest()
        self._room -= 1
        yield line, phase

    def rest(self) -> Iterator[Line]:
        """What has to be said of the lines that were held back since the last one."""
        if self._held_back:
            yield f"{'':>7}  ... {self._held_back} more changes ...", ""
            self._held_back = 0

    def _line(self, event: Mapping[str, Any], phase: str) -> str:
        at = parse_time(event["time"])
        self._begin = self._begin or at
        told = [f"{brief((at - self._begin).total_seconds()):>7}"]
        if event["event"] == "notice":
            return "  ".join([*told, str(event["message"])])
        name = self._title(event)
        if event["event"] == "step":
            name += f"/{event['step']}"
        told += [f"{phase:<{_PHASE_WIDTH}}", name, _note(event, phase)]
        return "  ".join(filter(None, told))

    def _title(self, event: Mapping[str, Any]) -> str:
        """A run's name; of a child of a matrix its parent's and its values."""
        run = str(event["run"])
        if event.get("parent") and run not in self._titles:
            values = ", ".join(text(value) for value in event.get("matrixIndex", {}).values())
            self._titles[run] = f"{event['parent']} ({values})"
        return self._titles.get(run, run)


def _goes_without_saying(event: Mapping[str, Any], phase: str) -> bool:
    """A step that is only being prepared, a run of a matrix that has only been made."""
    if event["event"] == "step":
        return phase == event.get("before")
    return phase == Phase.PENDING and bool(event.get("parent"))


def _note(event: Mapping[str, Any], phase: str) -> str:
    notes = []
    if event.get("seconds") is not None and phase != Phase.SKIPPED:
        notes.append(brief(event["seconds"]))
    message = str(event.get("message") or event.get("reason") or "")
    if message:
        notes.append(message.splitlines()[0])
    if phase == Phase.FAILED and event.get("allowFailure"):
        notes.append("allowed to fail")
    elif event.get("attempt", 0) > 1:
        notes.append(f"attempt {event['attempt']}")
    return ", ".join(notes)
