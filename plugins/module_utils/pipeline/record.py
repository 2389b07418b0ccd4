"""A run as JSON and back: the record that stores keep, doors show and a resumed run is read from.

Its shape is that of the PipelineRun resource. What is empty is left out; times are RFC 3339 in
UTC. The pipeline is kept as the file it was read from, so that reading a record judges it anew.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ..core.errors import InvalidInput
from .load import load_document
from .run import Cancel, Run, Trigger
from .spec import Event, Pipeline
from .status import (
    Condition,
    MatrixStatus,
    Phase,
    ResourceUsage,
    RunStatus,
    StepStatus,
)
from .template import Context, render

API_VERSION = "c8s.dev/v1alpha1"
KIND = "PipelineRun"

Record = dict[str, Any]

# An exit code of 0 is a success, and no changed paths are not the same as unknown ones.
_TELLING_WHEN_EMPTY = ("exitCode", "changedPaths")


def to_record(run: Run) -> Record:
    """The run as a JSON-able dict."""
    trigger = run.trigger
    cancel = run.cancel
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": _without_empty(
            name=run.name,
            uid=run.uid,
            creationTimestamp=rfc3339(run.created_at),
        ),
        "spec": _without_empty(
            commit=trigger.commit,
            branch=trigger.branch,
            tag=trigger.tag,
            event=str(trigger.event),
            repository=trigger.repository,
            number=trigger.number,
            triggeredBy=trigger.by,
            triggeredAt=rfc3339(trigger.at) if trigger.at else "",
            author=trigger.author,
            commitMessage=trigger.message,
            changedPaths=list(trigger.changed_paths) if trigger.changed_paths is not None else None,
            matrixIndex=dict(run.matrix_values),
            parent=run.parent,
            rerunOf=run.rerun_of,
            reusesSucceeded=run.reuses,
            idempotencyKey=run.idempotency_key,
            cancel=_without_empty(by=cancel.by, at=rfc3339(cancel.at), reason=cancel.reason)
            if cancel
            else None,
            pipeline=dict(run.document),
        ),
        "status": status_record(run.status),
    }


def from_record(record: Mapping[str, Any]) -> Run:
    """The run of a record; InvalidInput where it is none or its pipeline is no longer valid."""
    if record.get("apiVersion") != API_VERSION or record.get("kind") != KIND:
        raise InvalidInput(f"this is no {KIND} of {API_VERSION}")
    try:
        return _run(record["metadata"], record["spec"], record.get("status", {}))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(
            f"the run's record is damaged ({type(error).__name__}: {error})"
        ) from error


def _run(metadata: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any]) -> Run:
    changed = spec.get("changedPaths")
    trigger = Trigger(
        event=Event(spec.get("event", Event.MANUAL)),
        commit=spec.get("commit", ""),
        branch=spec.get("branch", ""),
        tag=spec.get("tag", ""),
        repository=spec.get("repository", ""),
        number=spec.get("number", 0),
        by=spec.get("triggeredBy", ""),
        at=_time(spec, "triggeredAt"),
        author=spec.get("author", ""),
        message=spec.get("commitMessage", ""),
        changed_paths=None if changed is None else tuple(changed),
    )
    values = spec.get("matrixIndex", {})
    name = metadata["name"]
    cancel = spec.get("cancel")
    return Run(
        name=name,
        uid=metadata["uid"],
        created_at=parse_time(metadata["creationTimestamp"]),
        pipeline=pipeline_for(load_document(spec["pipeline"]), name, trigger, values),
        document=spec["pipeline"],
        trigger=trigger,
        status=status_from(status),
        matrix_values=values,
        parent=spec.get("parent", ""),
        rerun_of=spec.get("rerunOf", ""),
        reuses=spec.get("reusesSucceeded", False),
        idempotency_key=spec.get("idempotencyKey", ""),
        cancel=Cancel(cancel["by"], parse_time(cancel["at"]), cancel["reason"]) if cancel else None,
    )


def pipeline_for(
    pipeline: Pipeline, run_name: str, trigger: Trigger, values: Mapping[str, Any]
) -> Pipeline:
    """What a pipeline means for one run: its templates expanded. A matrix parent keeps them."""
    if pipeline.matrix is not None and not values:
        return pipeline
    return render(
        pipeline,
        Context(
            name=run_name,
            commit=trigger.commit,
            branch=trigger.branch,
            tag=trigger.tag,
            event=str(trigger.event),
            number=trigger.number,
            repository=trigger.repository,
            matrix=values,
        ),
    )


def status_record(status: RunStatus) -> Record:
    """A run's status as a JSON-able dict."""
    matrix, usage = status.matrix, status.resource_usage
    return _without_empty(
        phase=str(status.phase),
        reason=status.reason,
        message=status.message,
        startTime=_written(status.start_time),
        resumeTime=_written(status.resume_time),
        completionTime=_written(status.completion_time),
        queuePosition=status.queue_position,
        steps=[_step_record(step) for step in status.steps],
        conditions=[
            {
                "type": condition.type,
                "status": condition.status,
                "reason": condition.reason,
                "message": condition.message,
                "lastTransitionTime": rfc3339(condition.last_transition_time),
            }
            for condition in status.conditions
        ],
        matrix={
            "children": list(matrix.children),
            "succeeded": matrix.succeeded,
            "failed": matrix.failed,
            "running": matrix.running,
            "pending": matrix.pending,
            "cancelled": matrix.cancelled,
            "durationSeconds": matrix.duration,
            "summary": matrix.summary,
        }
        if matrix
        else None,
        resourceUsage={"cpuSeconds": usage.cpu, "memoryByteSeconds": usage.memory}
        if usage
        else None,
    )


