"""What a Job and its pods say of the attempt that they are: a pure reading of their statuses.

A step has ended when its container has; the phases of Pod and Job come later and are bookkeeping.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

from .observation import Observation, State
from .pod import (
    CLONE_CONTAINER,
    HELD_BY,
    HOLD_CONTAINER,
    KEEPER_CONTAINER,
    RELEASED_AT,
    RESCUE_SECONDS,
    STEP_CONTAINER,
    WORDS_VOLUME,
)
from .status import Reason

IMAGE_PATIENCE = 300
"""Seconds for which an image that cannot be pulled is waited for."""
CONFIG_PATIENCE = 30
"""Seconds for which a container whose secret or key is missing is waited for."""
SERVICE_RESTARTS = 2
_ON_ITS_WAY = datetime.timedelta(seconds=2)
DISRUPTION_LIMIT = 3

_PULLING = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "RegistryUnavailable")
_LOST = (
    "Evicted",
    "NodeLost",
    "Preempting",
    "Shutdown",
    "NodeShutdown",
    "Terminated",
    "UnexpectedAdmissionError",
    "NodeAffinity",
    "OutOfcpu",
    "OutOfmemory",
    "OutOfpods",
)

Object = dict[str, Any]


def observation_of(
    step: str,
    attempt: int,
    job: Object | None,
    pods: Sequence[Object],
    now: datetime.datetime,
    *,
    stopping: bool = False,
) -> Observation:
    """The attempt as its Job (None: it is gone) and its pods show it.

    While the driver is `stopping` it, that its pod is deleted is no disruption.
    """
    name = job["metadata"]["name"] if job else ""
    base = Observation(step, attempt, State.WAITING, job_name=name)
    living = sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
    if not living:
        return _without_pods(base, job)
    disrupted = [pod for pod in living if _disruption(pod)]
    seen = _of_pod(base, living[-1], now)
    if len(disrupted) > DISRUPTION_LIMIT:
        message = f"disrupted {len(disrupted)} times, last: {_disruption(living[-1])}"
        return _ended(base, living[-1], None, "Disrupted", message)
    # Who was told to end and ended well has done its work; its Job counts it so, too.
    well = seen.exit_code == 0
    if stopping or well or seen.state is not State.ENDED or not _disruption(living[-1]):
        return dataclasses.replace(seen, disruption=seen.disruption and not stopping)
    replaced = _condition(living[-1], "DisruptionTarget") and job and not _condition(job, "Failed")
    if not replaced:
        return dataclasses.replace(seen, disruption=True)
    note = f"{_disruption(living[-1])}; its Job makes another pod"
    return dataclasses.replace(base, reason="Disrupted", message=note)


def is_deleted(pod: Object) -> bool:
    """Whether the pod is on its way out: somebody deleted or evicted it."""
    return "deletionTimestamp" in pod["metadata"]


def is_rescued(pod: Object) -> bool:
    """Whether a driver ends the pod and wants the artifacts of its step. Until all its containers
    have ended, the node tells nothing more of them."""
    return bool(pod["metadata"].get("deletionGracePeriodSeconds") == RESCUE_SECONDS)


def has_begun(pod: Object) -> bool:
    """Whether the commands of the step have begun."""
    found = _container(pod.get("status", {}).get("containerStatuses", ()), STEP_CONTAINER)
    if found is None or "waiting" in found["state"]:
        return False
    return held_by(pod) != STEP_CONTAINER or released_at(pod) is not None


def is_running(pod: Object, container: str) -> bool:
    """Whether a container of the pod, of any sort, runs now."""
    status = pod.get("status", {})
    lists = (status.get("initContainerStatuses", ()), status.get("containerStatuses", ()))
    found = next((one for each in lists if (one := _container(each, container))), None)
    return found is not None and "running" in found["state"]


def keeper_may_come(pod: Object, ended_at: datetime.datetime, now: datetime.datetime) -> bool:
    """Whether what the step left at its end can be fetched later, and not now: the container that
    gives it out has not begun, most likely because its image is not there yet."""
    statuses = pod.get("status", {}).get("containerStatuses", ())
    step, keeper = (_container(statuses, name) for name in (STEP_CONTAINER, KEEPER_CONTAINER))
    if step is None or "terminated" not in step["state"]:
        return False  # It never began, and has left nothing.
    if keeper is None or "waiting" not in keeper["state"] or is_deleted(pod):
        return False
    return (now - ended_at).total_seconds() < IMAGE_PATIENCE


def waits_for_a_word(pod: Object) -> bool:
    """Whether the pod was prepared ahead and nobody has let it go. (Where files are brought to it,
    their coming tells it.)"""
    return held_by(pod) in (HOLD_CONTAINER, STEP_CONTAINER) and released_at(pod) is None


def takes_words(pod: Object) -> bool:
    """Whether the containers beside the step are told by annotations what to do."""
    volumes = pod.get("spec", {}).get("volumes", ())
    return any(volume["name"] == WORDS_VOLUME for volume in volumes)


def released_at(pod: Object) -> datetime.datetime | None:
    """When a pod that was prepared ahead was let go."""
    return _moment((pod["metadata"].get("annotations") or {}).get(RELEASED_AT, ""))


def is_up_to_the_job(pods: Sequence[Object]) -> bool:
    """Whether what becomes of an attempt with these pods, oldest first, is in its Job."""
    return not pods or _condition(pods[-1], "DisruptionTarget") is not None


def _without_pods(base: Observation, job: Object | None) -> Observation:
    if job is None:
        return dataclasses.replace(
            base, state=State.LOST, reason=Reason.LOST, message="its Job is gone"
        )
    # A Job that is complete makes no other pod either: what the last one left has gone with it.
    ended = _condition(job, "Failed") or _condition(job, "Complete")
    if ended is None:
        return base
    return dataclasses.replace(
        base,
        state=State.ENDED,
        disruption=True,
        reason="PodDeleted",
        message=ended.get("message") or "its pod is gone",
        completion_time=_time(ended.get("lastTransitionTime")),
    )


def _of_pod(base: Observation, pod: Object, now: datetime.datetime) -> Observation:
    status = pod.get("status", {})
    step = _container(status.get("containerStatuses", ()), STEP_CONTAINER)
    waits_inside = held_by(pod) == STEP_CONTAINER
    if step and "terminated" in step["state"]:
        ended = step["state"]["terminated"]
        if not waits_inside:
            return _of_ended_step(base, pod, ended)
        return _of_released_step(base, pod, ended)
    if step and "running" in step["state"] and not (waits_inside and _is_held(pod)):
        begun = _begun(pod, _time(step["state"]["running"].get("startedAt")))
        return dataclasses.replace(base, state=State.RUNNING, start_time=begun)
    for container in status.get("initContainerStatuses", ()):
        ended = container["state"].get("terminated")
        if ended and ended["exitCode"] != 0 and not _disruption(pod):
            return _of_failed_start(base, pod, container["name"], ended)
        if container.get("restartCount", 0) >= SERVICE_RESTARTS:
            return _of_failed_service(base, pod, container)
    if status.get("phase") == "Failed" or _disruption(pod):
        gone = status.get("phase") == "Failed" or is_deleted(pod)
        if gone:
            message = status.get("message") or _disruption(pod) or "its pod failed"
            return _ended(base, pod, None, status.get("reason") or "PodFailed", message,
                          disruption=True)  # fmt: skip
    return dataclasses.replace(_of_waiting(base, pod, now), held=_is_held(pod))


def _of_released_step(base: Observation, pod: Object, ended: Object) -> Observation:
    """A step that had to wait for its release and has ended: with it, or still waiting."""
    seen = _of_ended_step(base, pod, ended)
    told_by_the_step = bool(ended.get("message")) and not seen.reason
    heard = (
        _moment(ended.get("message", ""))
        or told_by_the_step
        or _released_before(pod, seen.completion_time)
    )
    if ended["exitCode"] != 0 and not heard:
        return dataclasses.replace(seen, start_time=None, held=True)
    return dataclasses.replace(seen, start_time=_begun(pod, seen.start_time), held=False)


def _moment(text: str) -> datetime.datetime | None:
    """The moment of a release; None where the text, which others may write too, is none."""
    try:
        found = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _released_before(pod: Object, end: datetime.datetime | None) -> bool:
    """Whether it was let go so long before its end that it must have heard of it."""
    released = released_at(pod)
    return released is not None and end is not None and end - released > _ON_ITS_WAY


def _begun(pod: Object, started: datetime.datetime | None) -> datetime.datetime | None:
    """When the commands of a step began whose container was started at that moment."""
    released = released_at(pod) if held_by(pod) == STEP_CONTAINER else None
    return max((moment for moment in (started, released) if moment is not None), default=None)


def _of_ended_step(base: Observation, pod: Object, ended: Object) -> Observation:
    code = ended["exitCode"]
    reason, message = "", ""
    if ended.get("reason") == "OOMKilled":
        reason, message = "OOMKilled", "it needed more memory than its limit"
    elif ended.get("reason") in ("StartError", "ContainerCannotRun"):
        reason, message = "StartFailed", ended.get("message", "").strip()
    elif _ended_by_deadline(pod, ended):
        reason, message = Reason.TIMEOUT, "its pod lived longer than its deadline"
    seen = _ended(base, pod, code, reason, message)
    return dataclasses.replace(
        seen,
        start_time=_time(ended.get("startedAt")),
        completion_time=_time(ended.get("finishedAt")) or seen.completion_time,
    )


def _ended_by_deadline(pod: Object, ended: Object) -> bool:
    """Whether the pod's deadline ended the step itself, not only what waits behind it."""
    status = pod.get("status", {})
    if status.get("reason") != "DeadlineExceeded":
        return False
    begun, over = _time(status.get("startTime")), _time(ended.get("finishedAt"))
    seconds = pod["spec"].get("activeDeadlineSeconds")
    if begun is None or over is None or seconds is None:
        return True
    # The cluster tells whole seconds.
    return over - begun >= datetime.timedelta(seconds=seconds - 1)


