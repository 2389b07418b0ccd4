"""Attempts of a step: what counts as which kind of end, and whether there is another."""

from __future__ import annotations

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
    waiting,
)
from unit.pipeline.simulation import driven
from unit.pipeline.world import Outcome, Scenario


def one_step(backoff: int = 10, **settings) -> Turns:
    """A run of one step whose first attempt has been started."""
    turns = Turns(run_of(pipeline_of(step("a", **settings), backoff=backoff)))
    turns.plan(0)
    return turns


def counts(turns: Turns) -> tuple[int, int, int, int]:
    status = turns.status("a")
    return status.attempts, status.failures, status.disruptions, status.interruptions


def test_the_status_tells_what_the_container_really_ended_with():
    turns = one_step()
    turns.plan(9, ended("a", code=42, since=1, until=8))
    status = turns.status("a")
    assert (status.phase, status.reason, status.exit_code) == ("Failed", "StepFailed", 42)
    assert status.message == "ended with exit code 42"
    assert (status.start_time, status.completion_time) == (at(1), at(8))


@pytest.mark.parametrize(
    ("seen", "reason", "message"),
    [
        (ended("a", code=1), "StepFailed", "ended with exit code 1"),
        (ended("a", code=137, reason="OOMKilled", message="no memory"), "OOMKilled", "no memory"),
        (
            ended("a", code=None, since=None, reason="ImagePullBackOff", message="no such image"),
            "ImagePullBackOff",
            "no such image",
        ),
        (
            ended("a", code=0, reason="ArtifactsLost", message="disk full"),
            "ArtifactsLost",
            "disk full",
        ),
    ],
)
def test_a_failed_step_says_why(seen, reason, message):
    turns = one_step()
    turns.plan(9, seen)
    status = turns.status("a")
    assert (status.phase, status.reason, status.message) == ("Failed", reason, message)


def test_what_an_executor_says_at_great_length_is_cut():
    turns = one_step()
    turns.plan(9, ended("a", code=1, message="x" * 100_000))
    assert turns.status("a").message == "x" * 1000


def test_while_an_attempt_waits_the_status_says_for_what():
    turns = one_step()
    turns.plan(2, waiting("a", reason="InsufficientResources"))
    assert (turns.status("a").phase, turns.status("a").reason) == (
        "Pending",
        "InsufficientResources",
    )
    turns.plan(3, running("a", since=3))
    assert (turns.status("a").phase, turns.status("a").reason) == ("Running", "")


def test_an_attempt_whose_pod_is_made_anew_waits_again_and_its_time_with_it():
    turns = one_step(timeout=10)
    turns.plan(1, running("a", since=1))
    turns.plan(5, waiting("a", reason="Disrupted"))
    assert turns.status("a").start_time is None
    assert stopped(turns.plan(30, waiting("a", reason="Disrupted"))) == []
    turns.plan(31, running("a", since=31))
    assert turns.status("a").start_time == at(31)


# --- retries of the user's failures -----------------------------------------------------------


def test_a_failed_attempt_is_followed_by_others_after_pauses_that_double():
    turns = one_step(retries=3)
    now = 0.0
    for attempt, pause in ((1, 10), (2, 20), (3, 40)):
        end = now + 5
        todo = turns.plan(end, ended("a", attempt, code=1, since=now, until=end))
        assert todo.wake_at == at(end + pause)
        status = turns.status("a")
        assert (status.phase, status.reason) == ("Pending", "Retry")
        assert status.message == (
            f"attempt {attempt}: ended with exit code 1; again after {pause} s"
        )
        assert started(turns.plan(end + pause - 1)) == []
        assert started(turns.plan(end + pause)) == ["a"]
        now = end + pause
    turns.plan(now + 5, ended("a", 4, code=1, since=now, until=now + 5))
    assert turns.status("a").phase == "Failed"
    assert counts(turns) == (4, 4, 0, 0)


def test_a_retry_that_succeeds_makes_a_step_that_succeeded():
    turns = one_step(retries=1)
    turns.plan(5, ended("a", code=1))
    turns.plan(15)
    status = turns.plan(20, ended("a", code=1), ended("a", 2, since=16, until=20)).status
    assert status.phase == "Succeeded"
    assert counts(turns) == (2, 1, 0, 0)
    assert turns.status("a").exit_code == 0


