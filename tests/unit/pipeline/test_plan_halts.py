"""What ends a whole run: somebody's wish, its timeout, failFast."""

from __future__ import annotations

import dataclasses

import pytest

from unit.pipeline.runs import (
    Turns,
    at,
    ended,
    lost,
    pipeline_of,
    run_of,
    running,
    started,
    step,
    stopped,
)
from unit.pipeline.simulation import driven
from unit.pipeline.world import Outcome, Scenario

SLOW = (Outcome(seconds=100),)


def two_running(*more, **settings) -> Turns:
    turns = Turns(run_of(pipeline_of(step("a"), step("b"), *more, **settings)))
    turns.plan(0)
    turns.plan(1, running("a"), running("b"))
    return turns


# --- cancel -----------------------------------------------------------------------------------


def test_a_cancel_stops_what_runs_and_starts_nothing_more():
    turns = two_running(step("c", "a"), step("tidy", status="always"))
    turns.cancel(2)
    todo = turns.plan(2, running("a"), running("b"))
    assert stopped(todo) == [("a", "CancelledBy"), ("b", "CancelledBy")]
    assert turns.phases() == {"a": "Running", "b": "Running", "c": "Cancelled", "tidy": "Cancelled"}
    status = turns.plan(4, ended("a", code=143, until=3), ended("b", code=143, until=3)).status
    assert (status.phase, status.reason) == ("Cancelled", "CancelledBy")
    assert status.message == "cancelled by ada"
    assert {step.phase for step in status.steps} == {"Cancelled"}
    assert turns.status("a").exit_code == 143
    assert status.completion_time == at(3)


def test_a_run_that_was_replaced_says_so():
    turns = two_running()
    turns.cancel(2, reason="Superseded")
    status = turns.plan(4, ended("a", code=143, until=3), ended("b", code=143, until=3)).status
    assert (status.phase, status.reason) == ("Cancelled", "Superseded")


def test_a_cancel_before_the_first_turn_ends_the_run_without_an_attempt():
    turns = Turns(run_of(pipeline_of(step("a"), step("b", "a"))))
    turns.cancel(0)
    todo = turns.plan(1)
    assert todo.starts == ()
    assert todo.status.phase == "Cancelled"
    assert todo.status.completion_time == at(1)


def test_a_cancel_that_comes_after_everything_succeeded_changes_nothing():
    turns = two_running()
    turns.cancel(6)
    assert turns.plan(7, ended("a"), ended("b")).status.phase == "Succeeded"


def test_nor_does_one_that_comes_after_the_only_step_left_had_failed_long_ago():
    turns = two_running()
    turns.cancel(60)
    status = turns.plan(61, ended("a"), ended("b", code=1)).status
    assert (status.phase, status.reason) == ("Failed", "StepFailed")


def test_what_ends_well_on_being_told_to_stop_has_not_succeeded():
    turns = two_running()
    turns.cancel(4)
    status = turns.plan(6, ended("a", until=3), ended("b", until=5)).status
    assert status.phase == "Cancelled"
    assert turns.phases() == {"a": "Succeeded", "b": "Cancelled"}


@pytest.mark.parametrize("until", [2, 5, 9])
def test_clocks_that_differ_do_not_make_a_stopped_step_a_failed_one(until):
    turns = two_running()
    turns.cancel(10)
    status = turns.plan(11, ended("a", until=1), ended("b", code=143, until=until)).status
    assert status.phase == "Cancelled"


def test_a_step_between_two_attempts_is_cancelled_and_the_run_ends_when_that_was_wished():
    turns = Turns(run_of(pipeline_of(step("a", retries=1))))
    turns.plan(0)
    turns.plan(5, ended("a", code=1))
    turns.cancel(8)
    status = turns.plan(9).status
    assert (status.phase, status.completion_time) == ("Cancelled", at(8))


def test_a_cancelled_step_that_was_interrupted_stays_cancelled():
    turns = two_running()
    turns.cancel(2)
    status = turns.plan(9, lost("a", interruption=True), lost("b", interruption=True)).status
    assert status.phase == "Cancelled"


def test_a_cancel_that_stopped_something_decides_over_what_had_failed_before():
    turns = two_running()
    turns.plan(5, ended("a", code=1), running("b"))
    turns.cancel(20)
    status = turns.plan(22, ended("b", code=143, until=21)).status
    assert status.phase == "Cancelled"
    assert turns.phases() == {"a": "Failed", "b": "Cancelled"}


def test_a_child_that_is_cancelled_because_another_failed_is_cancelled_not_failed():
    turns = two_running(fail_fast=True)
    turns.cancel(2, reason="FailFast")
    status = turns.plan(4, ended("a", code=143, until=3), ended("b", code=143, until=3)).status
    assert (status.phase, status.reason) == ("Cancelled", "FailFast")


# --- the run's timeout ------------------------------------------------------------------------


def test_a_run_has_its_timeout_from_its_own_start():
    turns = Turns(run_of(pipeline_of(step("a"), step("b", "a"), timeout=60)))
    assert turns.plan(1000).wake_at == at(1060)
    turns.plan(1001, running("a", since=1001))
    assert stopped(turns.plan(1059, running("a", since=1001))) == []
    assert stopped(turns.plan(1060, running("a", since=1001))) == [("a", "Timeout")]
    status = turns.plan(1062, ended("a", code=143, since=1001, until=1061)).status
    assert (status.phase, status.reason) == ("Failed", "Timeout")
    assert status.message == "the run took longer than its timeout of 60 s"
    assert turns.phases() == {"a": "Cancelled", "b": "Skipped"}
    assert turns.status("b").reason == "Timeout"