def _of_failed_start(base: Observation, pod: Object, name: str, ended: Object) -> Observation:
    message = (ended.get("message") or f"its {name} ended with {ended['exitCode']}").strip()
    reason = "CloneFailed" if name == CLONE_CONTAINER else "StartFailed"
    return _ended(base, pod, None, reason, message)


def _of_failed_service(base: Observation, pod: Object, container: Object) -> Observation:
    last = container.get("lastState", {}).get("terminated", {})
    how = f"exit code {last['exitCode']}" if last else "no exit code"
    message = f"{container['name']} does not become ready; it ended with {how}"
    return _ended(base, pod, None, "ServiceNotReady", message)


def _of_waiting(base: Observation, pod: Object, now: datetime.datetime) -> Observation:
    """A pod whose step has not begun: what it waits for, until patience ends."""
    status = pod.get("status", {})
    scheduled = _condition(pod, "PodScheduled", want="")
    if scheduled and scheduled["status"] != "True":
        return dataclasses.replace(
            base,
            reason="InsufficientResources",
            message=scheduled.get("message", "no node has room"),
        )
    since = _time(scheduled.get("lastTransitionTime")) if scheduled else None
    waited = (now - since).total_seconds() if since else 0.0
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    for container in containers:
        waiting = container["state"].get("waiting")
        if not waiting or waiting.get("reason") in (None, "PodInitializing", "ContainerCreating"):
            continue
        reason, patience = _patience(waiting)
        message = f"{container['name']}: {waiting.get('message', waiting['reason'])}"
        if waited >= patience:
            return _ended(base, pod, None, reason, message)
        return dataclasses.replace(base, reason=reason, message=message)
    begun = any("waiting" not in each["state"] for each in status.get("initContainerStatuses", ()))
    return dataclasses.replace(base, begins=begun)


