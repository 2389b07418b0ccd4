"""A count of changes that many threads make and many wait for."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class Changes:
    """Counts changes and remembers for each group of objects when it changed last.

    Level-driven: who waits learns that a group changed and looks at what is, never at events.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0
        # The group that changed last is at the end.
        self._latest: dict[str, int] = {}

    @property
    def count(self) -> int:
        """How much has changed up to now; the mark for `wait` and `since`."""
        with self._condition:
            return self._count

    def note(self, groups: Iterable[str]) -> None:
        """These groups have changed."""
        with self._condition:
            self._count += 1
            for group in groups:
                self._latest.pop(group, None)
                self._latest[group] = self._count
            self._condition.notify_all()

    def wait(self, mark: int, timeout: float) -> bool:
        """Wait at most `timeout` seconds for a change after `mark`; whether one came."""
        with self._condition:
            return self._condition.wait_for(lambda: self._count > mark, timeout)

    def since(self, mark: int) -> tuple[int, frozenset[str]]:
        """The mark of now, and the groups that changed after `mark`."""
        with self._condition:
            groups = []
            for group, count in reversed(self._latest.items()):
                if count <= mark:
                    break
                groups.append(group)
            return self._count, frozenset(groups)

    def forget(self, group: str) -> None:
        """Nobody will ask for this group again."""
        with self._condition:
            self._latest.pop(group, None)
