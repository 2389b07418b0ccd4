"""What holds for every run, however it is observed and whenever its driver dies."""

from __future__ import annotations

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.observation import Plan
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.plan import plan
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from hypothesis import given
from hypothesis import strategies as st

from unit.pipeline.runs import at
from unit.pipeline.scenarios import chaos, expected, found, halted_scenarios, scenarios
from unit.pipeline.simulation import Drive, driven, essence
from unit.pipeline.world import Scenario


@given(scenarios())
def test_a_run_ends_as_the_outcomes_of_its_attempts_say(scenario):
    ended = driven(scenario)
    assert expected(scenario) == found(ended.status)
    assert ended.status.phase == phase_of(scenario)


def phase_of(scenario: Scenario) -> str:
    """A run fails when a step did that was not allowed to."""
    pairs = zip(expected(scenario), scenario.run.pipeline.steps, strict=True)
    failed = any(end.phase == "Failed" and not step.allow_failure for end, step in pairs)
    return "Failed" if failed else "Succeeded"


@given(scenarios(), chaos(blinks=True))
def test_neither_what_observations_do_nor_when_the_driver_dies_changes_how_a_run_ends(
    scenario, chaos
):
    calm = driven(scenario)
    shaken = driven(scenario, chaos)
    assert [essence(step) for step in shaken.status.steps] == [
        essence(step) for step in calm.status.steps
    ]
    assert shaken.status.phase == calm.status.phase
    if [step.phase for step in calm.status.steps].count("Failed") == 1:
        assert shaken.status.message == calm.status.message
        assert shaken.status.reason == calm.status.reason


@given(halted_scenarios(), chaos())
def test_whatever_halts_a_run_it_ends_in_order(scenario, chaos):
    ended = driven(scenario, chaos)
    # The next driver may know of a halt at a time at which the one that died did not yet.
    if not chaos.dies:
        assert_in_order(scenario, ended)
    status = ended.status
    cancelled = [step for step in status.steps if step.reason == "CancelledBy"]
    assert (status.phase == "Cancelled") == bool(cancelled)
    if status.phase == "Succeeded":
        assert all(step.phase not in ("Cancelled",) for step in status.steps)


def assert_in_order(scenario: Scenario, ended: Run) -> None:
    """A step that ran for success had everything before it end well."""
    steps = ended.pipeline.steps
    for position, status in enumerate(ended.status.steps):
        if steps[position].when.status != "success" or status.start_time is None:
            continue
        if scenario.left_out(position):
            continue
        for dependency in scenario.waits_for(position, success=True):
            before = ended.status.steps[dependency]
            assert before.phase != "Cancelled"
            assert before.phase != "Failed" or steps[dependency].allow_failure
            assert before.reason not in ("Timeout", "FailFast") or before.phase == "Failed"


@given(scenarios(), st.randoms(use_true_random=False))
def test_the_order_of_observations_means_nothing_and_neither_does_repetition(scenario, random):
    drive = Drive(scenario)
    while not drive.kept[-1].phase.terminal:
        seen = drive.world.look()
        shuffled = random.sample(seen, len(seen)) + seen
        now = at(drive.world.now)
        one = plan(drive.run, drive.graph, seen, now, scenario.slots)
        assert one == plan(drive.run, drive.graph, shuffled, now, scenario.slots)
        drive.turn()


@given(halted_scenarios(), chaos())
def test_a_run_that_has_ended_is_left_alone(scenario, chaos):
    drive = Drive(scenario, chaos)
    ended = drive.to_the_end()
    for look in drive.looks:
        assert plan(ended, drive.graph, look, at(0)) == Plan(ended.status)
