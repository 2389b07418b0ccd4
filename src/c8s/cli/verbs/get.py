"""`c8s get runs`: what has run, and what became of it."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..cluster import UNNAMED, Cluster, kept_runs
from ..cluster_options import PLACE, takes
from ..options import RunPhase, Store, Table, TableOutput, WhereKept
from ..terminal import say
from ..view import words
from ..writing import write, write_as

if TYPE_CHECKING:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.driven_runs import KeptRecords

EXAMPLES = """\
  c8s get runs                               the latest first
  c8s get runs --phase Failed --limit 5
  c8s get runs demo-1                        one run, with its steps
  c8s get runs demo-1 -o json | jq .status
"""

Record = dict[str, Any]


@takes(PLACE)
def runs(
    name: Annotated[
        str, typer.Argument(metavar="[RUN]", show_default=False, help="Only this run")
    ] = "",
    pipeline: Annotated[
        str, typer.Option("--pipeline", metavar="NAME", help="Only runs of this pipeline")
    ] = "",
    phase: Annotated[
        RunPhase | None,
        typer.Option("--phase", help="Only runs in this phase", case_sensitive=False),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="Only the latest N; 0: all")
    ] = 0,
    all_of_them: Annotated[
        bool, typer.Option("--all", "-a", help="Also the runs that a matrix consists of")
    ] = False,
    executor: WhereKept = None,
    cluster: Cluster = UNNAMED,
    store: Store = None,
    output: TableOutput = Table.TEXT,
) -> None:
    """List runs, the latest first, or show one of them with its steps.

    A run whose driver has gone is shown as Interrupted; the same 'c8s run'
    with its --name goes on with it.
    """
    from ansible_collections.c8s.ci.plugins.module_utils.runs import inspection

    kept = kept_runs(store, cluster)
    if name:
        _show_one(kept, inspection.one(kept, name), output)
        return
    found = inspection.many(
        kept, pipeline=pipeline, phase=phase or "", limit=limit, children=all_of_them
    )
    found.reverse()
    if output in (Table.JSON, Table.YAML):
        write_as(
            output, {"apiVersion": "c8s.dev/v1alpha1", "kind": "PipelineRunList", "items": found}
        )
    elif not found:
        say("No runs found")
    else:
        write(_table(found, output))


def _show_one(kept: KeptRecords, record: Record, output: Table) -> None:
    if output in (Table.JSON, Table.YAML):
        write_as(output, record)
        return
    parts = [_table([record], output)]
    if output is not Table.NAME:
        matrix = record["status"].get("matrix")
        if matrix and matrix["children"]:
            parts.append(_table([kept.read(child) for child in matrix["children"]], Table.WIDE))
        elif record["status"].get("steps"):
            parts.append(_steps(record["status"]["steps"]))
        if record["status"].get("message"):
            parts.append(record["status"]["message"])
    write("\n\n".join(parts))


def _table(records: list[Record], output: Table) -> str:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.table import columns

    if output is Table.NAME:
        return "\n".join(record["metadata"]["name"] for record in records)
    now = datetime.datetime.now(datetime.UTC)
    header = ["NAME", "PIPELINE", "COMMIT", "BRANCH", "PHASE", "AGE"]
    if output is Table.WIDE:
        header += ["TOOK", "EVENT", "DETAIL"]
    return columns([header, *(_row(record, now, output) for record in records)])


def _row(record: Record, now: datetime.datetime, output: Table) -> list[str]:
    spec, status = record["spec"], record["status"]
    interrupted = status.get("reason") == "Interrupted"
    row = [
        record["metadata"]["name"],
        spec["pipeline"]["name"],
        words.short(spec.get("commit", "")) or "-",
        spec.get("tag") or spec.get("branch") or "-",
        "Interrupted" if interrupted else status.get("phase", "Pending"),
        words.age((now - _time(record["metadata"]["creationTimestamp"])).total_seconds()),
    ]
    if output is Table.WIDE:
        row += [_took(status) or "-", spec.get("event", "-"), _detail(record)]
    return row


def _detail(record: Record) -> str:
    from ansible_collections.c8s.ci.plugins.module_utils.pipeline.matrix import label

    status = record["status"]
    if status.get("matrix"):
        return str(status["matrix"]["summary"])
    if record["spec"].get("matrixIndex"):
        return label(record["spec"]["matrixIndex"])
    return _first(status.get("message", ""))


def _steps(steps: list[Record]) -> str:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.table import columns

    rows = [("STEP", "PHASE", "TRIES", "EXIT", "TOOK", "")]
    for step in steps:
        rows.append(
            (
                step["name"],
                step["phase"],
                str(step.get("attempts", 0)),
                str(step.get("exitCode", "-")),
                _took(step) or "-",
                _first(step.get("message", "")),
            )
        )
    return columns(rows)


def _took(times: Record) -> str:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.table import brief

    start, end = times.get("startTime"), times.get("completionTime")
    return brief((_time(end) - _time(start)).total_seconds()) if start and end else ""


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def _first(text: str) -> str:
    return text.splitlines()[0] if text else ""
