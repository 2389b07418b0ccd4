"""What a matrix parent does: it runs no step of its own, it launches and watches its children."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from .matrix import Combination, child_name
from .run import Run
from .status import Phase, RunStatus, aggregate


@dataclasses.dataclass(frozen=True, slots=True)
class FamilyPlan:
    """Children to launch (name and combination) and to cancel (names), and the parent's status."""

    status: RunStatus
    launches: tuple[tuple[str, Combination], ...] = ()
    cancels: tuple[str, ...] = ()


def plan_children(
    parent: Run,
    combinations: Sequence[Combination],
    children: Mapping[str, RunStatus],
    room: int | None = None,
) -> FamilyPlan:
    """What a parent has to do, given the statuses of the children that exist, by name.

    `room` bounds how many children may be live at one time, beside the matrix's `maxParallel`.
    Once the parent is cancelled, or with `failFast` one child has failed, nothing more is
    launched and what lives is cancelled; then the parent ends with the children there are.
    """
    if parent.status.phase.terminal or parent.pipeline.matrix is None:
        return FamilyPlan(parent.status)
    matrix = parent.pipeline.matrix
    named = [(child_name(parent.name, values), values) for values in combinations]
    known = [(name, children[name]) for name, _values in named if name in children]
    live = [name for name, status in known if not status.phase.terminal]
    failed = any(status.phase is Phase.FAILED for _name, status in known)
    if parent.cancel is not None or (matrix.fail_fast and failed):
        status = aggregate(known, total=len(known))
        if not known:
            status = dataclasses.replace(status, phase=Phase.CANCELLED)
        return FamilyPlan(_ended(parent, status, len(named)), cancels=tuple(live))
    limits = [limit for limit in (matrix.max_parallel, room) if limit is not None]
    free = max(0, min(limits) - len(live)) if limits else len(named)
    launches = [(name, values) for name, values in named if name not in children][:free]
    status = aggregate(known, total=len(named))
    if launches and status.phase is Phase.PENDING:
        status = dataclasses.replace(status, phase=Phase.RUNNING)
    return FamilyPlan(status, launches=tuple(launches))


def _ended(parent: Run, status: RunStatus, total: int) -> RunStatus:
    """The status of a parent that launches no more, out of that of the children there are.

    A cancel decides only where it kept something from ending well, as it does for a run.
    """
    launched = len(status.matrix.children) if status.matrix else 0
    status = dataclasses.replace(
        status, message=f"{status.message}, {total - launched} not launched"
    )
    complete = launched == total and status.phase is Phase.SUCCEEDED
    if parent.cancel is None or not status.phase.terminal or complete:
        return status
    return dataclasses.replace(status, phase=Phase.CANCELLED, reason=parent.cancel.reason)
