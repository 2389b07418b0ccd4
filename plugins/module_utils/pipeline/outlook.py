"""What a step may expect of the steps that it waits for.

A step that its own condition skips is in its place as if it had succeeded at its turn: who waits
for it waits for what stands before it, too. Otherwise leaving out `test` would let `deploy` of
build -> test -> deploy overtake `build`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence, Set

from .graph import Graph
from .outcome import breaks_dependents
from .spec import Step, WhenStatus
from .status import Phase, Reason, StepStatus


@dataclasses.dataclass(frozen=True, slots=True)
class Outlook:
    """Whether all that is waited for is `over`, whether it is at least `near` (over, running, or
    about to run), and the first ended step because of which waiting for success is vain, if there
    is one.
    """

    over: bool
    near: bool
    broken_by: StepStatus | None = None


_OVER = Outlook(over=True, near=True)
_NEAR = Outlook(over=False, near=True)
_FAR = Outlook(over=False, near=False)


class Outlooks:
    """The outlook of each step, worked out along the graph's order while `statuses` change.

    `beginning` are the positions of the steps whose attempts do what comes before their commands.
    """

    def __init__(
        self,
        graph: Graph,
        steps: Sequence[Step],
        statuses: Sequence[StepStatus],
        beginning: Set[int] = frozenset(),
    ) -> None:
        self._graph = graph
        self._steps = steps
        self._statuses = statuses
        self._beginning = beginning
        self._behind: list[Outlook] = [_FAR] * len(steps)
        self._watchers: Outlook | None = None

    def of(self, position: int) -> Outlook:
        """What the step at `position` may expect; all before it in the order are settled."""
        needed = self._graph.dependencies[position]
        if needed is not self._graph.watched:
            return self._sum(needed)
        if self._watchers is None:
            self._watchers = self._sum(needed)
        return self._watchers

    def settle(self, position: int) -> None:
        """Note what the status of the step at `position` means for those that wait for it."""
        status = self._statuses[position]
        phase = status.phase
        if phase is Phase.SUCCEEDED:
            behind = _OVER
        elif phase is Phase.RUNNING:
            behind = _NEAR
        elif not phase.terminal:
            # What is itself made ahead of its turn brings nobody else's nearer.
            begins = status.live and position in self._beginning and self.of(position).over
            behind = _NEAR if begins else _FAR
        elif _left_out(status):
            behind = self.of(position)
            if self._steps[position].when.status is not WhenStatus.SUCCESS:
                behind = dataclasses.replace(behind, broken_by=None)
        elif breaks_dependents(self._steps[position], status):
            behind = Outlook(over=True, near=True, broken_by=status)
        else:
            behind = _OVER
        self._behind[position] = behind

    def _sum(self, needed: Sequence[int]) -> Outlook:
        over = near = True
        broken_by = None
        for dependency in needed:
            behind = self._behind[dependency]
            if behind is _OVER:
                continue
            over = over and behind.over
            near = near and behind.near
            broken_by = broken_by or behind.broken_by
        if broken_by is not None:
            return Outlook(over, near, broken_by)
        return _OVER if over else _NEAR if near else _FAR


def _left_out(status: StepStatus) -> bool:
    return status.phase is Phase.SKIPPED and status.reason == Reason.CONDITION_NOT_MET
