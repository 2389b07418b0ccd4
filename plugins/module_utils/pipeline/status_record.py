"""The status of a run as JSON and back: what a PipelineRun's `status` holds.

What is empty is left out; times are RFC 3339 in UTC. A status stays small however many steps there
are, since objects of a cluster must: see `LIMIT`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .record_fields import Fields, rfc3339
from .status import Condition, MatrixStatus, Phase, ResourceUsage, RunStatus, StepStatus

Record = dict[str, Any]

LIMIT = 190 * 1024
"""Bytes from which on a status leaves out what can be found elsewhere; a few hundred steps."""

_SURELY_SMALL = 50


def without_empty(**entries: Any) -> Record:
    """Leave out what says nothing: None, empty texts and lists, counts of zero.

    An exit code of 0 is a success, and no changed paths are not the same as unknown ones.
    """
    return {
        name: value
        for name, value in entries.items()
        if value or (name in ("exitCode", "changedPaths") and value is not None)
    }


def status_record(status: RunStatus) -> Record:
    """A run's status as a JSON-able dict.

    Beyond `LIMIT` long messages are cut, and ended steps lose, in this order and only as far as
    needed, artifactURLs (the store lists them by run and step), jobName and logURL.
    """
    steps = [_of_step(step) for step in status.steps]
    record = without_empty(
        phase=str(status.phase),
        reason=status.reason,
        message=status.message,
        startTime=status.start_time and rfc3339(status.start_time),
        resumeTime=status.resume_time and rfc3339(status.resume_time),
        completionTime=status.completion_time and rfc3339(status.completion_time),
        queuePosition=status.queue_position,
        steps=steps,
        conditions=[_of_condition(condition) for condition in status.conditions],
        matrix=status.matrix and _of_matrix(status.matrix),
        resourceUsage=status.resource_usage and _of_usage(status.resource_usage),
    )
    if len(steps) > _SURELY_SMALL:
        _make_fit(record, [step for step in steps if Phase(step["phase"]).terminal])
    return record


def status_from(status: Mapping[str, Any]) -> RunStatus:
    """The status that `status_record` wrote; InvalidInput where it is damaged."""
    record = Fields(status, "status")
    matrix, usage = record.maybe_inside("matrix"), record.maybe_inside("resourceUsage")
    return RunStatus(
        phase=record.word("phase", Phase, Phase.PENDING),
        reason=record.text("reason"),
        message=record.text("message"),
        start_time=record.time("startTime"),
        resume_time=record.time("resumeTime"),
        completion_time=record.time("completionTime"),
        queue_position=record.whole("queuePosition"),
        steps=tuple(_step(step) for step in record.each_inside("steps")),
        conditions=tuple(_condition(entry) for entry in record.each_inside("conditions")),
        matrix=_matrix(matrix) if matrix else None,
        resource_usage=_usage(usage) if usage else None,
    )


def _of_step(step: StepStatus) -> Record:
    return without_empty(
        name=step.name,
        phase=str(step.phase),
        attempts=step.attempts,
        failures=step.failures,
        disruptions=step.disruptions,
        interruptions=step.interruptions,
        startTime=step.start_time and rfc3339(step.start_time),
        completionTime=step.completion_time and rfc3339(step.completion_time),
        notBefore=step.not_before and rfc3339(step.not_before),
        exitCode=step.exit_code,
        reason=step.reason,
        message=step.message,
        jobName=step.job_name,
        logURL=step.log_url,
        artifactURLs=list(step.artifact_urls),
    )


def _step(record: Fields) -> StepStatus:
    return StepStatus(
        name=record.needed_text("name"),
        phase=record.word("phase", Phase, Phase.PENDING),
        attempts=record.count("attempts"),
        failures=record.count("failures"),
        disruptions=record.count("disruptions"),
        interruptions=record.count("interruptions"),
        start_time=record.time("startTime"),
        completion_time=record.time("completionTime"),
        not_before=record.time("notBefore"),
        exit_code=record.whole("exitCode"),
        reason=record.text("reason"),
        message=record.text("message"),
        job_name=record.text("jobName"),
        log_url=record.text("logURL"),
        artifact_urls=record.texts("artifactURLs"),
    )


def _of_condition(condition: Condition) -> Record:
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": rfc3339(condition.last_transition_time),
    }


def _condition(record: Fields) -> Condition:
    return Condition(
        type=record.needed_text("type"),
        status=record.needed_text("status"),
        reason=record.text("reason"),
        message=record.text("message"),
        last_transition_time=record.needed_time("lastTransitionTime"),
    )


def _of_matrix(matrix: MatrixStatus) -> Record:
    return {
        "children": list(matrix.children),
        "succeeded": matrix.succeeded,
        "failed": matrix.failed,
        "running": matrix.running,
        "pending": matrix.pending,
        "cancelled": matrix.cancelled,
        "durationSeconds": matrix.duration,
        "summary": matrix.summary,
    }


def _matrix(record: Fields) -> MatrixStatus:
    return MatrixStatus(
        children=record.texts("children"),
        succeeded=record.count("succeeded"),
        failed=record.count("failed"),
        running=record.count("running"),
        pending=record.count("pending"),
        cancelled=record.count("cancelled"),
        duration=record.number("durationSeconds"),
    )


def _of_usage(usage: ResourceUsage) -> Record:
    return {"cpuSeconds": usage.cpu, "memoryByteSeconds": usage.memory}


def _usage(record: Fields) -> ResourceUsage:
    return ResourceUsage(record.number("cpuSeconds"), record.number("memoryByteSeconds"))


def _make_fit(record: Record, ended: list[Record]) -> None:
    steps = record["steps"]
    for leave_out in _MEASURES:
        if _size(record) <= LIMIT:
            return
        for step in ended:
            leave_out(step)
    for step in steps:
        _cut_message(step, 60)


def _size(record: Record) -> int:
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    return len(text.encode(errors="surrogatepass"))


def _cut_message(step: Record, limit: int) -> None:
    message = step.get("message", "")
    if len(message) > limit:
        step["message"] = message[: limit - 3] + "..."


_MEASURES: tuple[Callable[[Record], object], ...] = (
    lambda step: _cut_message(step, 200),
    lambda step: step.pop("artifactURLs", None),
    lambda step: step.pop("jobName", None),
    lambda step: _cut_message(step, 60),
    lambda step: step.pop("logURL", None),
)
