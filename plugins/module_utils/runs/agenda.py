"""Which runs are to be looked at now: so that a turn costs what has changed, not what there is."""

from __future__ import annotations

import datetime
import heapq
import math
from collections.abc import Iterable


class Agenda:
    """Names and the times from which they are due; of two times for one name the later call's
    counts."""

    def __init__(self) -> None:
        self._now: set[str] = set()
        self._times: dict[str, datetime.datetime] = {}
        self._heap: list[tuple[datetime.datetime, str]] = []

    def at_once(self, names: Iterable[str]) -> None:
        """These are due at the next look."""
        self._now.update(names)

    def at(self, name: str, when: datetime.datetime | None) -> None:
        """It is due then; with None, not before something is heard of it."""
        if when is None:
            self._times.pop(name, None)
        elif self._times.get(name) != when:
            self._times[name] = when
            heapq.heappush(self._heap, (when, name))

    def drop(self, name: str) -> None:
        """It is never due again."""
        self._now.discard(name)
        self._times.pop(name, None)

    def take(self, now: datetime.datetime) -> set[str]:
        """What is due, and is not from then on."""
        due, self._now = self._now, set()
        while self._heap and self._heap[0][0] <= now:
            when, name = heapq.heappop(self._heap)
            if self._times.get(name) == when:
                del self._times[name]
                due.add(name)
        return due

    def seconds(self, now: datetime.datetime) -> float:
        """Seconds until something is due; infinite while nothing will be by itself."""
        if self._now:
            return 0.0
        while self._heap and self._times.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return max(0.0, (self._heap[0][0] - now).total_seconds()) if self._heap else math.inf
