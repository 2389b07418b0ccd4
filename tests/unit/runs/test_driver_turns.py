"""A driver of many runs looks at those of which there is news, and at all of them now and then."""

from __future__ import annotations

import collections
import datetime
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.observation import Observation, State
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import to_record
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Step
from ansible_collections.c8s.ci.plugins.module_utils.runs import driver as driver_module
from ansible_collections.c8s.ci.plugins.module_utils.runs.birth import run_of
from ansible_collections.c8s.ci.plugins.module_utils.runs.driver import Driver
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import (
    Event,
    Notice,
    RunChanged,
    StepChanged,
    ignore,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request, orders_from
from ansible_collections.c8s.ci.plugins.module_utils.storage.run_directory import RunDirectory

TEXT = b"version: v1alpha1\nname: p\nsteps:\n  - {name: a, image: b, commands: [c]}\n"
COUNT = 200


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class OneAfterTheOther:
    """Ends one run at each wait and says which."""

    slots = None
    outlives_driver = True

    def __init__(self) -> None:
        self.looks: collections.Counter[str] = collections.Counter()
        self.closed: list[tuple[str, bool]] = []
        self._running: list[str] = []
        self._ended: set[str] = set()

    def open(self, run: Run) -> None:
        pass

    def start(self, run: Run, step: Step, attempt: int, *, ahead: bool) -> None:
        self._running.append(run.name)

    def release(self, run: Run, step: Step, attempt: int) -> None:
        pass

    def stop(self, run: Run, step: Step, attempt: int, reason: str) -> None:
        pass

    def observe(self, run: Run) -> Sequence[Observation]:
        self.looks[run.name] += 1
        if run.name not in self._ended:
            return []
        return [Observation("a", 1, State.ENDED, now(), now(), exit_code=0)]

    def wait(self, seconds: float) -> Collection[str]:
        name = self._running.pop()
        self._ended.add(name)
        return [name]

    def news(self, run: Run) -> Sequence[str]:
        return ()

    def settled(self, run: Run) -> bool:
        return True

    def close(self, run: Run, *, kept: bool) -> None:
        self.closed.append((run.name, kept))


def test_a_turn_costs_what_has_changed(tmp_path: Path) -> None:
    records = RunDirectory(tmp_path)
    (order,) = orders_from([Request(TEXT)], now(), allow_file=False, check=lambda _pipeline: None)
    runs = [run_of(order, f"p-{number}", f"id-{number}", now()) for number in range(COUNT)]
    records.create_all([to_record(run) for run in runs])
    executor = OneAfterTheOther()
    driver = Driver(executor, records, clock=now, new_id=str, report=ignore)
    ended = driver.drive(runs)
    assert [run.status.phase for run in ended] == ["Succeeded"] * COUNT
    assert sorted(executor.closed) == sorted((run.name, True) for run in runs)
    # Once to start and once to end it; a look at all of them at each turn would be COUNT / 2.
    assert sum(executor.looks.values()) / COUNT < 10


class Slow(OneAfterTheOther):
    """What its runs leave is kept some looks after their end, as it says."""

    def wait(self, seconds: float) -> Collection[str]:
        return super().wait(seconds) if self._running else self.looks.keys()

    def news(self, run: Run) -> Sequence[str]:
        return [f"look {self.looks[run.name]}"]

    def settled(self, run: Run) -> bool:
        return self.looks[run.name] > 5


def test_a_run_ends_when_what_it_leaves_is_kept(tmp_path: Path) -> None:
    records = RunDirectory(tmp_path)
    (order,) = orders_from([Request(TEXT)], now(), allow_file=False, check=lambda _pipeline: None)
    run = run_of(order, "p-1", "id-1", now())
    records.create_all([to_record(run)])
    events: list[Event] = []
    driver = Driver(Slow(), records, clock=now, new_id=str, report=events.append)
    (ended,) = driver.drive([run])
    assert ended.status.phase == "Succeeded"
    steps = [str(each.step.phase) for each in events if isinstance(each, StepChanged)]
    runs = [str(each.run.status.phase) for each in events if isinstance(each, RunChanged)]
    assert (steps[-1], runs) == ("Succeeded", ["Running", "Succeeded"])
    # The end of its step is told at once, its own end only when it is settled.
    places = {type(each).__name__: place for place, each in enumerate(events)}
    notices = [each.text for each in events if isinstance(each, Notice)]
    between = [each for each in events[places["StepChanged"] :] if isinstance(each, Notice)]
    assert len(between) >= 3
    assert notices[-1] == "look 6"
    assert ended.status.completion_time == ended.status.steps[0].completion_time


class Contested(RunDirectory):
    """Says what of its runs is in doubt, and what another host has taken over."""

    in_doubt: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()

    def doubtful(self) -> frozenset[str]:
        return self.in_doubt

    def lost(self) -> frozenset[str]:
        taken, self.taken = self.taken, frozenset()
        return taken


class Told(OneAfterTheOther):
    """Does something at its waits, one after the other."""

    def __init__(self, *does: Callable[[], object]) -> None:
        super().__init__()
        self._does = list(does)

    def wait(self, seconds: float) -> Collection[str]:
        if self._does:
            self._does.pop(0)()
            return self.looks.keys()
        return super().wait(seconds) if self._running else self.looks.keys()


def two_runs(records: RunDirectory) -> list[Run]:
    (order,) = orders_from([Request(TEXT)], now(), allow_file=False, check=lambda _pipeline: None)
    runs = [run_of(order, f"p-{number}", f"id-{number}", now()) for number in (1, 2)]
    records.create_all([to_record(run) for run in runs])
    return runs


def test_nothing_is_done_for_a_run_that_others_may_drive_until_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_module, "SWEEP_SECONDS", 0.01)
    records = Contested(tmp_path)
    runs = two_runs(records)
    records.in_doubt = frozenset({"p-1"})
    looks: list[tuple[int, int]] = []

    def look() -> None:
        time.sleep(0.02)
        looks.append((executor.looks["p-1"], executor.looks["p-2"]))

    def settle() -> None:
        records.in_doubt = frozenset()

    executor = Told(look, look, look, settle)
    ended = Driver(executor, records, clock=now, new_id=str, report=ignore).drive(runs)
    assert [run.status.phase for run in ended] == ["Succeeded"] * 2
    assert [first for first, _second in looks] == [0, 0, 0]
    assert looks[-1][1] > 0


def test_a_run_that_another_host_has_taken_is_left_to_it(tmp_path: Path) -> None:
    records = Contested(tmp_path)
    runs = two_runs(records)

    def lose() -> None:
        records.taken = frozenset({"p-1"})

    executor = Told(lose)
    events: list[Event] = []
    left, ended = Driver(executor, records, clock=now, new_id=str, report=events.append).drive(runs)
    assert (left.name, left.status.phase.terminal) == ("p-1", False)
    assert (ended.name, ended.status.phase) == ("p-2", "Succeeded")
    # Its Jobs are not let go.
    assert executor.closed == [("p-1", False), ("p-2", True)]
