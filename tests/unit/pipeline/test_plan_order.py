"""When a step begins, and when it never does."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase, RunStatus

from unit.pipeline.runs import Turns, ended, pipeline_of, run_of, running, started, step
from unit.pipeline.simulation import driven
from unit.pipeline.world import Outcome, Scenario

FAILS = (Outcome(code=1),)


def test_what_waits_for_nothing_starts_at_once_and_all_together():
    turns = Turns(run_of(pipeline_of(step("a"), step("b"), step("c", "a"))))
    todo = turns.plan(0)
    assert started(todo) == ["a", "b"]
    assert todo.status.phase == "Running"
    assert turns.phases() == {"a": "Pending", "b": "Pending", "c": "Pending"}


def test_a_step_starts_as_soon_as_its_own_dependencies_are_done_not_when_a_layer_is():
    pipeline = pipeline_of(step("quick"), step("slow"), step("next", "quick"), step("last", "slow"))
    turns = Turns(run_of(pipeline))
    turns.plan(0)
    turns.plan(1, running("quick"), running("slow"))
    assert started(turns.plan(5, ended("quick"), running("slow"))) == ["next"]


def test_nothing_is_started_twice():
    turns = Turns(run_of(pipeline_of(step("a"))))
    assert started(turns.plan(0)) == ["a"]
    assert started(turns.plan(1)) == []
    assert started(turns.plan(2, running("a"))) == []


def test_a_step_shows_running_once_it_was_seen_running():
    turns = Turns(run_of(pipeline_of(step("a"))))
    turns.plan(0)
    turns.plan(3, running("a", since=2))
    status = turns.status("a")
    assert (status.phase, status.attempts, status.live) == ("Running", 1, True)
    assert turns.run.status.start_time is not None


def test_one_that_was_queued_forgets_so_when_it_begins():
    run = run_of(pipeline_of(step("a")))
    queued = RunStatus(
        Phase.QUEUED, "Quota", "third in the queue", queue_position=3, steps=run.status.steps
    )
    status = Turns(dataclasses.replace(run, status=queued)).plan(0).status
    assert (status.phase, status.reason, status.message) == ("Running", "", "")
    assert status.queue_position is None


def ends(*steps, skipped=(), **outcomes) -> dict[str, str]:
    """How steps end, with the reason where there is one."""
    run = run_of(pipeline_of(*steps), skipped)
    status = driven(Scenario(run, outcomes)).status
    told = {one.name: " ".join(filter(None, (one.phase, one.reason))) for one in status.steps}
    return {**told, "": str(status.phase)}


LINE = (step("a"), step("b", "a"), step("c", "b"))
FAILED, SKIPPED = "Failed StepFailed", "Skipped DependencyFailed"


def test_what_stands_behind_a_failure_is_skipped_and_what_is_beside_it_goes_on():
    beside = (step("d"), step("e", "d"))
    assert ends(*LINE, *beside, a=FAILS) == {
        "a": FAILED,
        "b": SKIPPED,
        "c": SKIPPED,
        "d": "Succeeded",
        "e": "Succeeded",
        "": "Failed",
    }


def test_it_is_skipped_at_once_even_while_it_waits_for_another():
    turns = Turns(run_of(pipeline_of(step("bad"), step("slow"), step("both", "slow", "bad"))))
    turns.plan(0)
    turns.plan(5, ended("bad", code=1), running("slow"))
    assert turns.phases() == {"bad": "Failed", "slow": "Running", "both": "Skipped"}
    assert turns.status("both").message == "'bad' is Failed"


def test_a_failure_that_is_allowed_stops_nothing_and_fails_nothing():
    steps = (step("lint", allow_failure=True), step("build", "lint"))
    assert ends(*steps, lint=FAILS) == {"lint": FAILED, "build": "Succeeded", "": "Succeeded"}


def test_a_step_that_its_own_condition_skips_satisfies_those_behind_it():
    assert ends(*LINE, skipped=["b"]) == {
        "a": "Succeeded",
        "b": "Skipped ConditionNotMet",
        "c": "Succeeded",
        "": "Succeeded",
    }


def test_one_that_is_left_out_does_not_let_those_behind_it_overtake_those_before_it():
    turns = Turns(run_of(pipeline_of(*LINE), skipped=["b"]))
    assert started(turns.plan(0)) == ["a"]
    assert started(turns.plan(1, running("a"))) == []
    assert started(turns.plan(5, ended("a"))) == ["c"]


def test_nor_does_it_hide_a_failure_before_it():
    assert ends(*LINE, skipped=["b"], a=FAILS)["c"] == SKIPPED
    two_out = (step("a"), step("b", "a"), step("b2", "b"), step("c", "b2"))
    assert ends(*two_out, skipped=["b", "b2"], a=FAILS)["c"] == SKIPPED


def test_but_one_that_would_have_run_after_a_failure_does():
    steps = (step("a"), step("tidy", "a", status="always"), step("c", "tidy"))
    assert ends(*steps, a=FAILS)["c"] == "Succeeded"
    assert ends(*steps, skipped=["tidy"], a=FAILS)["c"] == "Succeeded"


def test_a_run_of_which_every_step_is_left_out_has_succeeded():
    assert ends(*LINE, skipped=["a", "b", "c"])[""] == "Succeeded"


WATCHERS = (
    step("build"),
    step("test", "build"),
    step("alert", status="failure"),
    step("tidy", status="always"),
)


@pytest.mark.parametrize(
    ("outcomes", "alert", "tidy", "phase"),
    [
        ({}, "Skipped NothingFailed", "Succeeded", "Succeeded"),
        ({"build": FAILS}, "Succeeded", "Succeeded", "Failed"),
        ({"test": FAILS}, "Succeeded", "Succeeded", "Failed"),
        ({"tidy": FAILS}, "Skipped NothingFailed", FAILED, "Failed"),
    ],
)
def test_watchers_run_by_how_all_the_others_went(outcomes, alert, tidy, phase):
    found = ends(*WATCHERS, **outcomes)
    assert (found["alert"], found["tidy"], found[""]) == (alert, tidy, phase)


def test_watchers_wait_for_everything_else_to_be_over():
    turns = Turns(run_of(pipeline_of(*WATCHERS)))
    turns.plan(0)
    assert started(turns.plan(5, ended("build", code=1))) == ["alert", "tidy"]

    turns = Turns(run_of(pipeline_of(*WATCHERS)))
    turns.plan(0)
    assert started(turns.plan(5, ended("build"))) == ["test"]
    assert started(turns.plan(6, ended("build"), running("test"))) == []
    assert started(turns.plan(9, ended("build"), ended("test"))) == ["tidy"]


def test_a_watcher_that_names_a_step_watches_that_one_alone():
    steps = (step("a"), step("b"), step("alert", "a", status="failure"))
    assert ends(*steps, b=FAILS)["alert"] == "Skipped NothingFailed"
    assert ends(*steps, a=FAILS)["alert"] == "Succeeded"


def test_a_failure_that_is_allowed_alarms_nobody():
    steps = (step("lint", allow_failure=True), step("alert", status="failure"))
    assert ends(*steps, lint=FAILS)["alert"] == "Skipped NothingFailed"


def test_a_skipped_step_behind_a_failure_alarms_who_watches_it():
    steps = (step("a"), step("b", "a"), step("alert", "b", status="failure"))
    assert ends(*steps, a=FAILS)["alert"] == "Succeeded"


def test_a_failed_run_says_which_step_failed_first():
    turns = Turns(run_of(pipeline_of(step("a"), step("b"))))
    turns.plan(0)
    status = turns.plan(9, ended("a", code=3, until=8), ended("b", code=2, until=7)).status
    assert (status.phase, status.reason) == ("Failed", "StepFailed")
    assert status.message == "step 'b': ended with exit code 2"


def test_a_run_ends_when_its_last_step_did_not_when_that_was_seen():
    turns = Turns(run_of(pipeline_of(step("a"))))
    turns.plan(0)
    status = turns.plan(3600, ended("a", until=5)).status
    assert status.completion_time == ended("a", until=5).completion_time


def test_slots_bound_how_many_attempts_live_at_one_time():
    turns = Turns(run_of(pipeline_of(*(step(f"s{n}") for n in range(5)))), slots=2)
    assert started(turns.plan(0)) == ["s0", "s1"]
    assert started(turns.plan(1, running("s0"), running("s1"))) == []
    assert started(turns.plan(5, ended("s0"), running("s1"))) == ["s2"]


def test_resources_used_are_those_asked_for_times_the_seconds_they_were_held():
    turns = Turns(run_of(pipeline_of(step("a"), step("b", "a"))))
    turns.plan(0)
    turns.plan(5, ended("a", since=1, until=5))
    usage = turns.plan(20, ended("b", since=6, until=16)).status.resource_usage
    assert usage.cpu == 0.5 * (4 + 10)
    assert usage.memory == 2**30 * (4 + 10)


def test_of_a_rerun_only_what_had_not_succeeded_runs_again():
    steps = (step("build"), step("test", "build"), step("tidy", status="always"))
    first = driven(Scenario(run_of(pipeline_of(*steps)), {"test": FAILS})).status
    turns = Turns(run_of(pipeline_of(*steps), reuse=first))
    assert started(turns.plan(100)) == ["test"]
    build = turns.status("build")
    assert (build.phase, build.reason) == ("Succeeded", "Reused")
    assert started(turns.plan(105, ended("test", since=101, until=105))) == ["tidy"]
    status = turns.plan(110, ended("tidy", since=106, until=110)).status
    assert status.phase == "Succeeded"
    assert status.resource_usage.cpu == 0.5 * 8


def test_a_rerun_of_what_had_all_succeeded_ends_at_once():
    first = driven(Scenario(run_of(pipeline_of(*LINE)))).status
    status = Turns(run_of(pipeline_of(*LINE), reuse=first)).plan(100).status
    assert status.phase == "Succeeded"
    assert status.start_time == status.completion_time
