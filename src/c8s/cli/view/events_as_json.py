"""The view for programs: a JSON object on a line of its own for each event."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import rfc3339
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import Event
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.event_record import event_record


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class JsonView:
    """Writes events as JSON lines. `event` tells the kind: run, step, notice, and result last."""

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], datetime.datetime] = _now
    ) -> None:
        self._write = write
        self._clock = clock

    def open(self) -> None:
        """Nothing to get ready."""

    def take(self, event: Event) -> None:
        """Write it down."""
        self.put(event_record(event))

    def put(self, told: Mapping[str, Any]) -> None:
        """One line, with the time."""
        line = {"time": rfc3339(self._clock()), **told}
        self._write(json.dumps(line, ensure_ascii=False, separators=(",", ":")))

    def stopping(self) -> None:
        """The events that follow tell it."""

    def close(self) -> None:
        """Nothing to put back."""
