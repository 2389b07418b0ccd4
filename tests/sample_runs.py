"""Runs for tests of what shows them: made of a few words, never driven."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run, Trigger
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import (
    Phase,
    RunStatus,
    StepStatus,
)

BORN = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


def later(seconds: float) -> datetime.datetime:
    """A moment of a run's life."""
    return BORN + datetime.timedelta(seconds=seconds)


def pipeline_text(steps: Mapping[str, list[str]], **fields: Any) -> str:
    """A pipeline file: steps by name with what they wait for. It is JSON, which is YAML."""
    written = [
        {"name": name, "image": "busybox:1.36", "commands": ["true"], "dependsOn": after}
        if after
        else {"name": name, "image": "busybox:1.36", "commands": ["true"]}
        for name, after in steps.items()
    ]
    return json.dumps({"version": "v1alpha1", "name": "demo", "steps": written, **fields})


def ended(name: str, phase: Phase = Phase.SUCCEEDED, **changes: Any) -> StepStatus:
    """A step that ran for two seconds."""
    status = StepStatus(
        name,
        phase,
        attempts=1,
        failures=int(phase is Phase.FAILED),
        start_time=later(1),
        completion_time=later(3),
        exit_code=0,
    )
    return dataclasses.replace(status, **changes)


def run_of(text: str, *statuses: StepStatus, name: str = "demo-1", **changes: Any) -> Run:
    """A run of a pipeline whose steps are as they are told, and Pending where they are not."""
    pipeline = load(text)
    known = {status.name: status for status in statuses}
    steps = tuple(known.get(step.name, StepStatus(step.name)) for step in pipeline.steps)
    run = Run(
        name=name,
        uid=f"uid-{name}",
        created_at=BORN,
        pipeline=pipeline,
        document=json.loads(text),
        trigger=Trigger(commit="1a2b3c4d" * 5, branch="main", message="Do it\n\nat last"),
        status=RunStatus(steps=steps, start_time=later(0)),
    )
    return dataclasses.replace(run, **changes)


def in_phase(run: Run, phase: Phase, **changes: Any) -> Run:
    """The run in that phase; at its end after ten seconds."""
    if phase.terminal:
        changes.setdefault("completion_time", later(10))
    return dataclasses.replace(run, status=dataclasses.replace(run.status, phase=phase, **changes))
