"""A driver in a world of attempts: it sees them late, twice or not at all, and dies in between."""

from __future__ import annotations

import dataclasses
from random import Random

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.graph import Graph
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.observation import Observation, Plan
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.plan import plan
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Cancel, Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import RunStatus, StepStatus

from unit.pipeline.runs import EPOCH, at
from unit.pipeline.world import Scenario, World

CHAOS_TURNS = 60
TURN_LIMIT = 3000


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
        assert todo.wake_at is None or todo.wake_at > at(self.world.now), "a wake in the past"
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