def test_a_step_that_never_begins_does_not_keep_its_run_from_ending():
    scenario = Scenario(run_of(pipeline_of(step("a"), timeout=60)), {"a": [Outcome("stuck")]})
    status = driven(scenario).status
    assert (status.phase, status.reason) == ("Failed", "Timeout")
    assert status.steps[0].phase == "Skipped"


def test_a_run_taken_up_again_has_its_whole_time_from_there():
    run = run_of(pipeline_of(step("a"), timeout=60))
    resumed = dataclasses.replace(run.status, start_time=at(0), resume_time=at(5000))
    turns = Turns(dataclasses.replace(run, status=resumed))
    todo = turns.plan(5001)
    assert started(todo) == ["a"]
    assert todo.wake_at == at(5060)
    assert todo.status.start_time == at(0)


def test_a_step_that_failed_long_before_the_run_ran_out_of_time_has_failed():
    """Its driver was away from the fifth second to the hundredth."""
    turns = two_running(timeout=60)
    status = turns.plan(100, ended("a"), ended("b", code=1)).status
    assert (status.phase, status.reason) == ("Failed", "StepFailed")


def test_a_cancel_of_what_is_being_stopped_for_its_time_comes_too_late():
    turns = two_running(timeout=60)
    turns.plan(60, running("a"), running("b"))
    turns.cancel(61)
    seen = ended("a", code=143, until=62), ended("b", code=143, until=62)
    assert turns.plan(63, *seen).status.reason == "Timeout"


def test_nothing_halted_an_attempt_that_was_followed_by_another():
    """The one who saw it end and started the next died before keeping that."""
    turns = Turns(run_of(pipeline_of(step("a"), timeout=10)))
    turns.plan(0)
    status = turns.plan(12, lost("a", 1), ended("a", 2, since=6, until=8)).status
    assert status.phase == "Succeeded"


# --- failFast ---------------------------------------------------------------------------------


def test_fail_fast_stops_the_rest_but_lets_watchers_run():
    watchers = (step("alert", status="failure"), step("tidy", "b", status="always"))
    turns = two_running(step("c", "b"), *watchers, fail_fast=True)
    todo = turns.plan(5, ended("a", code=1), running("b"))
    assert stopped(todo) == [("b", "FailFast")]
    assert turns.phases()["c"] == "Skipped"
    assert turns.status("c").reason == "FailFast"
    todo = turns.plan(7, ended("b", code=143, until=6))
    assert started(todo) == ["tidy"]
    todo = turns.plan(9, ended("tidy", since=7, until=9))
    assert started(todo) == ["alert"]
    status = turns.plan(12, ended("alert", since=10, until=12)).status
    assert (status.phase, status.reason) == ("Failed", "StepFailed")
    assert status.message == "step 'a': ended with exit code 1"
    assert turns.phases()["b"] == "Cancelled"


def test_without_fail_fast_the_rest_goes_on():
    turns = two_running(step("c", "b"))
    assert stopped(turns.plan(5, ended("a", code=1), running("b"))) == []
    assert started(turns.plan(6, ended("b"))) == ["c"]


def test_a_failure_that_is_allowed_does_not_set_fail_fast_off():
    pipeline = pipeline_of(step("a", allow_failure=True), step("b"), fail_fast=True)
    scenario = Scenario(run_of(pipeline), {"a": [Outcome(code=1)], "b": SLOW})
    assert driven(scenario).status.phase == "Succeeded"


def test_nor_does_a_failure_that_is_retried():
    pipeline = pipeline_of(step("a", retries=1), step("b"), fail_fast=True)
    scenario = Scenario(run_of(pipeline), {"a": [Outcome(code=1), Outcome()], "b": SLOW})
    assert driven(scenario).status.phase == "Succeeded"


def test_watchers_under_fail_fast_are_still_bound_by_the_runs_timeout():
    turns = Turns(
        run_of(pipeline_of(step("a"), step("tidy", status="always"), timeout=60, fail_fast=True))
    )
    turns.plan(0)
    assert started(turns.plan(5, ended("a", code=1))) == ["tidy"]
    assert turns.plan(6, running("tidy", since=5)).wake_at == at(60)
    assert stopped(turns.plan(60, running("tidy", since=5))) == [("tidy", "Timeout")]


def test_of_two_that_failed_the_first_stops_the_other():
    turns = two_running(fail_fast=True)
    turns.plan(9, ended("a", code=2, until=8), ended("b", code=1, until=7))
    assert turns.phases() == {"a": "Cancelled", "b": "Failed"}


# --- the end ----------------------------------------------------------------------------------


def test_a_run_that_has_ended_yields_its_status_and_nothing_to_do():
    turns = two_running()
    status = turns.plan(9, ended("a"), ended("b")).status
    turns.cancel(10)
    todo = turns.plan(10**6, ended("a", code=1), running("b"), running("b", 2))
    assert todo.status is status
    assert (todo.starts, todo.stops, todo.releases, todo.wake_at) == ((), (), (), None)
