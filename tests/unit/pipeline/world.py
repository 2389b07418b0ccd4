"""A world of attempts that go as a scenario says, in virtual time.

It asserts what no executor may ever be told: two live attempts of one step, an attempt out of
turn, more attempts than there are slots.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.graph import Graph
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.observation import (
    Observation,
    Release,
    Start,
    State,
    Stop,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run

from unit.pipeline.runs import at

GRACE = 2


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
            begins=not begun and attempt.begins_at is not None,
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
