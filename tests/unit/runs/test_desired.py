"""Runs launched, cancelled and forgotten, and how that is foretold."""

from __future__ import annotations

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    Conflict,
    InvalidInput,
    NotFound,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase
from ansible_collections.c8s.ci.plugins.module_utils.runs import desired
from ansible_collections.c8s.ci.plugins.module_utils.runs.forecast import Act


def test_a_named_run_is_launched_once_and_foretold_rightly(runs, asked):
    orders = runs.orders([asked("good", name="one")])
    seen = []
    for check in (True, True, False, False, True):
        came = desired.present(runs, orders, check=check)
        seen.append((came.changed, came.names, [one.act for one in came.plan]))
    assert seen == [
        (True, (), [Act.LAUNCH]),
        (True, (), [Act.LAUNCH]),
        (True, ("one",), []),
        (False, ("one",), []),
        (False, ("one",), [Act.NOTHING]),
    ]


def test_the_plan_is_a_diff(runs, asked):
    (difference,) = desired.present(runs, runs.orders([asked("endings")]), check=True).differences
    assert (difference["before"], difference["before_header"]) == ("", "no run")
    assert difference["after_header"] == "a new run of endings"
    assert difference["after"].splitlines() == [
        "pipeline: endings",
        "event: manual",
        "steps:",
        "  good: runs",
        "  bad: runs",
        "  behind: runs",
        "  allowed: runs",
        "  elsewhere: skipped, when.branch: the run has no branch, and main is wanted",
        "at most at one time: 2 steps, 1 cores, 2048 MiB of memory",
    ]


def test_what_came_is_a_diff(runs, asked):
    orders = runs.orders([asked("endings", name="one")])
    first, second = (desired.present(runs, orders, check=False).differences[0] for _turn in "ab")
    assert first["before"] == ""
    assert "phase: Failed\n" in first["after"]
    assert "  behind: Skipped\n" in first["after"]
    assert second["before"] == second["after"] == first["after"]


def test_a_matrix_is_foretold(runs, asked):
    came = desired.present(runs, runs.orders([asked("matrix")]), check=True)
    assert "matrix: 2 runs\n  system=linux\n  system=bsd\n" in came.differences[0]["after"]


def test_a_missing_secret_is_a_problem_of_the_plan_and_an_error_of_the_launch(runs):
    from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request

    text = b"""
version: v1alpha1
name: secretive
steps:
  - {name: only, image: "none:1", commands: ["true"], secrets: [{secretRef: door, key: code}]}
"""
    orders = runs.orders([Request(text)], with_secrets=False)
    came = desired.present(runs, orders, check=True)
    assert came.problems == ["step 'only': secret 'door' was not given"]
    assert "it would be refused:\n  step 'only'" in came.differences[0]["after"]
    with pytest.raises(InvalidInput, match="'door' was not given"):
        runs.orders([Request(text)])


def test_a_rerun_of_what_failed_is_foretold(runs, launch):
    old = launch("endings")
    order = runs.rerun_order(old.name, failed_only=True, by="me")
    (plan,) = desired.present(runs, [order], check=True).plan
    assert plan.reused == ("good",)
    assert plan.as_dict()["reused"] == ["good"]
    (difference,) = desired.present(runs, [order], check=True).differences
    assert f"  good: taken over from {old.name}\n" in difference["after"]


def test_another_run_of_that_name_is_a_conflict_also_when_foretold(runs, asked, launch):
    launch("good", name="one")
    orders = runs.orders([asked("endings", name="one")])
    for check in (True, False):
        with pytest.raises(Conflict, match="'one' exists already"):
            desired.present(runs, orders, check=check)


def test_what_has_ended_is_not_cancelled(runs, launch):
    launch("good")
    for check in (True, False):
        came = desired.cancelled(runs, ["good-1"], by="me", check=check)
        assert not came.changed
        assert came.differences[0]["before"] == came.differences[0]["after"]


def test_a_run_that_nobody_drives_any_more_is_cancelled_here(runs, asked, tmp_path):
    """Its record says Running, and there is no process: cancelling it must still end it."""
    launched = runs.launch(runs.orders([asked("good", name="one")]))[0].run
    record = runs.records.read("one")
    record["status"] = {"phase": "Running", "startTime": record["status"]["startTime"], "steps": [
        {"name": "only", "phase": "Running", "attempts": 1,
         "startTime": record["status"]["startTime"]}]}  # fmt: skip
    runs.records.write(record)
    foretold = desired.cancelled(runs, ["one"], by="me", check=True)
    assert foretold.changed
    assert "phase: Cancelled\nsteps:\n  only: Cancelled\n" in foretold.differences[0]["after"]
    came = desired.cancelled(runs, ["one"], by="me", check=False)
    assert came.changed
    assert runs.named("one").status.phase is Phase.CANCELLED
    assert runs.named("one").uid == launched.uid
    assert not desired.cancelled(runs, ["one"], by="me", check=False).changed


def test_an_unknown_run_cannot_be_cancelled(runs):
    for check in (True, False):
        with pytest.raises(NotFound, match="no run is named 'gone'"):
            desired.cancelled(runs, ["gone"], by="me", check=check)


def test_a_run_is_forgotten_with_its_children(runs, launch):
    launch("matrix")
    launch("good")
    assert len(runs.records.names()) == 4
    assert desired.absent(runs, ["many-1"], check=True).changed
    assert len(runs.records.names()) == 4
    came = desired.absent(runs, ["many-1"], check=False)
    assert (came.changed, came.names) == (True, ())
    assert came.differences[0]["after"] == ""
    assert runs.records.names() == ["good-1"]
    assert not desired.absent(runs, ["many-1"], check=False).changed


def test_a_run_of_a_matrix_is_not_forgotten_alone(runs, launch):
    child = launch("matrix").status.matrix.children[0]
    with pytest.raises(Conflict, match="belongs to 'many-1'"):
        desired.absent(runs, [child], check=False)


def test_a_run_that_is_driven_is_not_forgotten(runs, launch):
    launch("good")
    lock = runs.records.lock("good-1")
    with pytest.raises(Conflict, match="being driven"):
        desired.absent(runs, ["good-1"], check=False)
    lock.release()


@pytest.mark.parametrize("name", ["", "..", "../good-1", "Good", "a" * 64, "a/b"])
def test_what_cannot_be_a_name_is_refused_and_touches_nothing(runs, launch, name: str):
    launch("good")
    if name:
        with pytest.raises(InvalidInput):
            desired.absent(runs, [name], check=False)
    else:
        assert not desired.absent(runs, [name], check=False).changed
    assert runs.records.names() == ["good-1"]