def test_without_backoff_the_next_attempt_starts_in_the_same_turn():
    turns = one_step(retries=1, backoff=0)
    assert started(turns.plan(5, ended("a", code=1))) == ["a"]


def test_a_retry_forgets_what_was_known_of_the_attempt_before():
    turns = one_step(retries=1, backoff=0)
    turns.plan(5, ended("a", code=1, log_url="file:///1.log", job_name="a-1"))
    status = turns.status("a")
    assert (status.attempts, status.start_time, status.completion_time) == (2, None, None)
    assert (status.exit_code, status.log_url, status.job_name) == (None, "", "")


# --- the infrastructure's failures ------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda n: ended("a", n, code=137, disruption=True, reason="Evicted"), "Evicted"),
        (lambda n: lost("a", n), "Lost"),
    ],
)
def test_what_the_infrastructure_ends_starts_anew_at_once_three_times(how, reason):
    turns = one_step(retries=0)
    for attempt in (1, 2, 3):
        assert started(turns.plan(5 * attempt, how(attempt))) == ["a"]
    turns.plan(20, how(4))
    status = turns.status("a")
    assert (status.phase, status.reason) == ("Failed", reason)
    assert status.message.endswith("given up after 4 disrupted attempts")
    assert counts(turns) == (4, 0, 4, 0)


def test_and_it_takes_nothing_from_the_users_retries():
    turns = one_step(retries=1, backoff=0)
    turns.plan(1, lost("a", 1))
    turns.plan(2, ended("a", 2, code=1))
    turns.plan(3, lost("a", 3))
    turns.plan(4, ended("a", 4))
    assert turns.status("a").phase == "Succeeded"
    assert counts(turns) == (4, 1, 2, 0)


def test_a_step_may_be_interrupted_any_number_of_times():
    turns = one_step(retries=0)
    for attempt in range(1, 20):
        assert started(turns.plan(attempt, lost("a", attempt, interruption=True))) == ["a"]
    turns.plan(30, ended("a", 20, since=21, until=25))
    assert turns.status("a").phase == "Succeeded"
    assert counts(turns) == (20, 0, 0, 19)


# --- the step's timeout -----------------------------------------------------------------------


def test_a_step_has_its_timeout_from_the_moment_its_commands_begin():
    turns = one_step(timeout=10)
    turns.plan(500, waiting("a"))
    todo = turns.plan(501, running("a", since=500))
    assert todo.wake_at == at(510)
    assert stopped(turns.plan(509, running("a", since=500))) == []
    assert stopped(turns.plan(510, running("a", since=500))) == [("a", "Timeout")]


def test_the_stop_is_asked_for_until_the_attempt_has_ended():
    turns = one_step(timeout=10)
    for now in (10, 11, 12):
        assert stopped(turns.plan(now, running("a", since=0))) == [("a", "Timeout")]
    turns.plan(13, ended("a", code=143, until=12.5))
    status = turns.status("a")
    assert (status.phase, status.reason, status.exit_code) == ("Failed", "Timeout", 143)
    assert status.message == "ran longer than its timeout of 10 s"


@pytest.mark.parametrize(
    ("code", "until", "reason"),
    [
        (0, 9.9, ""),
        (0, 10, "Timeout"),
        (1, 9.9, "StepFailed"),
        (1, 10, "Timeout"),
        (143, 10, "Timeout"),
        # Killed a little before its time, by the clock of its node: the driver's is ahead.
        (143, 7, "Timeout"),
        (143, 3, "StepFailed"),
    ],
)
def test_whether_a_step_timed_out_is_read_from_its_times(code, until, reason):
    turns = one_step(timeout=10)
    turns.plan(20, ended("a", code=code, until=until))
    assert turns.status("a").reason == reason


def test_what_was_killed_for_a_known_reason_did_not_time_out():
    turns = one_step(timeout=10)
    turns.plan(20, ended("a", code=137, until=7, reason="OOMKilled"))
    assert turns.status("a").reason == "OOMKilled"


