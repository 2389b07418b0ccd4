"""What the end of an attempt makes of its step, and the ends of all steps of their run."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from .halt import Halt
from .observation import Observation, State
from .run import Run
from .spec import Step
from .status import Phase, Reason, ResourceUsage, RunStatus, StepStatus

DISRUPTION_LIMIT = 3


def after_attempt(
    run: Run, step: Step, status: StepStatus, seen: Observation, halt: Halt | None
) -> StepStatus:
    """The status of `step` after its attempt ended as `seen`: over, or Pending for another one.

    `halt` is why the run had to end by then, if it had to. `seen.completion_time` is set.
    """
    ended_at = seen.completion_time or datetime.datetime.max.replace(tzinfo=datetime.UTC)
    status = dataclasses.replace(status, completion_time=ended_at, exit_code=seen.exit_code)
    late = (
        status.start_time is not None
        and (ended_at - status.start_time).total_seconds() >= step.timeout
    )
    if seen.state is State.ENDED and seen.exit_code == 0 and not seen.reason and not late:
        return dataclasses.replace(status, phase=Phase.SUCCEEDED, reason="", message="")
    if halt is not None:
        return dataclasses.replace(
            status, phase=Phase.CANCELLED, reason=halt.reason, message=halt.message
        )
    if seen.interruption:
        return dataclasses.replace(
            status,
            phase=Phase.PENDING,
            interruptions=status.interruptions + 1,
            reason=seen.reason or Reason.INTERRUPTED,
            message=seen.message,
        )
    if late:
        message = f"ran longer than its timeout of {step.timeout} s"
        return _failed(run, step, status, Reason.TIMEOUT, message)
    if seen.disruption or seen.state is State.LOST:
        return _disrupted(status, seen)
    message = seen.message or f"ended with exit code {seen.exit_code}"
    return _failed(run, step, status, seen.reason or Reason.STEP_FAILED, message)


def _disrupted(status: StepStatus, seen: Observation) -> StepStatus:
    reason = seen.reason or Reason.LOST
    count = status.disruptions + 1
    if count > DISRUPTION_LIMIT:
        message = f"{seen.message or reason}; given up after {count} disrupted attempts"
        return dataclasses.replace(
            status, phase=Phase.FAILED, disruptions=count, reason=reason, message=message
        )
    return dataclasses.replace(
        status, phase=Phase.PENDING, disruptions=count, reason=reason, message=seen.message
    )


def _failed(run: Run, step: Step, status: StepStatus, reason: str, message: str) -> StepStatus:
    failures = status.failures + 1
    if failures > step.retries:
        return dataclasses.replace(
            status, phase=Phase.FAILED, failures=failures, reason=reason, message=message
        )
    pause = run.pipeline.backoff * 2 ** (failures - 1)
    ended_at = status.completion_time
    return dataclasses.replace(
        status,
        phase=Phase.PENDING,
        failures=failures,
        not_before=ended_at + datetime.timedelta(seconds=pause) if ended_at else None,
        reason=Reason.RETRY,
        message=f"attempt {status.attempts}: {message}; again after {pause} s",
    )


def breaks_dependents(step: Step, status: StepStatus) -> bool:
    """Whether a step that waits for the success of this ended one waits in vain."""
    if status.phase is Phase.FAILED:
        return not step.allow_failure
    if status.phase is Phase.SKIPPED:
        return status.reason not in (Reason.CONDITION_NOT_MET, Reason.NOTHING_FAILED)
    return status.phase is Phase.CANCELLED


def of_run(run: Run, statuses: Sequence[StepStatus], halt: Halt | None) -> RunStatus:
    """The final status of a run of which all steps have ended; times are filled in by the caller.

    A halt decides only where it kept something from ending well: a run that was cancelled after
    its last step had succeeded has succeeded.
    """
    bad = [
        status
        for status, step in zip(statuses, run.pipeline.steps, strict=True)
        if breaks_dependents(step, status) and status.reason != Reason.DEPENDENCY_FAILED
    ]
    status = dataclasses.replace(
        run.status, steps=tuple(statuses), resource_usage=_usage(run, statuses)
    )
    if not bad:
        return dataclasses.replace(status, phase=Phase.SUCCEEDED, reason="", message="")
    halted = halt is not None and any(step.reason == halt.reason for step in bad)
    if halt is not None and halted and halt.reason != Reason.FAIL_FAST:
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


def _usage(run: Run, statuses: Sequence[StepStatus]) -> ResourceUsage:
    cpu = memory = 0.0
    for status, step in zip(statuses, run.pipeline.steps, strict=True):
        if status.start_time and status.completion_time and status.reason != Reason.REUSED:
            seconds = (status.completion_time - status.start_time).total_seconds()
            cpu += float(step.requests.cpu or 0) * seconds
            memory += float(step.requests.memory or 0) * seconds
    return ResourceUsage(round(cpu, 3), round(memory, 3))
