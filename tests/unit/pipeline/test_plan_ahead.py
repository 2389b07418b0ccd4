"""prepareAhead: steps are made ready while what they wait for still runs."""

from __future__ import annotations

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.observation import Release, Start

from unit.pipeline.runs import (
    Turns,
    ended,
    lost,
    pipeline_of,
    run_of,
    running,
    started,
    step,
    stopped,
    waiting,
)


def line(*more, slots=None, skipped=(), **settings) -> Turns:
    """build -> test, with build running and test made ahead of its turn."""
    steps = (step("build", retries=1), step("test", "build"), *more)
    pipeline = pipeline_of(*steps, prepare_ahead=True, backoff=0, **settings)
    turns = Turns(run_of(pipeline, skipped), slots)
    assert [start.ahead for start in turns.plan(0).starts] == [False]
    return turns


def prepared(**settings) -> Turns:
    turns = line(**settings)
    assert turns.plan(1, running("build")).starts == (Start("test", 1, ahead=True),)
    return turns


HELD = waiting("test", held=True)


def test_it_is_made_once_all_that_it_waits_for_runs_and_no_earlier():
    turns = line()
    assert started(turns.plan(1, waiting("build"))) == []
    assert turns.plan(2, running("build")).starts == (Start("test", 1, ahead=True),)
    assert started(turns.plan(3, running("build"), HELD)) == []


def test_it_is_not_made_behind_another_that_only_waits():
    turns = line(step("deploy", "test"))
    assert started(turns.plan(1, running("build"))) == ["test"]
    assert started(turns.plan(2, running("build"), HELD)) == []


def test_it_is_made_as_soon_as_all_that_it_waits_for_begins():
    turns = line(step("deploy", "test"))
    todo = turns.plan(1, waiting("build", begins=True))
    assert todo.starts == (Start("test", 1, ahead=True),)
    # One that is there ahead of its own turn brings nothing near.
    held = waiting("test", held=True, begins=True)
    assert started(turns.plan(2, waiting("build", begins=True), held)) == []
    assert started(turns.plan(3, running("build"), held)) == []
    todo = turns.plan(5, ended("build"), held)
    assert todo.releases == (Release("test", 1),)
    assert todo.starts == (Start("deploy", 1, ahead=True),)


def test_what_has_to_begin_anew_brings_nothing_near():
    turns = line()
    assert started(turns.plan(1, waiting("build"))) == []
    assert started(turns.plan(5, ended("build", code=1))) == ["build"]
    assert started(turns.plan(6, waiting("build", begins=True), waiting("build", 2))) == []


def test_without_the_setting_nothing_is_made_ahead():
    turns = Turns(run_of(pipeline_of(step("build"), step("test", "build"))))
    turns.plan(0)
    assert started(turns.plan(1, running("build"))) == []


def test_it_is_released_exactly_when_its_turn_comes():
    turns = prepared()
    assert turns.plan(2, running("build"), HELD).releases == ()
    assert turns.plan(5, ended("build"), HELD).releases == (Release("test", 1),)
    assert turns.plan(6, ended("build"), running("test", since=6)).releases == ()
    status = turns.plan(9, ended("test", since=6, until=9)).status
    assert status.phase == "Succeeded"
    assert turns.status("test").attempts == 1


def test_a_release_is_asked_for_until_it_is_seen():
    turns = prepared()
    for now in (5, 6, 7):
        assert turns.plan(now, ended("build"), HELD).releases == (Release("test", 1),)


@pytest.mark.parametrize(
    "end",
    [
        ended("test", code=None, since=None, until=8, held=True, reason="Stopped"),
        # By a clock that is slow it ended before what it was stopped for.
        ended("test", code=143, since=None, until=2, held=True),
        lost("test"),
    ],
)
def test_it_is_stopped_and_skipped_when_what_it_waits_for_fails(end):
    turns = prepared()
    failed = ended("build", code=1, until=3), ended("build", 2, code=1, since=3, until=7)
    assert stopped(turns.plan(7, *failed, HELD)) == [("test", "DependencyFailed")]
    status = turns.plan(9, *failed, end).status
    assert (turns.status("test").phase, turns.status("test").reason) == (
        "Skipped",
        "DependencyFailed",
    )
    assert turns.status("test").message == "'build' is Failed"
    assert status.phase == "Failed"


