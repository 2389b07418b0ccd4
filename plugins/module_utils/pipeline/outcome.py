"""What the end of an attempt makes of its step, and the ends of all steps of their run."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from .halt import CLOCK_SKEW, Halt
from .observation import Observation, State
from .run import Run
from .spec import Step
from .status import Phase, Reason, ResourceUsage, RunStatus, StepStatus

DISRUPTION_LIMIT = 3


def after_attempt(
    run: Run,
    step: Step,
    status: StepStatus,
    seen: Observation,
    ended_at: datetime.datetime,
    halt: Halt | None,
) -> StepStatus:
    """The status of `step` after its attempt ended as `seen`: over, or Pending for another one.

    `status` holds what was seen already; `halt` is why the run had to end by then, if it had to.
    What ends well after a halt may have obeyed a signal, and what ends well after its timeout was
    late: neither has succeeded. What goes wrong while an attempt is held is no verdict: preparing
    ahead may save time, but never changes what comes of a step.
    """
    late = _late(step, status.start_time, ended_at, killed=_killed(seen))
    went_well = seen.state is State.ENDED and seen.exit_code == 0 and not seen.reason
    if went_well and not late and (halt is None or ended_at <= halt.at):
        return dataclasses.replace(status, phase=Phase.SUCCEEDED)
    if halt is not None:
        phase = Phase.CANCELLED if status.start_time else halt.unstarted_phase
        return dataclasses.replace(status, phase=phase, reason=halt.reason, message=halt.message)
    if seen.interruption or seen.held:
        return dataclasses.replace(
            status,
            phase=Phase.PENDING,
            interruptions=status.interruptions + 1,
            reason=status.reason or Reason.INTERRUPTED,
        )
    if seen.disruption or seen.state is State.LOST:
        return _disrupted(status)
    if late:
        message = f"ran longer than its timeout of {step.timeout} s"
        return _failed(run, step, status, ended_at, Reason.TIMEOUT, message)
    message = status.message or f"ended with exit code {seen.exit_code}"
    return _failed(run, step, status, ended_at, status.reason or Reason.STEP_FAILED, message)


def _late(
    step: Step,
    start_time: datetime.datetime | None,
    ended_at: datetime.datetime,
    *,
    killed: bool,
) -> bool:
    """Whether its timeout ended it. Who stops it may have a clock that is fast: what was killed
    shortly before is taken for late, too."""
    if start_time is None:
        return False
    timeout = datetime.timedelta(seconds=step.timeout)
    slack = min(CLOCK_SKEW, timeout / 2) if killed else datetime.timedelta()
    return ended_at - start_time >= timeout - slack


def _killed(seen: Observation) -> bool:
    """Whether a signal ended it, and nobody knows better why."""
    return seen.exit_code is not None and seen.exit_code > 128 and not seen.reason


def _disrupted(status: StepStatus) -> StepStatus:
    reason = status.reason or Reason.LOST
    count = status.disruptions + 1
    if count > DISRUPTION_LIMIT:
        message = f"{status.message or reason}; given up after {count} disrupted attempts"
        return dataclasses.replace(
            status, phase=Phase.FAILED, disruptions=count, reason=reason, message=message
        )
    return dataclasses.replace(status, phase=Phase.PENDING, disruptions=count, reason=reason)


def _failed(
    run: Run,
    step: Step,
    status: StepStatus,
    ended_at: datetime.datetime,
    reason: str,
    message: str,
) -> StepStatus:
    failures = status.failures + 1
    if failures > step.retries:
        return dataclasses.replace(
            status, phase=Phase.FAILED, failures=failures, reason=reason, message=message
        )
    pause = run.pipeline.backoff * 2 ** (failures - 1)
    return dataclasses.replace(
        status,
        phase=Phase.PENDING,
        failures=failures,
        not_before=ended_at + datetime.timedelta(seconds=pause),
        reason=Reason.RETRY,
        message=f"attempt {status.attempts}: {message}; again after {pause} s",
    )


def breaks_dependents(step: Step, status: StepStatus) -> bool:
    """Whether a step that waits for the success of this ended one waits in vain.

    It does not where this one was allowed to fail, or had nothing to do: skipped by its own
    condition, or because it runs after failures only and there was none.
    """
    if status.phase is Phase.FAILED:
        return not step.allow_failure
    if status.phase is Phase.SKIPPED:
        return status.reason not in (Reason.CONDITION_NOT_MET, Reason.NOTHING_FAILED)
    return status.phase is Phase.CANCELLED


def of_run(run: Run, statuses: Sequence[StepStatus], halting: Sequence[Halt]) -> RunStatus:
    """The final status of a run of which all steps have ended, but for its times.

    `halting` are the causes that held at its end, earliest first. One decides only where it kept
    something from ending well: a run that was cancelled after its last step had succeeded has
    succeeded. One that did so decides before what had failed.
    """
    bad = [
        status
        for status, step in zip(statuses, run.pipeline.steps, strict=True)
        if breaks_dependents(step, status)
    ]
    usage = _usage(run, statuses)
    status = dataclasses.replace(run.status, steps=tuple(statuses), resource_usage=usage)
    if not bad:
        return dataclasses.replace(status, phase=Phase.SUCCEEDED, reason="", message="")
    decisive = [
        halt
        for halt in halting
        if not halt.spares_watchers and any(halt.decided(step) for step in bad)
    ]
    if decisive:
        halt = decisive[0]
        return dataclasses.replace(
            status, phase=halt.run_phase, reason=halt.reason, message=halt.message
        )
    failed = [step for step in bad if step.phase is Phase.FAILED] or bad
    first = min(failed, key=lambda step: (step.completion_time is None, step.completion_time))
    return dataclasses.replace(
        status,
        phase=Phase.FAILED,
        reason=first.reason or Reason.STEP_FAILED,
        message=f"step {first.name!r}: {first.message}",
    )


def end_of_run(
    statuses: Sequence[StepStatus],
    halting: Sequence[Halt],
    start_time: datetime.datetime,
    now: datetime.datetime,
) -> datetime.datetime:
    """When the last step ended, or was kept from beginning; not the time of whoever looks later."""
    moments = [status.completion_time for status in statuses if status.completion_time]
    moments += [
        min(halt.at, now) for halt in halting if any(halt.decided(status) for status in statuses)
    ]
    return max([start_time, *moments]) if moments else now


def _usage(run: Run, statuses: Sequence[StepStatus]) -> ResourceUsage:
    cpu = memory = 0.0
    for status, step in zip(statuses, run.pipeline.steps, strict=True):
        if status.start_time and status.completion_time and status.reason != Reason.REUSED:
            seconds = (status.completion_time - status.start_time).total_seconds()
            cpu += float(step.requests.cpu or 0) * max(0.0, seconds)
            memory += float(step.requests.memory or 0) * max(0.0, seconds)
    return ResourceUsage(round(cpu, 3), round(memory, 3))