def test_a_timeout_is_a_failure_that_may_be_retried():
    turns = one_step(timeout=10, retries=1, backoff=0)
    assert started(turns.plan(12, ended("a", code=143, until=11))) == ["a"]
    assert counts(turns) == (2, 1, 0, 0)


def test_an_attempt_that_runs_without_a_known_start_is_timed_from_when_it_was_seen():
    turns = one_step(timeout=10)
    seen = running("a")
    without = type(seen)("a", 1, seen.state)
    turns.plan(5, without)
    assert stopped(turns.plan(14, without)) == []
    assert stopped(turns.plan(15, without)) == [("a", "Timeout")]


# --- after a crash ----------------------------------------------------------------------------


def test_attempts_made_before_a_crash_are_adopted_not_doubled():
    turns = Turns(run_of(pipeline_of(step("a"), step("b"))))
    assert started(turns.plan(0, keep=False)) == ["a", "b"]
    assert started(turns.plan(3, running("a"))) == ["b"]
    assert turns.status("a").phase == "Running"


def test_a_chain_of_attempts_made_before_a_crash_is_read_in_their_order():
    turns = one_step(retries=2, backoff=0)
    seen = (
        ended("a", 3, code=0, since=20, until=25),
        lost("a", 2),
        ended("a", 1, code=1, since=0, until=5),
    )
    turns.plan(30, *seen)
    assert turns.status("a").phase == "Succeeded"
    assert counts(turns) == (3, 1, 1, 0)


def test_a_later_attempt_waits_until_the_end_of_the_one_before_is_told():
    turns = one_step(retries=1, backoff=0)
    todo = turns.plan(10, running("a", 2, since=8))
    assert started(todo) == []
    assert counts(turns) == (1, 0, 0, 0)
    turns.plan(11, running("a", 2, since=8), ended("a", 1, code=1))
    assert counts(turns) == (2, 1, 0, 0)
    assert turns.status("a").start_time == at(8)


def test_an_attempt_out_of_sight_between_two_others_is_waited_for():
    turns = Turns(run_of(pipeline_of(step("a", retries=2), backoff=0)))
    seen = ended("a", 1, code=1), running("a", 3, since=20)
    assert started(turns.plan(30, *seen)) == []
    assert counts(turns) == (2, 1, 0, 0)
    turns.plan(31, *seen, lost("a", 2))
    assert counts(turns) == (3, 1, 1, 0)
    assert turns.status("a").phase == "Running"


def test_an_adopted_attempt_takes_nothing_over_from_the_one_before():
    """That one's start would make the next, which never began, look late."""
    turns = one_step(timeout=10, retries=2)
    turns.plan(5, ended("a", code=1, since=0, until=5))
    refused = ended("a", 2, code=None, since=None, until=60, reason="ImagePullBackOff")
    turns.plan(61, refused)
    assert turns.status("a").reason == "Retry"
    assert "ImagePullBackOff" not in turns.status("a").message
    assert turns.status("a").start_time is None


def test_what_lives_of_a_step_that_is_over_is_stopped():
    """Its driver died after starting it, and the next did not see it when it cancelled."""
    turns = Turns(run_of(pipeline_of(step("a"), step("b"))))
    turns.plan(0, keep=False)
    turns.cancel(1)
    turns.plan(2, running("b", since=0))
    assert turns.phases() == {"a": "Cancelled", "b": "Pending"} | {"b": "Running"}
    todo = turns.plan(3, running("a", since=0), running("b", since=0))
    assert stopped(todo) == [("a", "Superseded"), ("b", "CancelledBy")]


def test_absence_is_no_news():
    turns = one_step()
    turns.plan(1, running("a"))
    for now in range(2, 100):
        assert started(turns.plan(now)) == []
    assert turns.status("a").phase == "Running"


def test_observations_of_steps_that_there_are_not_are_passed_over():
    turns = one_step()
    assert turns.plan(1, running("nobody")).status.phase == "Running"


def test_a_slow_start_does_not_eat_the_timeout():
    outcome = Outcome(delay=600, seconds=9)
    status = driven(Scenario(run_of(pipeline_of(step("a", timeout=10))), {"a": [outcome]})).status
    assert status.phase == "Succeeded"
