"""Reading an attempt out of its Job and pods, case by case."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.observation import (
    Observation,
    State,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod import (
    ENDING_SECONDS,
    GRACE_SECONDS,
    RESCUE_SECONDS,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod_status import (
    has_begun,
    is_rescued,
    is_up_to_the_job,
    keeper_may_come,
    observation_of,
    waits_for_a_word,
)

NOW = datetime.datetime(2026, 1, 2, 10, 0, 0, tzinfo=datetime.UTC)
STAMP = "2026-01-02T09:59:00Z"
JOB = {"metadata": {"name": "j"}}
FAILED_JOB = {
    "metadata": {"name": "j"},
    "status": {"conditions": [{"type": "Failed", "status": "True", "message": "backoff"}]},
}


def pod(
    state: dict[str, Any] | None = None,
    *,
    init: list[dict[str, Any]] | None = None,
    holder: str = "",
    deleted: bool = False,
    released_at: datetime.datetime | None = None,
    **status: Any,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "x", "creationTimestamp": STAMP}
    if holder:
        metadata["annotations"] = {"c8s.dev/held-by": holder}
    if released_at is not None:
        metadata["annotations"]["c8s.dev/released-at"] = f"{released_at.isoformat()}\n"
    if deleted:
        metadata["deletionTimestamp"] = STAMP
    if state is not None:
        status["containerStatuses"] = [{"name": "step", "state": state}]
    if init is not None:
        status["initContainerStatuses"] = init
    return {"metadata": metadata, "spec": {}, "status": status}


def scheduled(since: str = STAMP) -> list[dict[str, Any]]:
    return [{"type": "PodScheduled", "status": "True", "lastTransitionTime": since}]


def ended(code: int, **more: Any) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "startedAt": STAMP, "finishedAt": STAMP, **more}}


def seen(*pods: dict[str, Any], **known: dict[str, Any] | None) -> Observation:
    return observation_of("a", 1, known.get("job", JOB), pods, NOW)


def test_a_running_container_is_a_running_step() -> None:
    found = seen(pod({"running": {"startedAt": STAMP}}, phase="Running"))
    assert found.state is State.RUNNING
    assert found.start_time == datetime.datetime.fromisoformat(STAMP)


@pytest.mark.parametrize("phase", ["Running", "Succeeded", "Failed"])
@pytest.mark.parametrize("code", [0, 1, 3, 143])
def test_the_container_decides_whatever_the_phase_of_the_pod(phase: str, code: int) -> None:
    found = seen(pod(ended(code), phase=phase))
    assert (found.state, found.exit_code, found.disruption) == (State.ENDED, code, False)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (ended(137, reason="OOMKilled"), "OOMKilled"),
        (ended(128, reason="StartError", message="no such file"), "StartFailed"),
    ],
)
def test_ends_with_a_cause_name_it(state: dict[str, Any], reason: str) -> None:
    assert seen(pod(state)).reason == reason


def test_a_step_begins_when_what_comes_before_it_does() -> None:
    later = {"waiting": {"reason": "PodInitializing"}}
    recent = {"conditions": scheduled(NOW.isoformat()), "phase": "Pending"}

    def begins(clone: dict[str, Any], state: dict[str, Any] | None = None) -> bool:
        return seen(pod(state or later, init=[{"name": "clone", "state": clone}], **recent)).begins

    assert not seen(pod(phase="Pending")).begins
    assert not seen(pod(later, **recent)).begins
    assert not begins({"waiting": {"reason": "ErrImagePull"}})
    assert not begins({"waiting": {"reason": "PodInitializing"}})
    assert begins(RUNNING)
    assert begins(ended(0))
    assert not begins(ended(0), {"waiting": {"reason": "ErrImagePull"}})


def test_what_a_step_left_waits_for_the_container_that_gives_it_out() -> None:
    def keeper(state: dict[str, Any], **more: Any) -> dict[str, Any]:
        made = pod(ended(0), **more)
        made["status"]["containerStatuses"].append({"name": "keeper", "state": state})
        return made

    later = NOW + datetime.timedelta(seconds=299)
    pulling = {"waiting": {"reason": "ErrImagePull"}}
    assert keeper_may_come(keeper(pulling), NOW, later)
    assert not keeper_may_come(keeper(pulling), NOW, later + datetime.timedelta(seconds=1))
    assert not keeper_may_come(keeper(pulling, deleted=True), NOW, later)
    assert not keeper_may_come(keeper(RUNNING), NOW, later)
    assert not keeper_may_come(keeper(ended(137)), NOW, later)
    assert not keeper_may_come(pod(ended(0)), NOW, later)


def test_what_a_driver_ends_for_its_files_is_told_by_its_grace() -> None:
    def deleted(seconds: int) -> dict[str, Any]:
        made = pod(RUNNING, deleted=True)
        made["metadata"]["deletionGracePeriodSeconds"] = seconds
        return made

    assert is_rescued(deleted(RESCUE_SECONDS))
    assert not is_rescued(deleted(GRACE_SECONDS)), "which evictions give"
    assert not is_rescued(deleted(ENDING_SECONDS))
    assert not is_rescued(pod(RUNNING))


def test_a_job_says_what_becomes_of_an_attempt_without_a_pod_or_with_one_that_is_disrupted() -> (
    None
):
    target = [{"type": "DisruptionTarget", "status": "True"}]
    assert is_up_to_the_job([])
    assert is_up_to_the_job([pod(RUNNING), pod(ended(137), conditions=target)])
    assert not is_up_to_the_job([pod(ended(137), conditions=target), pod(RUNNING)])
    assert not is_up_to_the_job([pod(RUNNING, deleted=True)])


def test_commands_have_begun_once_their_container_runs_and_is_held_no_more() -> None:
    assert has_begun(pod(RUNNING))
    assert has_begun(pod(ended(0)))
    assert not has_begun(pod({"waiting": {"reason": "PodInitializing"}}))
    assert not has_begun(pod())
    assert not has_begun(pod(RUNNING, holder="step"))
    assert has_begun(pod(RUNNING, holder="step", released_at=NOW))
    assert has_begun(pod(RUNNING, holder="restore"))


def test_what_never_began_has_left_nothing_to_wait_for() -> None:
    """After a clone that failed, neither the step's container nor the one beside it ever begins."""
    never = {"waiting": {"reason": "PodInitializing"}}
    made = pod(never, init=[{"name": "clone", "state": ended(1)}], phase="Failed")
    made["status"]["containerStatuses"].append({"name": "keeper", "state": never})
    assert seen(made).reason == "CloneFailed"
    assert not keeper_may_come(made, NOW, NOW)


