"""A run as JSON and back: the record that stores keep, doors show and a resumed run is read from.

Its shape is that of the PipelineRun resource. What is empty is left out; times are RFC 3339 in
UTC. The pipeline is kept as the file it was read from, so that reading a record judges it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import InvalidInput, Problem
from .load import load_document
from .overrides import NONE, Overrides
from .record_fields import Fields, parse_time, rfc3339
from .run import Cancel, Run, Trigger
from .spec import Event, Pipeline
from .status import RunStatus
from .status_record import status_from, status_record, without_empty
from .template import Context, render

__all__ = [
    "from_record",
    "parse_time",
    "pipeline_for",
    "rfc3339",
    "status_from",
    "status_record",
    "to_record",
]

API_VERSION = "c8s.dev/v1alpha1"
KIND = "PipelineRun"

Record = dict[str, Any]


def to_record(run: Run) -> Record:
    """The run as a JSON-able dict."""
    trigger = run.trigger
    cancel = run.cancel
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": without_empty(
            name=run.name,
            uid=run.uid,
            creationTimestamp=rfc3339(run.created_at),
        ),
        "spec": without_empty(
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
            executor=run.executor,
            idempotencyKey=run.idempotency_key,
            cancel=without_empty(by=cancel.by, at=rfc3339(cancel.at), reason=cancel.reason)
            if cancel
            else None,
            pipeline=dict(run.document),
        ),
        "status": status_record(run.status),
    }


def from_record(record: Mapping[str, Any], *, allowed: Overrides = NONE) -> Run:
    """The run of a record; InvalidInput where it is none or its pipeline is no longer valid.

    `allowed` is what an administrator permits the pipeline beyond the sandbox.
    """
    fields = Fields(record, "")
    if record.get("apiVersion") != API_VERSION or record.get("kind") != KIND:
        raise InvalidInput(f"this is no {KIND} of {API_VERSION}")
    metadata, spec = fields.inside("metadata"), fields.inside("spec")
    name = metadata.needed_text("name")
    trigger = _trigger(spec)
    values = spec.scalars("matrixIndex")
    document = dict(spec.inside("pipeline").entries)
    pipeline = pipeline_for(load_document(document, allowed=allowed), name, trigger, values)
    cancel = spec.maybe_inside("cancel")
    return Run(
        name=name,
        uid=metadata.text("uid"),
        created_at=metadata.needed_time("creationTimestamp"),
        pipeline=pipeline,
        document=document,
        trigger=trigger,
        status=_status(fields, pipeline),
        matrix_values=values,
        parent=spec.text("parent"),
        rerun_of=spec.text("rerunOf"),
        reuses=spec.flag("reusesSucceeded"),
        executor=spec.text("executor"),
        idempotency_key=spec.text("idempotencyKey"),
        cancel=_cancel(cancel) if cancel else None,
    )


def _trigger(spec: Fields) -> Trigger:
    return Trigger(
        event=spec.word("event", Event, Event.MANUAL),
        commit=spec.text("commit"),
        branch=spec.text("branch"),
        tag=spec.text("tag"),
        repository=spec.text("repository"),
        number=spec.count("number"),
        by=spec.text("triggeredBy"),
        at=spec.time("triggeredAt"),
        author=spec.text("author"),
        message=spec.text("commitMessage"),
        changed_paths=spec.texts("changedPaths") if "changedPaths" in spec.entries else None,
    )


def _cancel(record: Fields) -> Cancel:
    return Cancel(record.text("by"), record.needed_time("at"), record.text("reason"))


def _status(fields: Fields, pipeline: Pipeline) -> RunStatus:
    """The status, whose steps are none yet or exactly those of the pipeline."""
    record = fields.maybe_inside("status")
    status = status_from(record.entries) if record else RunStatus()
    names = [step.name for step in pipeline.steps]
    if status.steps and [step.name for step in status.steps] != names:
        message = "the run's record is damaged: these are not the steps of its pipeline"
        raise InvalidInput(Problem(message, path="status.steps"))
    return status


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
