"""Why a whole run must end before its steps have: cancelled, out of time, or failing fast."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from .run import Cancel, Run
from .spec import Step, WhenStatus
from .status import Phase, Reason, StepStatus

CLOCK_SKEW = datetime.timedelta(seconds=10)
"""How far the clocks may differ of who asks for an end, who drives the run, and where steps end.

Containers, besides, tell the time of their end in whole seconds.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Halt:
    """From `at` on nothing new starts and what runs is stopped.

    `run_phase` is what the run ends as, `unstarted_phase` what steps become whose commands have
    not begun. Where `spares_watchers`, steps that run on failure or always still do.
    """

    reason: str
    message: str
    at: datetime.datetime
    run_phase: Phase
    unstarted_phase: Phase
    spares_watchers: bool = False

    def concerns(self, step: Step) -> bool:
        return not (self.spares_watchers and step.when.status is not WhenStatus.SUCCESS)

    def may_have_cut(self, ended_at: datetime.datetime) -> bool:
        """Whether an attempt that ended badly then may have ended by this."""
        return self.at <= ended_at + CLOCK_SKEW

    def decided(self, status: StepStatus) -> bool:
        """Whether this is why the step ended as it did."""
        cut_off = status.phase in (Phase.CANCELLED, Phase.SKIPPED)
        return cut_off and (status.reason, status.message) == (self.reason, self.message)


def halts(
    run: Run, statuses: Sequence[StepStatus], deadline: datetime.datetime, now: datetime.datetime
) -> list[Halt]:
    """All causes that hold at `now`, earliest first."""
    found: list[Halt] = []
    if run.cancel is not None:
        found.append(_cancelled(run.cancel))
    if now >= deadline:
        message = f"the run took longer than its timeout of {run.pipeline.timeout} s"
        found.append(Halt(Reason.TIMEOUT, message, deadline, Phase.FAILED, Phase.SKIPPED))
    if run.pipeline.fail_fast:
        found += _failed_fast(run, statuses)
    return sorted(found, key=lambda halt: halt.at)


def _cancelled(cancel: Cancel) -> Halt:
    message = f"cancelled by {cancel.by}"
    return Halt(cancel.reason, message, cancel.at, Phase.CANCELLED, Phase.CANCELLED)


def _failed_fast(run: Run, statuses: Sequence[StepStatus]) -> list[Halt]:
    failed = [
        (status.completion_time, status.name)
        for status, step in zip(statuses, run.pipeline.steps, strict=True)
        if status.phase is Phase.FAILED and not step.allow_failure and status.completion_time
    ]
    if not failed:
        return []
    at, name = min(failed)
    message = f"step {name!r} failed and failFast is set"
    return [Halt(Reason.FAIL_FAST, message, at, Phase.FAILED, Phase.SKIPPED, spares_watchers=True)]
