"""What is known of a launch: its runs, as the latest events told of them."""

from __future__ import annotations

import dataclasses
import threading

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.matrix import (
    Combination,
    child_name,
    combinations,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import Event


@dataclasses.dataclass(frozen=True, slots=True)
class Child:
    """A run that a matrix makes; `run` is None until it is made."""

    name: str
    values: Combination
    run: Run | None


class Board:
    """Written by the thread that drives, read by the one that draws.

    `stopping` is set, by a signal handler, once somebody has asked for the end.
    """

    def __init__(self) -> None:
        self.stopping = False
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}

    def take(self, event: Event) -> None:
        """Learn from an event."""
        with self._lock:
            self._runs[event.run.name] = event.run

    def heads(self) -> list[Run]:
        """The runs that were asked for: all but the children of a matrix."""
        with self._lock:
            return [run for run in self._runs.values() if run.parent not in self._runs]

    def children(self, parent: Run) -> list[Child]:
        """The children of a matrix run, those to come included, in the order of the file."""
        if not parent.is_matrix_parent or parent.pipeline.matrix is None:
            return []
        named = [
            (child_name(parent.name, values), values)
            for values in combinations(parent.pipeline.matrix)
        ]
        with self._lock:
            return [Child(name, values, self._runs.get(name)) for name, values in named]