def status_from(record: Mapping[str, Any]) -> RunStatus:
    """The status that `status_record` wrote."""
    matrix, usage = record.get("matrix"), record.get("resourceUsage")
    return RunStatus(
        phase=Phase(record.get("phase", Phase.PENDING)),
        reason=record.get("reason", ""),
        message=record.get("message", ""),
        start_time=_time(record, "startTime"),
        resume_time=_time(record, "resumeTime"),
        completion_time=_time(record, "completionTime"),
        queue_position=record.get("queuePosition"),
        steps=tuple(_step_from(step) for step in record.get("steps", ())),
        conditions=tuple(
            Condition(
                entry["type"],
                entry["status"],
                entry["reason"],
                entry["message"],
                parse_time(entry["lastTransitionTime"]),
            )
            for entry in record.get("conditions", ())
        ),
        matrix=MatrixStatus(
            children=tuple(matrix["children"]),
            succeeded=matrix["succeeded"],
            failed=matrix["failed"],
            running=matrix["running"],
            pending=matrix["pending"],
            cancelled=matrix["cancelled"],
            duration=matrix["durationSeconds"],
        )
        if matrix
        else None,
        resource_usage=ResourceUsage(usage["cpuSeconds"], usage["memoryByteSeconds"])
        if usage
        else None,
    )


def _step_record(step: StepStatus) -> Record:
    return _without_empty(
        name=step.name,
        phase=str(step.phase),
        attempts=step.attempts,
        failures=step.failures,
        disruptions=step.disruptions,
        interruptions=step.interruptions,
        startTime=_written(step.start_time),
        completionTime=_written(step.completion_time),
        notBefore=_written(step.not_before),
        exitCode=step.exit_code,
        reason=step.reason,
        message=step.message,
        jobName=step.job_name,
        logURL=step.log_url,
        artifactURLs=list(step.artifact_urls),
    )


def _step_from(record: Mapping[str, Any]) -> StepStatus:
    return StepStatus(
        name=record["name"],
        phase=Phase(record["phase"]),
        attempts=record.get("attempts", 0),
        failures=record.get("failures", 0),
        disruptions=record.get("disruptions", 0),
        interruptions=record.get("interruptions", 0),
        start_time=_time(record, "startTime"),
        completion_time=_time(record, "completionTime"),
        not_before=_time(record, "notBefore"),
        exit_code=record.get("exitCode"),
        reason=record.get("reason", ""),
        message=record.get("message", ""),
        job_name=record.get("jobName", ""),
        log_url=record.get("logURL", ""),
        artifact_urls=tuple(record.get("artifactURLs", ())),
    )


def rfc3339(moment: datetime.datetime) -> str:
    """An aware time in UTC with microseconds, as Kubernetes' MicroTime writes it."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime.datetime:
    """An aware time from RFC 3339; ValueError where it is none."""
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.astimezone(datetime.UTC)


def _written(moment: datetime.datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def _time(record: Mapping[str, Any], key: str) -> datetime.datetime | None:
    text = record.get(key)
    return parse_time(text) if text else None


def _without_empty(**entries: Any) -> Record:
    """Leave out what says nothing: None, empty texts and lists, counts of zero."""
    return {
        name: value
        for name, value in entries.items()
        if value or (name in _TELLING_WHEN_EMPTY and value is not None)
    }