@pytest.mark.parametrize(
    ("seconds", "reason"), [(10, ""), (98, ""), (99, "Timeout"), (100, "Timeout")]
)
def test_a_deadline_that_only_ended_the_wait_for_a_driver_is_not_the_steps(
    seconds: int, reason: str
) -> None:
    begun = datetime.datetime.fromisoformat(STAMP)
    over = (begun + datetime.timedelta(seconds=seconds)).isoformat()
    made = pod(ended(3, finishedAt=over), phase="Failed", reason="DeadlineExceeded")
    made["status"]["startTime"] = STAMP
    made["spec"]["activeDeadlineSeconds"] = 100
    assert seen(made).reason == reason


def test_no_room_is_said_and_waited_for() -> None:
    conditions = [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes: cpu"}]
    found = seen(pod(conditions=conditions, phase="Pending"))
    assert (found.state, found.reason) == (State.WAITING, "InsufficientResources")
    assert "0/1 nodes" in found.message


@pytest.mark.parametrize(
    ("reason", "since", "state", "named"),
    [
        ("ErrImagePull", "2026-01-02T09:58:00Z", State.WAITING, "ImagePullBackOff"),
        ("ImagePullBackOff", "2026-01-02T09:54:59Z", State.ENDED, "ImagePullBackOff"),
        ("InvalidImageName", "2026-01-02T10:00:00Z", State.ENDED, "InvalidImageName"),
        ("PodInitializing", "2026-01-02T08:00:00Z", State.WAITING, ""),
    ],
)
def test_images_are_waited_for_with_patience(
    reason: str, since: str, state: State, named: str
) -> None:
    waiting = {"waiting": {"reason": reason, "message": "m"}}
    found = seen(pod(waiting, conditions=scheduled(since), phase="Pending"))
    assert (found.state, found.reason) == (state, named)


def test_a_missing_secret_is_named() -> None:
    waiting = {
        "waiting": {"reason": "CreateContainerConfigError", "message": 'secret "s" not found'}
    }
    found = seen(pod(waiting, conditions=scheduled()))
    assert (found.state, found.reason) == (State.ENDED, "SecretNotFound")
    assert 'secret "s" not found' in found.message


def test_a_failed_clone_is_told_in_gits_words() -> None:
    init = [{"name": "clone", "state": ended(1, message="fatal: no such repository")}]
    found = seen(pod({"waiting": {}}, init=init, phase="Failed"))
    assert (found.state, found.reason) == (State.ENDED, "CloneFailed")
    assert found.message == "fatal: no such repository"
    assert found.exit_code is None
    assert not found.disruption


def test_a_service_that_keeps_ending_fails_the_step() -> None:
    service = {
        "name": "service-db",
        "restartCount": 2,
        "state": {"waiting": {}},
        "lastState": ended(7),
    }
    found = seen(pod({"waiting": {}}, init=[service], phase="Pending"))
    assert (found.state, found.reason) == (State.ENDED, "ServiceNotReady")
    assert "exit code 7" in found.message


def test_an_eviction_is_no_fault_of_the_step() -> None:
    conditions = [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]
    evicted = pod(ended(143), phase="Failed", conditions=conditions)
    found = seen(evicted)
    assert found.state is State.WAITING, "its Job makes another pod"
    assert "EvictionByEvictionAPI" in found.message
    assert seen(evicted, pod({"running": {"startedAt": STAMP}})).state is State.RUNNING


def test_who_ends_well_though_it_is_evicted_has_ended_well() -> None:
    conditions = [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]
    for evicted in (
        pod(ended(0), deleted=True, phase="Running", conditions=conditions),
        pod(ended(0), deleted=True, phase="Succeeded"),
    ):
        found = seen(evicted)
        assert (found.state, found.exit_code, found.disruption) == (State.ENDED, 0, False)


def test_a_job_that_is_complete_and_has_no_pod_is_a_disruption() -> None:
    """It makes no other one: to wait for that would be to wait for ever."""
    complete = {
        "metadata": {"name": "j"},
        "status": {"conditions": [{"type": "Complete", "status": "True"}]},
    }
    found = seen(job=complete)
    assert (found.state, found.disruption) == (State.ENDED, True)
    assert found.message == "its pod is gone"


def test_a_pod_deleted_by_hand_is_a_disruption() -> None:
    found = seen(pod(ended(143), deleted=True, phase="Failed"), job=FAILED_JOB)
    assert (found.state, found.disruption) == (State.ENDED, True)


def test_what_is_disrupted_too_often_fails() -> None:
    conditions = [{"type": "DisruptionTarget", "status": "True", "reason": "Preempted"}]
    lost = pod(ended(143), phase="Failed", conditions=conditions)
    found = seen(lost, lost, lost, lost)
    assert (found.state, found.disruption, found.reason) == (State.ENDED, False, "Disrupted")


def test_a_job_that_failed_and_has_no_pod_is_a_disruption() -> None:
    found = seen(job=FAILED_JOB)
    assert (found.state, found.disruption) == (State.ENDED, True)


def test_a_job_that_is_gone_with_all_its_pods_is_lost() -> None:
    assert seen(job=None).state is State.LOST


def test_a_new_job_without_pods_waits() -> None:
    assert seen().state is State.WAITING


@pytest.mark.parametrize("holder", ["hold", "restore"])
def test_a_held_pod_says_so_until_it_is_released(holder: str) -> None:
    waiting = [{"name": holder, "state": {"running": {}}}]
    assert seen(pod({"waiting": {}}, init=waiting, holder=holder)).held
    released = [{"name": holder, "state": ended(0)}]
    assert not seen(pod({"waiting": {}}, init=released, holder=holder)).held


MOMENT = NOW - datetime.timedelta(seconds=7.5)
RUNNING = {"running": {"startedAt": STAMP}}


def held_step(state: dict[str, Any], released_at: datetime.datetime | None = None) -> Observation:
    return seen(pod(state, holder="step", released_at=released_at))


def test_a_step_that_waits_in_its_own_container_has_not_begun() -> None:
    found = held_step(RUNNING)
    assert (found.state, found.held, found.start_time) == (State.WAITING, True, None)
    found = held_step(RUNNING, MOMENT)
    assert (found.state, found.held, found.start_time) == (State.RUNNING, False, MOMENT)


def test_a_step_that_was_let_go_before_its_container_ran_begins_with_that() -> None:
    found = held_step({"running": {"startedAt": NOW.isoformat()}}, MOMENT)
    assert (found.state, found.held, found.start_time) == (State.RUNNING, False, NOW)


def test_a_pod_that_was_let_go_holds_nothing_back() -> None:
    waiting = [{"name": "hold", "state": {"running": {}}}]
    assert waits_for_a_word(pod({"waiting": {}}, init=waiting, holder="hold"))
    told = pod({"waiting": {}}, init=waiting, holder="hold", released_at=MOMENT)
    assert not waits_for_a_word(told)
    assert not seen(told).held
    files = [{"name": "restore", "state": {"running": {}}}]
    assert not waits_for_a_word(pod({"waiting": {}}, init=files, holder="restore"))


@pytest.mark.parametrize("text", ["soon", "2026-01-02T10:00:00", ""])
def test_what_is_no_moment_lets_nothing_go(text: str) -> None:
    made = pod(RUNNING, holder="step")
    made["metadata"]["annotations"]["c8s.dev/released-at"] = text
    assert waits_for_a_word(made)
    assert seen(made).held


@pytest.mark.parametrize("code", [0, 3])
def test_what_was_let_go_tells_when_at_its_end(code: int) -> None:
    """Who has let it go may have died before it was seen to run."""
    found = held_step(ended(code, message=MOMENT.isoformat() + "\n"), MOMENT)
    assert (found.exit_code, found.held, found.start_time) == (code, False, MOMENT)


def test_what_was_let_go_long_before_it_ended_has_heard_of_it() -> None:
    found = held_step(ended(137, reason="OOMKilled", finishedAt=NOW.isoformat()), MOMENT)
    assert (found.reason, found.held, found.start_time) == ("OOMKilled", False, MOMENT)


def test_what_ended_while_its_release_was_on_its_way_ran_no_command() -> None:
    released_at = NOW - datetime.timedelta(seconds=0.5)
    found = held_step(ended(127, finishedAt=NOW.isoformat()), released_at)
    assert (found.state, found.held, found.start_time) == (State.ENDED, True, None)


def test_a_step_with_something_else_to_say_at_its_end_had_begun() -> None:
    found = held_step(ended(3, message="out of cheese"))
    assert (found.exit_code, found.held) == (3, False)
    assert found.start_time == datetime.datetime.fromisoformat(STAMP)


@pytest.mark.parametrize(
    "state",
    [
        ended(143),
        ended(137),
        ended(127),
        ended(128, reason="StartError", message="no such file"),
    ],
)
def test_what_ended_without_a_release_ran_no_command(state: dict[str, Any]) -> None:
    found = held_step(state)
    assert (found.state, found.held, found.start_time) == (State.ENDED, True, None)
