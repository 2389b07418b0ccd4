"""A matrix parent: it launches and watches its children and runs no step of its own."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.children import (
    FamilyPlan,
    plan_children,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.graph import Graph
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.matrix import (
    child_name,
    combinations,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.observation import Plan
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.plan import plan
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Cancel
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Matrix
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import (
    Phase,
    RunStatus,
    aggregate,
)
from hypothesis import given
from hypothesis import strategies as st

from unit.pipeline.runs import at, pipeline_of, run_of, running, step

LETTERS = "abcd"


class Family:
    """A parent with children a, b, c and d, of which `children` knows those that were launched."""

    def __init__(self, **settings) -> None:
        matrix = Matrix({"letter": tuple(LETTERS)}, **settings)
        run = run_of(pipeline_of(step("build"), matrix=matrix))
        self.parent = dataclasses.replace(run, status=RunStatus())
        self.combinations = combinations(matrix)
        self.names = {
            values["letter"]: child_name(run.name, values) for values in self.combinations
        }
        self.children: dict[str, RunStatus] = {}

    def set(
        self, letters: str, phase: str, start: int = 0, end: int | None = None, reason=""
    ) -> None:
        for letter in letters:
            self.children[self.names[letter]] = RunStatus(
                Phase(phase),
                reason,
                start_time=None if phase == "Pending" else at(start),
                completion_time=None if end is None else at(end),
            )

    def cancel(self, now: int) -> None:
        self.parent = dataclasses.replace(self.parent, cancel=Cancel("ada", at(now)))

    def plan(self, room: int | None = None) -> FamilyPlan:
        todo = plan_children(self.parent, self.combinations, self.children, room)
        self.parent = dataclasses.replace(self.parent, status=todo.status)
        return todo

    def launched(self, todo: FamilyPlan) -> str:
        assert [name for name, _values in todo.launches] == [
            self.names[values["letter"]] for _name, values in todo.launches
        ]
        return "".join(values["letter"] for _name, values in todo.launches)

    def cancelled(self, todo: FamilyPlan) -> str:
        letters = {name: letter for letter, name in self.names.items()}
        return "".join(letters[name] for name in todo.cancels)


def test_a_parent_launches_one_child_for_each_combination():
    family = Family()
    todo = family.plan()
    assert family.launched(todo) == "abcd"
    assert todo.status.phase == "Running"
    assert todo.status.steps == ()


def test_it_launches_none_twice_and_its_phase_does_not_go_back():
    family = Family()
    family.plan()
    family.set(LETTERS, "Pending")
    todo = family.plan()
    assert family.launched(todo) == ""
    assert todo.status.phase == "Running"


def test_after_a_crash_it_launches_only_those_that_there_are_not():
    family = Family()
    family.set("ac", "Running")
    assert family.launched(family.plan()) == "bd"


@pytest.mark.parametrize(
    ("max_parallel", "room", "running", "launched"),
    [(2, None, "", "ab"), (2, None, "a", "b"), (2, None, "ab", ""), (3, 1, "", "a"),
     (None, 2, "a", "b"), (1, 5, "abc", ""), (None, 0, "", "")],
)  # fmt: skip
def test_no_more_children_live_than_the_matrix_and_the_room_allow(
    max_parallel, room, running, launched
):
    family = Family(max_parallel=max_parallel)
    family.set(running, "Running")
    assert family.launched(family.plan(room)) == launched


def test_as_one_ends_the_next_is_launched():
    family = Family(max_parallel=2)
    family.set("ab", "Running")
    family.set("a", "Failed", end=5)
    todo = family.plan()
    assert family.launched(todo) == "c"
    assert family.cancelled(todo) == ""


def test_the_parent_counts_and_times_its_children():
    family = Family()
    family.set("a", "Succeeded", 10, 40)
    family.set("b", "Failed", 20, 90)
    family.set("c", "Running", 30)
    status = family.plan().status
    counts = status.matrix
    assert (counts.succeeded, counts.failed, counts.running, counts.pending) == (1, 1, 1, 1)
    assert counts.summary == status.message == "1/4 succeeded"
    assert counts.duration == 30 + 70
    assert status.start_time == at(10)
    assert status.completion_time is None
    assert counts.children == tuple(family.names[letter] for letter in "abc")


def test_a_parents_own_duration_is_that_of_the_clock_not_the_sum():
    family = Family()
    for n, letter in enumerate(LETTERS):
        family.set(letter, "Succeeded", 10 * n, 10 * n + 50)
    status = family.plan().status
    assert status.phase == "Succeeded"
    assert (status.start_time, status.completion_time) == (at(0), at(80))
    assert status.matrix.duration == 200
    assert status.message == "4/4 succeeded"


@pytest.mark.parametrize(
    ("phases", "phase", "reason", "message"),
    [
        ("SSSS", "Succeeded", "", "4/4 succeeded"),
        ("SSSF", "Failed", "Timeout", "3/4 succeeded"),
        ("SSSC", "Cancelled", "CancelledBy", "3/4 succeeded"),
        ("CFSS", "Failed", "Timeout", "2/4 succeeded"),
        ("SSSR", "Running", "", "3/4 succeeded"),
        ("SSSP", "Running", "", "3/4 succeeded"),
        ("PPPP", "Pending", "", "0/4 succeeded"),
        ("QQQQ", "Pending", "", "0/4 succeeded"),
    ],
)
def test_the_phase_of_a_parent_follows_from_those_of_its_children(phases, phase, reason, message):
    by_letter = {phase[0]: phase for phase in Phase if phase is not Phase.SKIPPED}
    reasons = {"F": "Timeout", "C": "CancelledBy"}
    children = [
        (str(n), RunStatus(by_letter[letter], reasons.get(letter, "")))
        for n, letter in enumerate(phases)
    ]
    status = aggregate(children, total=4)
    assert (status.phase, status.reason, status.message) == (phase, reason, message)


def test_it_does_not_end_before_all_are_launched():
    family = Family(max_parallel=1)
    family.set("abc", "Succeeded", 0, 5)
    todo = family.plan()
    assert family.launched(todo) == "d"
    assert todo.status.phase == "Running"


def test_with_fail_fast_one_failure_cancels_the_others_and_launches_no_more():
    family = Family(fail_fast=True, max_parallel=3)
    family.set("a", "Failed", 0, 5, reason="StepFailed")
    family.set("bc", "Running")
    todo = family.plan()
    assert (family.launched(todo), family.cancelled(todo)) == ("", "bc")
    assert todo.status.phase == "Running"
    family.set("bc", "Cancelled", 0, 7, reason="FailFast")
    status = family.plan().status
    assert (status.phase, status.reason) == ("Failed", "StepFailed")
    assert status.message == "0/4 succeeded, 1 not launched"
    assert (status.matrix.failed, status.matrix.cancelled) == (1, 3)
    assert status.completion_time == at(7)


def test_a_cancelled_parent_cancels_its_children_and_waits_for_them():
    family = Family(max_parallel=3)
    family.set("a", "Succeeded", 0, 5)
    family.set("bc", "Running")
    family.cancel(6)
    todo = family.plan()
    assert (family.launched(todo), family.cancelled(todo)) == ("", "bc")
    assert todo.status.phase == "Running"
    family.set("bc", "Cancelled", 0, 8, reason="CancelledBy")
    status = family.plan().status
    assert (status.phase, status.reason) == ("Cancelled", "CancelledBy")
    assert status.message == "cancelled by ada; 1/4 succeeded, 1 not launched"
    assert status.completion_time == at(8)


def test_cancelled_before_anything_was_launched_it_ends_at_once():
    family = Family()
    family.cancel(3)
    status = family.plan().status
    assert (status.phase, status.completion_time) == ("Cancelled", at(3))
    assert status.message == "cancelled by ada; 0/4 succeeded, 4 not launched"


def test_a_cancel_that_comes_too_late_changes_nothing():
    family = Family()
    family.set(LETTERS, "Succeeded", 0, 5)
    family.cancel(6)
    assert family.plan().status.phase == "Succeeded"

    family = Family()
    family.set("abc", "Succeeded", 0, 5)
    family.set("d", "Failed", 0, 5)
    family.cancel(6)
    assert family.plan().status.phase == "Failed"


def test_nor_does_one_that_only_meets_what_fail_fast_had_ended():
    family = Family(fail_fast=True)
    family.set("a", "Failed", 0, 5, reason="StepFailed")
    family.set("b", "Cancelled", 0, 6, reason="FailFast")
    family.cancel(7)
    assert family.plan().status.phase == "Failed"


def test_a_parent_that_has_ended_is_left_alone():
    family = Family()
    family.set(LETTERS, "Succeeded", 0, 5)
    status = family.plan().status
    family.set("a", "Running")
    assert family.plan() == FamilyPlan(status)


def test_a_run_that_is_no_parent_has_no_children():
    run = run_of(pipeline_of(step("a")))
    assert plan_children(run, (), {}) == FamilyPlan(run.status)
    assert not run.is_matrix_parent


@given(
    st.booleans(),
    st.none() | st.integers(1, 4),
    st.none() | st.integers(0, 10),
    st.randoms(use_true_random=False),
)
def test_whatever_becomes_of_the_children_the_parent_ends_and_its_counts_add_up(
    fail_fast, max_parallel, cancel_at, random
):
    family = Family(fail_fast=fail_fast, max_parallel=max_parallel)
    asked: set[str] = set()
    for now in range(60):
        if now == cancel_at:
            family.cancel(now)
        todo = family.plan()
        assert todo.status.matrix.total == len(LETTERS)
        if todo.status.phase.terminal:
            break
        asked |= set(family.cancelled(todo))
        family.set(family.launched(todo), "Pending")
        live = [name for name in family.names if not phase_of(family, name).terminal]
        assert len(live) <= (max_parallel or len(LETTERS))
        for letter in live:
            if letter in asked:
                family.set(letter, "Cancelled", 0, now, "CancelledBy")
            elif random.randrange(3) == 0 or now > 30:
                phase = random.choice(
                    ["Running", "Succeeded", "Failed"] if now < 30 else ["Failed"]
                )
                family.set(letter, phase, 0, None if phase == "Running" else now)
    status = family.parent.status
    assert status.phase.terminal
    assert status.matrix.running == status.matrix.pending == 0
    if status.phase == "Succeeded":
        assert status.matrix.succeeded == len(LETTERS)


def phase_of(family: Family, letter: str) -> Phase:
    known = family.children.get(family.names[letter])
    return known.phase if known else Phase.SUCCEEDED


def test_the_steps_of_a_parent_are_never_planned():
    parent = Family().parent
    assert parent.is_matrix_parent
    graph = Graph.of(parent.pipeline.steps)
    assert plan(parent, graph, [running("build")], at(0)) == Plan(parent.status)
