"""A run as stores keep it: made from a document."""

from __future__ import annotations

from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load_document
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import pipeline_for
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run, Trigger
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import RunStatus, StepStatus
from hypothesis import strategies as st

from unit.pipeline.runs import EPOCH

DOCUMENT: dict[str, Any] = {
    "version": "v1alpha1",
    "name": "demo",
    "steps": [
        {"name": "build", "image": "golang:1.22", "commands": ["make ${{ run.commit }}"]},
        {"name": "test", "image": "golang:1.22", "commands": ["make test"], "dependsOn": ["build"]},
    ],
}

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def a_run(document: dict[str, Any] | None = None, **fields: Any) -> Run:
    document = document or DOCUMENT
    trigger = fields.pop("trigger", Trigger(commit="0123abc", branch="main"))
    values = fields.get("matrix_values", {})
    pipeline = pipeline_for(load_document(document), "demo-7", trigger, values)
    status = fields.pop("status", None) or RunStatus(
        steps=() if pipeline.matrix and not values else tuple(map(new, pipeline.steps))
    )
    return Run("demo-7", "uid-7", EPOCH, pipeline, document, trigger, status, **fields)


def new(step: Any) -> StepStatus:
    return StepStatus(step.name)
