"""Small runs, what is seen of their attempts, and a way to plan them turn by turn."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.graph import Graph
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.observation import (
    Observation,
    Plan,
    State,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.plan import first_status, plan
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Cancel, Run, Trigger
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import (
    Pipeline,
    Step,
    When,
    WhenStatus,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import RunStatus, StepStatus

EPOCH = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


def at(seconds: float) -> datetime.datetime:
    return EPOCH + datetime.timedelta(seconds=seconds)


def step(
    name: str,
    *depends_on: str,
    status: str = "success",
    retries: int = 0,
    allow_failure: bool = False,
    timeout: int = 1800,
) -> Step:
    return Step(
        name,
        "busybox",
        commands=("true",),
        depends_on=depends_on,
        when=When(status=WhenStatus(status)),
        retries=retries,
        allow_failure=allow_failure,
        timeout=timeout,
    )


def pipeline_of(*steps: Step, **settings: object) -> Pipeline:
    return Pipeline("demo", steps, **settings)  # type: ignore[arg-type]


def run_of(pipeline: Pipeline, skipped: Sequence[str] = (), reuse: RunStatus | None = None) -> Run:
    def skip_reason(step: Step) -> str | None:
        return "its condition does not hold" if step.name in skipped else None

    status = first_status(pipeline, skip_reason, reuse)
    return Run("demo-1", "uid", EPOCH, pipeline, {}, Trigger(), status)


def waiting(
    step: str, attempt: int = 1, *, held: bool = False, begins: bool = False, reason: str = ""
) -> Observation:
    return Observation(step, attempt, State.WAITING, held=held, begins=begins, reason=reason)


def running(step: str, attempt: int = 1, *, since: float = 0) -> Observation:
    return Observation(step, attempt, State.RUNNING, start_time=at(since))


def ended(
    step: str,
    attempt: int = 1,
    *,
    code: int | None = 0,
    since: float | None = 0,
    until: float = 5,
    **more: object,
) -> Observation:
    return Observation(
        step,
        attempt,
        State.ENDED,
        start_time=None if since is None else at(since),
        completion_time=at(until),
        exit_code=code,
        **more,  # type: ignore[arg-type]
    )


def lost(step: str, attempt: int = 1, *, interruption: bool = False) -> Observation:
    return Observation(step, attempt, State.LOST, interruption=interruption)


class Turns:
    """A run that is planned turn by turn, each with what is seen, and kept in between."""

    def __init__(self, run: Run, slots: int | None = None) -> None:
        self.run = run
        self.slots = slots
        self.graph = Graph.of(run.pipeline.steps)

    def plan(self, now: float, *seen: Observation, keep: bool = True) -> Plan:
        todo = plan(self.run, self.graph, seen, at(now), self.slots)
        if keep:
            self.run = dataclasses.replace(self.run, status=todo.status)
        return todo

    def cancel(self, now: float, reason: str = "CancelledBy") -> None:
        self.run = dataclasses.replace(self.run, cancel=Cancel("ada", at(now), reason))

    def status(self, step: str) -> StepStatus:
        return self.run.status.step(step)

    def phases(self) -> dict[str, str]:
        return {status.name: str(status.phase) for status in self.run.status.steps}


def started(todo: Plan) -> list[str]:
    return [start.step for start in todo.starts]


def stopped(todo: Plan) -> list[tuple[str, str]]:
    return [(stop.step, str(stop.reason)) for stop in todo.stops]
