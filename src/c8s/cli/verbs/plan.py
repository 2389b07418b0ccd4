"""`c8s plan`: what would a run do?"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import pipeline_file
from ..cluster import UNNAMED, Cluster
from ..cluster_options import OBJECTS, PLACE, PODS, takes
from ..options import (
    Branch,
    Commit,
    Event,
    Executor,
    File,
    IdempotencyKey,
    NewRunName,
    Output,
    Report,
    Tag,
    WantedEvent,
)
from ..source import Source, reachable, source_of
from ..view import words
from ..writing import write, write_as

if TYPE_CHECKING:
    from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Trigger
    from ansible_collections.c8s.ci.plugins.module_utils.runs.forecast import Forecast

EXAMPLES = """\
  c8s plan                                   a push of what is checked out
  c8s plan --event pull_request --branch x   another event
  c8s plan --tag v1.0                        a tag
  c8s plan --changed-path docs/index.md      a commit that changed this
  c8s plan ci.yaml -o json | jq .skipped     for programs
  c8s plan --executor kubernetes -n ci       what would the cluster say to it?
"""


@takes(PLACE, PODS, OBJECTS)
def plan(
    file: File = None,
    event: WantedEvent = None,
    branch: Branch = "",
    tag: Tag = "",
    commit: Commit = "",
    changed_path: Annotated[
        list[str] | None,
        typer.Option("--changed-path", metavar="PATH", help="A file it changes; may be repeated"),
    ] = None,
    executor: Annotated[
        Executor | None,
        typer.Option("--executor", help="kubernetes: ask the cluster what it would say"),
    ] = None,
    name: NewRunName = "",
    idempotency_key: IdempotencyKey = "",
    cluster: Cluster = UNNAMED,
    output: Output = Report.TEXT,
) -> None:
    """Show what a run would do, without doing any of it.

    Layers of steps that may run side by side, the matrix, steps that would be
    skipped and why, and what the steps ask for at most at one time. What is not
    given is that of the checkout that FILE is in.

    With a cluster (--executor kubernetes, --context, --namespace, --kubeconfig)
    also what it would say: secrets, rights, quotas, classes and policies against
    the Jobs that would be made, and whether an object store answers; manifests
    are in -o json. Nothing is made.
    Then the exit code is 1 where the launch would be refused.
    """
    from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import document as parsed
    from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load
    from ansible_collections.c8s.ci.plugins.module_utils.runs.preview import preview

    path = file or pipeline_file.DEFAULT
    content = pipeline_file.read(path)
    pipeline = load(content, pipeline_file.label(path))
    trigger = _trigger(path, event, Source(branch=branch, tag=tag, commit=commit), changed_path)
    if cluster.named:
        file_of = parsed(content, pipeline_file.label(path))
        raise typer.Exit(_rehearse(cluster, file_of, trigger, name, idempotency_key, output))
    document = preview(pipeline, trigger).as_dict()
    if output is Report.TEXT:
        write(_text(document, trigger))
    else:
        write_as(output, document)


def _rehearse(
    cluster: Cluster,
    document: dict[str, Any],
    trigger: Trigger,
    name: str,
    idempotency_key: str,
    output: Report,
) -> int:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.birth import Order
    from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.runs import cluster_runs

    source = reachable(Source(repository=trigger.repository))
    trigger = dataclasses.replace(trigger, repository=source.repository)
    runs = cluster_runs(cluster.options(None), os.environ)
    order = Order(document, trigger, name=name, idempotency_key=idempotency_key)
    (forecast,) = runs.rehearsed([order])
    told = forecast.as_dict()
    if output is Report.TEXT:
        title = _text(told, trigger)
        write("\n\n".join([title, f"In {runs.place}:", "\n".join(_said(forecast))]))
    else:
        write_as(output, told)
    return 1 if forecast.problems else 0


def _said(forecast: Forecast) -> Iterator[str]:
    """What a cluster would say, in lines."""
    acts = {
        "launch": "it would launch a new run",
        "resume": f"it would go on with run {forecast.name}",
        "follow": f"it would follow run {forecast.name}, which another process drives",
        "nothing": f"nothing would be done: run {forecast.name} is {forecast.run.status.phase}",
    }
    yield f"  {acts[str(forecast.act)]}"
    if forecast.problems:
        yield "  it would be refused:"
        yield from (f"    {problem}" for problem in forecast.problems)
    if forecast.where is not None:
        yield from (f"  {line}" for line in forecast.where.lines(manifests=False))


def _trigger(
    file: pathlib.Path, event: Event | None, asked: Source, changed: list[str] | None
) -> Trigger:
    """What would start the run. A branch or tag need not exist: the question is what if."""
    from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
    from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request, trigger_of

    found = source_of(file, asked)
    request = Request(
        text=b"",
        repository=found.repository if found.commit else "",
        commit=found.commit,
        branch=found.branch,
        tag=found.tag,
        event=event or "",
    )
    trigger = trigger_of(request, utc_now(), allow_file=True)
    if changed:
        trigger = dataclasses.replace(trigger, changed_paths=tuple(changed))
    return trigger


def _text(document: dict[str, Any], trigger: Trigger) -> str:
    what = words.revision(trigger.commit, trigger.branch, trigger.tag)
    title = f"{document['name']}: {trigger.event}" + (f" of {what}" if what else "")
    parts = [title, _steps(document)]
    if not document["starts"]:
        parts.append(f"It starts no run by itself ({document['reason']}); 'c8s run' does.")
    if document["matrix"]:
        parts.append(_matrix(document["matrix"]))
    parts.append(_demand(document))
    return "\n\n".join(parts)


def _steps(document: dict[str, Any]) -> str:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.table import columns

    steps = {step["name"]: step for step in document["steps"]}
    skipped = {entry["step"]: entry["reason"] for entry in document["skipped"]}
    rows = []
    for number, layer in enumerate(document["layers"], 1):
        for position, name in enumerate(layer):
            step = steps[name]
            after = f"after {', '.join(step['dependsOn'])}" if step["dependsOn"] else ""
            note = f"skipped: {skipped[name]}" if name in skipped else after
            rows.append(("" if position else str(number), name, step["image"], note))
    return columns([("LAYER", "STEP", "IMAGE", ""), *rows])


def _matrix(combinations: list[dict[str, Any]]) -> str:
    from ansible_collections.c8s.ci.plugins.module_utils.pipeline.matrix import label

    lines = [f"  {label(combination)}" for combination in combinations]
    return "\n".join([f"{words.plural(len(combinations), 'run')}, one for each of", *lines])


def _demand(document: dict[str, Any]) -> str:
    peak, total = document["peakDemand"], document["totalDemand"]
    each = " in each run" if document["matrix"] else ""
    return f"At most {_amounts(peak)} at one time{each}; {_amounts(total)} for all steps together."


def _amounts(demand: dict[str, Any]) -> str:
    cores = f"{demand['cpu']:.4g} core" + ("" if demand["cpu"] == 1 else "s")
    parts = [words.plural(demand["pods"], "pod"), cores, words.size(demand["memory"])]
    if demand["ephemeralStorage"]:
        parts.append(f"{words.size(demand['ephemeralStorage'])} of disk")
    return ", ".join(parts)
