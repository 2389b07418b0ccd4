"""The Jobs that a run would have, before there is any of them."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...pipeline.children import plan_children
from ...pipeline.graph import Graph
from ...pipeline.job import job
from ...pipeline.matrix import child_name, combinations
from ...pipeline.plan import plan
from ...pipeline.pod import JobSettings
from ...pipeline.run import Run
from ..birth import child_of

Manifest = dict[str, Any]

_DIGEST = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A run that has steps (of a matrix: one for each combination), and those that begin first."""

    run: Run
    first: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class PlannedJob:
    """The Job of a step that is still to come. `first`: it would begin at once.

    Jobs of one `shape` differ in names, labels and values of variables alone.
    """

    run: str
    step: str
    first: bool
    manifest: Manifest
    shape: str

    @property
    def pod_spec(self) -> Manifest:
        spec: Manifest = self.manifest["spec"]["template"]["spec"]
        return spec


def members(
    run: Run, known: Callable[[Sequence[str]], Mapping[str, Run]], now: datetime.datetime
) -> list[Member]:
    """The runs that a launch would drive. `known` finds those there are, by their names."""
    matrix = run.pipeline.matrix
    if matrix is None or not run.is_matrix_parent:
        return [Member(run, _first(run, now))]
    named = [(child_name(run.name, values), values) for values in combinations(matrix)]
    there = known(run.status.matrix.children) if run.status.matrix else {}
    statuses = {name: child.status for name, child in there.items()}
    todo = plan_children(run, [values for _name, values in named], statuses)
    launched = {name for name, _values in todo.launches}
    earlier = known(
        [child_name(run.rerun_of, values) for _name, values in named] if run.reuses else []
    )
    found = []
    for name, values in named:
        child = there.get(name) or child_of(run, name, values, "", now, earlier.get)
        alive = name in launched or name in there
        found.append(Member(child, _first(child, now) if alive else frozenset()))
    return found


def _first(run: Run, now: datetime.datetime) -> frozenset[str]:
    """The steps that begin at once, as far as nothing new is seen of those that run."""
    todo = plan(run, Graph.of(run.pipeline.steps), (), now)
    return frozenset(start.step for start in todo.starts)


def planned_jobs(member: Member, settings: JobSettings, *, exists: bool) -> list[PlannedJob]:
    """The Jobs of the member's steps that have not ended.

    Without a run that `exists` nobody knows the ends of their names yet.
    """
    run, found = member.run, []
    for status in run.status.steps:
        if status.phase.terminal:
            continue
        step = run.pipeline.step(status.name)
        attempt = status.attempts if status.live else status.attempts + 1
        manifest = job(run, step, attempt, settings, None, ahead=False)
        if not (exists and run.uid):
            name = manifest["metadata"].pop("name")
            manifest["metadata"] = {"generateName": name[:-_DIGEST], **manifest["metadata"]}
        first = status.name in member.first
        found.append(PlannedJob(run.name, status.name, first, manifest, _shape(manifest)))
    return found


def _shape(manifest: Manifest) -> str:
    """The manifest without what differs from run to run and means nothing to who judges it."""
    spec = manifest["spec"]["template"]["spec"]
    containers = [
        {**container, "env": [_nameless(entry) for entry in container.get("env", ())]}
        for container in (*spec.get("initContainers", ()), *spec["containers"])
    ]
    kept = {**spec, "initContainers": [], "containers": containers}
    return json.dumps(kept, sort_keys=True)


def _nameless(entry: Manifest) -> Manifest:
    return {name: value for name, value in entry.items() if name != "value"}