def _patience(waiting: Object) -> tuple[str, float]:
    """What a waiting container suffers from, and for how many seconds that is borne."""
    reason, message = waiting["reason"], waiting.get("message", "")
    if reason in _PULLING:
        return "ImagePullBackOff", IMAGE_PATIENCE
    if reason == "InvalidImageName":
        return reason, 0
    if reason == "CreateContainerConfigError" and "secret" in message.lower():
        return "SecretNotFound", CONFIG_PATIENCE
    return reason, IMAGE_PATIENCE


def _ended(
    base: Observation,
    pod: Object,
    code: int | None,
    reason: str,
    message: str,
    *,
    disruption: bool = False,
) -> Observation:
    return dataclasses.replace(
        base,
        state=State.ENDED,
        exit_code=code,
        reason=reason,
        message=message,
        disruption=disruption,
        held=_is_held(pod),
        completion_time=_time(pod["metadata"].get("deletionTimestamp")),
    )


def _disruption(pod: Object) -> str:
    """Why the infrastructure ended this pod; empty where it did not."""
    target = _condition(pod, "DisruptionTarget")
    if target:
        return f"{target.get('reason', 'disrupted')}: {target.get('message', '')}".rstrip(": ")
    reason = pod.get("status", {}).get("reason", "")
    if reason in _LOST:
        return f"{reason}: {pod['status'].get('message', '')}".rstrip(": ")
    if is_deleted(pod):
        return "PodDeleted: somebody deleted the pod"
    return ""


def held_by(pod: Object) -> str:
    """The container that waits for the release of a pod that was prepared ahead, empty for any
    other pod."""
    return str((pod["metadata"].get("annotations") or {}).get(HELD_BY, ""))


def _is_held(pod: Object) -> bool:
    """Whether the pod waits, or will wait, for its release."""
    if released_at(pod) is not None:
        return False
    statuses = pod.get("status", {}).get("initContainerStatuses", ())
    holder = _container(statuses, held_by(pod))
    ended = holder["state"].get("terminated") if holder else None
    return bool(held_by(pod)) and not (ended and ended["exitCode"] == 0)


def _container(statuses: Sequence[Object], name: str) -> Object | None:
    return next((status for status in statuses if status["name"] == name), None)


def _condition(thing: Object, kind: str, want: str = "True") -> Object | None:
    """The condition of that type, if it has the wanted status (empty: any)."""
    for condition in thing.get("status", {}).get("conditions", ()):
        if condition["type"] == kind and want in ("", condition["status"]):
            found: Object = condition
            return found
    return None


def _time(text: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if text else None
