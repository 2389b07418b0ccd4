"""A world in which runs can be driven through every accident: virtual time, attempts that end as
a scenario says, and a driver that sees them late, twice or not at all and dies between effects.

The world asserts what no executor may ever be told: two live attempts of one step, an attempt out
of turn, more attempts than there are slots.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.graph import Graph
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.observation import (
    Observation,
    Plan,
    Release,
    Start,
    State,
    Stop,
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
GRACE = 2
CHAOS_TURNS = 60
TURN_LIMIT = 3000


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


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How an attempt goes once made: `delay` until its commands begin, `seconds` until they end.

    `kind`: exit (with `code`), disrupted, lost, interrupted, refused (ends before its commands),
    stuck (never begins).
    """

    kind: str = "exit"
    code: int = 0
    delay: int = 0
    seconds: int = 5


GOOD = Outcome()


@dataclasses.dataclass(frozen=True, repr=False)
class Scenario:
    """A run and all that will happen to it. The last outcome of a step repeats itself.

    `skew` is how many seconds the executor's clock is ahead; it tells whole seconds only.
    """

    run: Run
    outcomes: Mapping[str, Sequence[Outcome]] = dataclasses.field(default_factory=dict)
    slots: int | None = None
    cancel_at: int | None = None
    skew: int = 0

    def __repr__(self) -> str:
        """Only what differs from one scenario to the next, for those who read failures."""
        pipeline = self.run.pipeline
        lines = [
            f"slots={self.slots} cancel_at={self.cancel_at} skew={self.skew}"
            f" timeout={pipeline.timeout} backoff={pipeline.backoff}"
            f" fail_fast={pipeline.fail_fast} prepare_ahead={pipeline.prepare_ahead}"
        ]
        for position, step in enumerate(pipeline.steps):
            lines.append(
                f"{step.name} <- {list(step.depends_on)} {step.when.status}"
                f" retries={step.retries} timeout={step.timeout}"
                f" allow_failure={step.allow_failure} left_out={self.left_out(position)}"
                f" {list(self.outcomes.get(step.name, ()))}"
            )
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(f"\n{self!r}\n")

    def outcome(self, step: str, attempt: int) -> Outcome:
        listed = self.outcomes.get(step) or (GOOD,)
        return listed[min(attempt, len(listed)) - 1]

    def waits_for(self, position: int, *, success: bool = False) -> Iterator[int]:
        """The steps before which this one may not begin, seen through those that are left out;
        with `success` those that have to end well for it to begin, if it runs on success."""
        graph = Graph.of(self.run.pipeline.steps)
        waiting = list(graph.dependencies[position])
        known: set[int] = set()
        while waiting:
            dependency = waiting.pop()
            if dependency not in known:
                known.add(dependency)
                yield dependency
                status = self.run.pipeline.steps[dependency].when.status
                if self.left_out(dependency) and not (success and status != "success"):
                    waiting += graph.dependencies[dependency]

    def left_out(self, position: int) -> bool:
        return self.run.status.steps[position].phase == "Skipped"


@dataclasses.dataclass
class Attempt:
    """One attempt in the world, and when which thing happens or happened to it."""

    outcome: Outcome
    made_at: float
    released_at: float | None
    stopped_at: float | None = None

    @property
    def begins_at(self) -> float | None:
        """When its commands begin, if they do."""
        if self.released_at is None or self.outcome.kind in ("refused", "stuck"):
            return None
        begins = max(self.made_at + self.outcome.delay, self.released_at)
        return None if self.stopped_at is not None and self.stopped_at < begins else begins

    @property
    def ends_at(self) -> float | None:
        """When it ends, if nothing else happens to it; None if that is never."""
        begins = self.begins_at
        natural = None if begins is None else begins + self.outcome.seconds
        if self.outcome.kind == "refused":
            natural = self.made_at + self.outcome.delay
        if self.stopped_at is None:
            return natural
        killed = self.stopped_at + GRACE
        return killed if natural is None else min(natural, killed)

    def over(self, now: float) -> bool:
        return self.ends_at is not None and self.ends_at <= now

    def begun(self, now: float) -> bool:
        return self.begins_at is not None and self.begins_at <= now


