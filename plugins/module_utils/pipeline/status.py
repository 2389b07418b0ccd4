"""How far a run and its steps have come, as values that are replaced and never changed.

The phases and fields are those of a PipelineRun's status; `record` turns them into JSON and back.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Iterable


class Phase(enum.StrEnum):
    PENDING = "Pending"
    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    SKIPPED = "Skipped"

    @property
    def terminal(self) -> bool:
        """Whether it never changes again."""
        return self in _TERMINAL


_TERMINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.SKIPPED})


class Reason(enum.StrEnum):
    """Why a phase is what it is. Executors may report others of the same style."""

    STEP_FAILED = "StepFailed"
    TIMEOUT = "Timeout"
    CANCELLED_BY = "CancelledBy"
    SUPERSEDED = "Superseded"
    FAIL_FAST = "FailFast"
    CONDITION_NOT_MET = "ConditionNotMet"
    DEPENDENCY_FAILED = "DependencyFailed"
    NOTHING_FAILED = "NothingFailed"
    RETRY = "Retry"
    INTERRUPTED = "Interrupted"
    LOST = "Lost"
    REUSED = "Reused"


@dataclasses.dataclass(frozen=True, slots=True)
class StepStatus:
    """One step. `attempts` counts those begun; all but a live one are counted by their end.

    `failures` are ends that the user's commands caused, `disruptions` those of the infrastructure,
    `interruptions` those that count for nothing: their driver went away, or they were prepared
    ahead and ended before their turn. `not_before` holds back the next attempt.
    """

    name: str
    phase: Phase = Phase.PENDING
    attempts: int = 0
    failures: int = 0
    disruptions: int = 0
    interruptions: int = 0
    start_time: datetime.datetime | None = None
    completion_time: datetime.datetime | None = None
    not_before: datetime.datetime | None = None
    exit_code: int | None = None
    reason: str = ""
    message: str = ""
    job_name: str = ""
    log_url: str = ""
    artifact_urls: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """Whether an attempt was begun whose end is not known."""
        ended = self.failures + self.disruptions + self.interruptions
        return not self.phase.terminal and self.attempts > ended


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """A Kubernetes condition: `status` is True, False or Unknown."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class MatrixStatus:
    """What became of a matrix's combinations; `children` are the runs that there are of them.

    `duration` is the sum of the children's in seconds. In the end, combinations that were never
    launched count as cancelled.
    """

    children: tuple[str, ...] = ()
    succeeded: int = 0
    failed: int = 0
    running: int = 0
    pending: int = 0
    cancelled: int = 0
    duration: float = 0.0

    @property
    def total(self) -> int:
        """How many combinations there are, launched or not."""
        return self.succeeded + self.failed + self.running + self.pending + self.cancelled

    @property
    def summary(self) -> str:
        return f"{self.succeeded}/{self.total} succeeded"


@dataclasses.dataclass(frozen=True, slots=True)
class ResourceUsage:
    """Requests times duration, summed over the steps: core-seconds and byte-seconds."""

    cpu: float = 0.0
    memory: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class RunStatus:
    """A whole run; `steps` are in the order of the pipeline file, empty for a matrix parent.

    `resume_time` is when a driver took it up again after its steps had died with the one before:
    the run's timeout counts from there, since nothing of it ran in between.
    """

    phase: Phase = Phase.PENDING
    reason: str = ""
    message: str = ""
    start_time: datetime.datetime | None = None
    resume_time: datetime.datetime | None = None
    completion_time: datetime.datetime | None = None
    queue_position: int | None = None
    steps: tuple[StepStatus, ...] = ()
    conditions: tuple[Condition, ...] = ()
    matrix: MatrixStatus | None = None
    resource_usage: ResourceUsage | None = None

    def step(self, name: str) -> StepStatus:
        """The status of that step; KeyError where there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)


def aggregate(children: Iterable[tuple[str, RunStatus]], total: int) -> RunStatus:
    """The status of a matrix parent of `total` children, of which some may not exist yet.

    It ends when all of its children have: Failed if one failed, else Cancelled if one was
    cancelled, else Succeeded. Its own duration runs from the first start to the last end.
    """
    named = list(children)
    statuses = [status for _name, status in named]
    phases = [status.phase for status in statuses]
    matrix = MatrixStatus(
        children=tuple(name for name, _status in named),
        succeeded=phases.count(Phase.SUCCEEDED),
        failed=phases.count(Phase.FAILED),
        running=phases.count(Phase.RUNNING),
        pending=total - sum(phase.terminal or phase is Phase.RUNNING for phase in phases),
        cancelled=phases.count(Phase.CANCELLED),
        duration=sum(_seconds(status) for status in statuses),
    )
    ended = len(named) == total and all(phase.terminal for phase in phases)
    if not ended:
        begun = any(phase not in (Phase.PENDING, Phase.QUEUED) for phase in phases)
        phase = Phase.RUNNING if begun else Phase.PENDING
    elif matrix.failed:
        phase = Phase.FAILED
    elif matrix.cancelled:
        phase = Phase.CANCELLED
    else:
        phase = Phase.SUCCEEDED
    first = next((status for status in statuses if status.phase is phase), None)
    starts = [status.start_time for status in statuses if status.start_time]
    ends = [status.completion_time for status in statuses if status.completion_time]
    return RunStatus(
        phase=phase,
        reason=first.reason if ended and first else "",
        message=matrix.summary,
        start_time=min(starts, default=None),
        completion_time=max(ends, default=None) if ended else None,
        matrix=matrix,
    )


def _seconds(status: RunStatus) -> float:
    if not status.start_time or not status.completion_time:
        return 0.0
    return (status.completion_time - status.start_time).total_seconds()