def test_even_one_that_was_not_seen_yet_is_stopped():
    turns = prepared()
    failed = ended("build", code=1, until=3), ended("build", 2, code=1, since=3, until=7)
    assert stopped(turns.plan(7, *failed)) == [("test", "DependencyFailed")]


def test_it_goes_on_waiting_while_what_it_waits_for_is_retried():
    turns = prepared()
    todo = turns.plan(5, ended("build", code=1), HELD)
    assert (started(todo), stopped(todo), todo.releases) == (["build"], [], ())
    assert turns.plan(9, ended("build", 2, since=6, until=9), HELD).releases == (
        Release("test", 1),
    )


@pytest.mark.parametrize(
    "end",
    [
        ended("test", code=None, since=None, held=True, reason="ImagePullBackOff"),
        ended("test", code=None, since=None, held=True, disruption=True, reason="Evicted"),
    ],
)
def test_what_goes_wrong_ahead_of_its_turn_is_tried_again_at_its_turn(end):
    turns = prepared()
    assert started(turns.plan(2, running("build"), end)) == []
    assert turns.status("test").phase == "Pending"
    assert turns.plan(5, ended("build"), end).starts == (Start("test", 2),)
    status = turns.status("test")
    assert (status.failures, status.disruptions, status.interruptions) == (0, 0, 1)


def test_one_that_is_lost_ahead_of_its_turn_does_not_start_before_it():
    turns = prepared()
    assert started(turns.plan(2, running("build"), lost("test"))) == []
    assert turns.plan(5, ended("build"), lost("test")).starts == (Start("test", 2),)


def test_what_stands_before_a_step_that_is_left_out_counts_too():
    turns = line(step("deploy", "test"), skipped=["test"])
    assert turns.plan(1, running("build")).starts == (Start("deploy", 1, ahead=True),)


def test_it_takes_a_free_slot_and_never_the_last_one_that_something_ready_needs():
    turns = line(step("other", "build"), slots=2)
    assert started(turns.plan(1, running("build"))) == ["test"]
    assert started(turns.plan(5, ended("build"), HELD)) == ["other"]

    turns = line(slots=1)
    assert started(turns.plan(1, running("build"))) == []
    assert turns.plan(5, ended("build")).starts == (Start("test", 1),)


def test_what_is_ready_comes_before_what_is_early():
    pipeline = pipeline_of(
        step("build"), step("lint"), step("test", "build"), step("docs", "lint"), prepare_ahead=True
    )
    turns = Turns(run_of(pipeline), slots=2)
    turns.plan(0)
    todo = turns.plan(5, running("build"), ended("lint"))
    assert todo.starts == (Start("docs", 1),)


def test_of_a_held_and_a_released_sight_of_one_attempt_the_released_is_the_later():
    for seen in ((HELD, waiting("test")), (waiting("test"), HELD)):
        assert prepared().plan(5, ended("build"), *seen).releases == ()


def test_a_cancel_takes_it_back():
    turns = prepared()
    turns.cancel(3)
    todo = turns.plan(3, running("build"), HELD)
    assert stopped(todo) == [("build", "CancelledBy"), ("test", "CancelledBy")]
    gone = ended("test", code=None, since=None, until=4, held=True, reason="Stopped")
    assert turns.plan(5, ended("build", code=143, until=4), gone).status.phase == "Cancelled"
    assert turns.phases() == {"build": "Cancelled", "test": "Cancelled"}


def test_when_the_run_is_out_of_time_it_is_skipped_like_what_was_never_made():
    turns = prepared(timeout=10)
    turns.plan(10, running("build"), HELD)
    gone = ended("test", code=None, since=None, until=11, held=True, reason="Stopped")
    turns.plan(12, ended("build", code=143, until=11), gone)
    assert turns.phases() == {"build": "Cancelled", "test": "Skipped"}


def test_one_made_ahead_before_a_crash_is_released_by_the_next_driver():
    turns = line()
    turns.plan(1, running("build"), keep=False)
    todo = turns.plan(9, ended("build"), HELD)
    assert (started(todo), todo.releases) == ([], (Release("test", 1),))