class World:
    """The executor, and the clock."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.now = 0.0
        self.attempts: dict[tuple[str, int], Attempt] = {}
        self.index = {step.name: n for n, step in enumerate(scenario.run.pipeline.steps)}
        self.bounded = True

    # --- effects -------------------------------------------------------------------------------

    def carry_out(self, effect: Start | Stop | Release) -> None:
        if isinstance(effect, Start):
            self.start(effect)
        elif isinstance(effect, Release):
            self.release(effect)
        elif (effect.step, effect.attempt) in self.attempts:
            attempt = self.attempts[effect.step, effect.attempt]
            if attempt.stopped_at is None and not attempt.over(self.now):
                attempt.stopped_at = self.now

    def start(self, effect: Start) -> None:
        if (effect.step, effect.attempt) in self.attempts:
            return
        others = [number for name, number in self.attempts if name == effect.step]
        assert effect.attempt == len(others) + 1, f"{effect} leaves out an attempt"
        assert not any(self.live(effect.step)), f"{effect} while another attempt lives"
        if self.scenario.slots is not None and self.bounded:
            assert len(self.all_live()) < self.scenario.slots, f"{effect} without a free slot"
        outcome = self.scenario.outcome(effect.step, effect.attempt)
        if not effect.ahead:
            self.assert_turn(effect.step)
        released_at = None if effect.ahead else self.now
        self.attempts[effect.step, effect.attempt] = Attempt(outcome, self.now, released_at)

    def release(self, effect: Release) -> None:
        attempt = self.attempts[effect.step, effect.attempt]
        if attempt.released_at is None and attempt.stopped_at is None:
            self.assert_turn(effect.step)
            attempt.released_at = self.now

    def assert_turn(self, name: str) -> None:
        """Nothing that the step waits for lives, or has yet to begin."""
        for dependency in self.scenario.waits_for(self.index[name]):
            waited_for = self.scenario.run.pipeline.steps[dependency].name
            assert not any(self.live(waited_for)), f"{name} begins while {waited_for} runs"
        for other, position in self.index.items():
            if any(attempt.released_at is not None for attempt in self.of(other)):
                waits = self.scenario.waits_for(position)
                assert self.index[name] not in waits, f"{name} begins after {other} has"

    def of(self, name: str) -> Iterator[Attempt]:
        return (attempt for (step, _n), attempt in self.attempts.items() if step == name)

    def live(self, name: str) -> Iterator[Attempt]:
        return (attempt for attempt in self.of(name) if not attempt.over(self.now))

    def all_live(self) -> list[tuple[str, int]]:
        return [key for key, attempt in self.attempts.items() if not attempt.over(self.now)]

    # --- what is to be seen --------------------------------------------------------------------

    def look(self) -> list[Observation]:
        return [self.observation(*key) for key in self.attempts]

    def observation(self, name: str, number: int) -> Observation:
        attempt = self.attempts[name, number]
        begun = attempt.begun(self.now)
        seen = Observation(
            name,
            number,
            State.RUNNING if begun else State.WAITING,
            start_time=self.clock(attempt.begins_at) if begun else None,
            held=attempt.released_at is None,
            job_name=f"{name}-{number}",
        )
        ends_at = attempt.ends_at
        if ends_at is None or ends_at > self.now:
            return seen
        ended = dataclasses.replace(
            seen, state=State.ENDED, completion_time=self.clock(ends_at), exit_code=None
        )
        outcome = attempt.outcome
        natural = begun and ends_at == (attempt.begins_at or 0) + outcome.seconds
        if not begun:
            reason = "ImagePullBackOff" if outcome.kind == "refused" else "StoppedEarly"
            return dataclasses.replace(ended, reason=reason)
        if not natural:
            return dataclasses.replace(ended, exit_code=143)
        if outcome.kind == "disrupted":
            return dataclasses.replace(ended, exit_code=137, reason="Evicted", disruption=True)
        if outcome.kind in ("lost", "interrupted"):
            return Observation(
                name,
                number,
                State.LOST,
                interruption=outcome.kind == "interrupted",
                job_name=seen.job_name,
            )
        return dataclasses.replace(ended, exit_code=outcome.code)

    def clock(self, seconds: float | None) -> datetime.datetime:
        return at(int((seconds or 0) + self.scenario.skew))

    def next_event(self) -> float | None:
        """When the next attempt begins or ends by itself."""
        moments = [
            moment
            for attempt in self.attempts.values()
            for moment in (attempt.begins_at, attempt.ends_at)
            if moment is not None and moment > self.now
        ]
        return min(moments, default=None)


@dataclasses.dataclass
class Chaos:
    """What goes wrong with looking and keeping, as far as it is allowed to."""

    random: Random
    loses: bool = False
    """Looks miss attempts, show old states, repeat and shuffle."""
    dawdles: bool = False
    """Looks come late."""
    dies: bool = False
    """The driver dies between effects, or after keeping; the status kept may be an older one."""
    blinks: bool = False
    """Even the first look after a death may miss something."""

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent


CALM = Chaos(Random(0))


class Drive:
    """One run driven to its end. `kept` holds every status that was ever kept."""

    def __init__(self, scenario: Scenario, chaos: Chaos = CALM) -> None:
        self.world = World(scenario)
        self.world.bounded = not chaos.blinks
        self.scenario = scenario
        self.chaos = chaos
        self.graph = Graph.of(scenario.run.pipeline.steps)
        self.kept: list[RunStatus] = [scenario.run.status]
        self.plans: list[Plan] = []
        self.looks: list[list[Observation]] = []
        self.fresh = True

    def to_the_end(self) -> Run:
        turns = 0
        while not self.kept[-1].phase.terminal:
            turns += 1
            assert turns < TURN_LIMIT, "the run does not end"
            if turns == CHAOS_TURNS:
                self.chaos = CALM
            self.turn()
        return self.run

    @property
    def run(self) -> Run:
        """The run as it was kept last."""
        run = dataclasses.replace(self.scenario.run, status=self.kept[-1])
        cancel_at = self.scenario.cancel_at
        if cancel_at is not None and cancel_at <= self.world.now:
            run = dataclasses.replace(run, cancel=Cancel("somebody", at(cancel_at)))
        return run

    def turn(self) -> None:
        run = self.run
        todo = plan(run, self.graph, self.look(), at(self.world.now), self.scenario.slots)
        self.plans.append(todo)
        assert_sound(run, todo)
        for effect in (*todo.stops, *todo.releases, *todo.starts):
            if self.dies(5):
                return
            self.world.carry_out(effect)
        if self.dies(10):
            return
        self.kept.append(todo.status)
        if not todo.status.phase.terminal and not self.dies(3):
            self.advance(todo)

    def dies(self, percent: int) -> bool:
        """The driver may die here; then the next begins with what was kept, and a fresh look."""
        if not self.chaos.dies or not self.chaos.chance(percent):
            return False
        self.fresh = not self.chaos.blinks
        if self.chaos.chance(50):
            del self.kept[self.chaos.random.randrange(len(self.kept)) + 1 :]
        return True

    def look(self) -> list[Observation]:
        everything = self.world.look()
        self.looks.append(everything)
        if self.fresh or not self.chaos.loses:
            self.fresh = False
            return everything
        seen = []
        for number, newest in enumerate(everything):
            if self.chaos.chance(25):
                continue
            older = self.chaos.random.choice(self.looks)
            seen.append(older[number] if self.chaos.chance(25) and number < len(older) else newest)
            if self.chaos.chance(20):
                seen.append(newest)
        self.chaos.random.shuffle(seen)
        return seen

    def advance(self, todo: Plan) -> None:
        """On to the next moment at which there is something to do or to see."""
        if self.world.look() != self.looks[-1]:
            return
        moments = [self.world.next_event()]
        if self.chaos.loses:
            moments.append(self.world.now + 1)
        if todo.wake_at is not None:
            moments.append((todo.wake_at - EPOCH).total_seconds())
        if self.scenario.cancel_at is not None and self.scenario.cancel_at > self.world.now:
            moments.append(self.scenario.cancel_at)
        known = [moment for moment in moments if moment is not None and moment > self.world.now]
        unseen = self.chaos.loses or self.scenario.skew > 0
        assert known or unseen or self.world.now == 0, "nothing will ever happen again"
        self.world.now = min(known, default=self.world.now + 1)
        if self.chaos.dawdles and self.chaos.chance(30):
            self.world.now += self.chaos.random.randrange(40)


def assert_sound(run: Run, todo: Plan) -> None:
    """What holds for every single plan."""
    for before, after in zip(run.status.steps, todo.status.steps, strict=True):
        if before.phase.terminal:
            assert after == before, "a terminal phase changed"
        assert after.attempts >= before.attempts
        assert not (after.phase.terminal and after.live)
    started = [start.step for start in todo.starts]
    assert len(started) == len(set(started)), "two starts of one step"
    if todo.status.phase.terminal:
        assert all(status.phase.terminal for status in todo.status.steps)
        assert not todo.starts
        assert not todo.releases
        assert todo.wake_at is None
        assert todo.status.completion_time is not None
    else:
        assert todo.status.start_time is not None


def driven(scenario: Scenario, chaos: Chaos = CALM) -> Run:
    """The run as it ends, with all that must hold then checked."""
    drive = Drive(scenario, chaos)
    ended = drive.to_the_end()
    again = plan(ended, drive.graph, drive.world.look(), at(10**6), scenario.slots)
    assert again == Plan(ended.status), "a run that has ended is not left alone"
    if not chaos.blinks:
        assert drive.world.all_live() == [], "attempts outlive their run"
    return ended


def essence(status: StepStatus) -> tuple[object, ...]:
    """What may not depend on times; whether what is skipped had been prepared may, and whether
    what was late ended by itself."""
    if status.phase == "Skipped":
        return (status.name, status.phase, status.reason)
    return (
        status.name,
        status.phase,
        status.reason,
        status.message,
        status.attempts,
        status.failures,
        status.disruptions,
        status.interruptions,
        None if status.reason == "Timeout" else status.exit_code,
        status.job_name,
    )
