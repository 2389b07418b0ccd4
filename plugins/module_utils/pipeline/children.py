"""What a matrix parent does: it runs no step of its own, it launches and watches its children."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from .matrix import Combination, child_name
from .run import Cancel, Run
from .status import MatrixStatus, Phase, RunStatus, aggregate


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
    launched and what lives is cancelled; the parent ends with the children there are.
    """
    matrix = parent.pipeline.matrix
    if parent.status.phase.terminal or matrix is None:
        return FamilyPlan(parent.status)
    named = [(child_name(parent.name, values), values) for values in combinations]
    known = [(name, children[name]) for name, _values in named if name in children]
    live = tuple(name for name, status in known if not status.phase.terminal)
    failed_fast = matrix.fail_fast and any(status.phase is Phase.FAILED for _each, status in known)
    if parent.cancel is not None or failed_fast:
        missing = len(named) - len(known)
        cancel = parent.cancel
        if cancel and not _cancelled_any(cancel, known) and (failed_fast or not missing):
            cancel = None
        return FamilyPlan(_ending(known, missing, cancel), cancels=live)
    limits = [limit for limit in (matrix.max_parallel, room) if limit is not None]
    free = max(0, min(limits) - len(live)) if limits else len(named)
    launches = [(name, values) for name, values in named if name not in children][:free]
    status = aggregate(known, total=len(named))
    if launches or parent.status.phase is Phase.RUNNING:
        status = _begun(status)
    return FamilyPlan(status, launches=tuple(launches))


def _begun(status: RunStatus) -> RunStatus:
    """Running, even while none of the children are: a phase does not go back."""
    if status.phase.terminal:
        return status
    return dataclasses.replace(status, phase=Phase.RUNNING)


def _cancelled_any(cancel: Cancel, children: Iterable[tuple[str, RunStatus]]) -> bool:
    return any(
        status.phase is Phase.CANCELLED and status.reason == cancel.reason
        for _name, status in children
    )


def _ending(
    known: Sequence[tuple[str, RunStatus]], missing: int, cancel: Cancel | None
) -> RunStatus:
    """The status of a parent that launches none of the `missing` any more.

    `cancel` is given where it kept a child from ending, or from being launched: as for a run, it
    then decides before anything that failed.
    """
    status = aggregate(known, total=len(known))
    if not status.phase.terminal:
        return _begun(aggregate(known, total=len(known) + missing))
    counts = status.matrix or MatrixStatus()
    counts = dataclasses.replace(counts, cancelled=counts.cancelled + missing)
    message = counts.summary + (f", {missing} not launched" if missing else "")
    status = dataclasses.replace(status, message=message, matrix=counts)
    if cancel is None:
        return status
    return dataclasses.replace(
        status,
        phase=Phase.CANCELLED,
        reason=cancel.reason,
        message=f"cancelled by {cancel.by}; {message}",
        completion_time=status.completion_time or cancel.at,
    )
