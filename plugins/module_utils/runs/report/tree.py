"""Runs with their steps as a tree of text."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence

from ...pipeline.matrix import label
from ...pipeline.record import from_record
from ...pipeline.run import Run
from ..records import Record
from ..table import note, revision, took
from .branches import Branches

Line = tuple[str, str]
"""A text, and the phase it tells of."""


def tree(
    records: Sequence[Record],
    children: Sequence[Record],
    branches: Branches,
    now: datetime.datetime,
) -> list[Line]:
    """Runs and their steps; a matrix has its runs as branches.

    `children` are the records of those, with or without their pipeline. Raises InvalidInput for
    records that cannot be read.
    """
    pipelines = {record["metadata"]["name"]: record["spec"]["pipeline"] for record in records}
    born = {}
    for record in children:
        spec = {"pipeline": pipelines.get(record["spec"].get("parent")), **record["spec"]}
        born[record["metadata"]["name"]] = from_record({**record, "spec": spec})
    lines: list[Line] = []
    for record in records:
        lines += _of_run(from_record(record), born, branches, "", now)
    return lines


def _of_run(
    run: Run, born: Mapping[str, Run], branches: Branches, indent: str, now: datetime.datetime
) -> Iterator[Line]:
    name = f"({label(run.matrix_values)})" if run.matrix_values else run.name
    status = run.status
    elapsed = took(status.start_time, status.completion_time, now)
    told = [name, str(status.phase), elapsed, "" if run.matrix_values else revision(run)]
    yield "  ".join(filter(None, told)), str(status.phase)
    below = [born[child] for child in status.matrix.children] if status.matrix else []
    for number, child in enumerate(below):
        head, rest = branches.ends(last=number == len(below) - 1)
        inner = list(_of_run(child, born, branches, indent + rest, now))
        yield indent + head + inner[0][0], inner[0][1]
        yield from inner[1:]
    width = max((len(step.name) for step in status.steps), default=0)
    for number, step in enumerate(status.steps):
        head, _rest = branches.ends(last=number == len(status.steps) - 1)
        elapsed = took(step.start_time, step.completion_time, now)
        told = [f"{step.name:<{width}}", f"{step.phase:<9}", f"{elapsed:>5}"]
        told.append(note(run.pipeline.step(step.name), step))
        yield f"{indent}{head}{'  '.join(told)}".rstrip(), str(step.phase)
