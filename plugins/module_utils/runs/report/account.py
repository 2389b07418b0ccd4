"""What has become of runs, as data and as text, for doors that give it back all at once."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from ...pipeline.record import from_record
from ...storage.run_directory import RunDirectory
from .. import inspection
from ..inspection import Record
from ..table import runs_table, steps_table
from .failure import LINES, Failure, failures

_TOLD_FAILURES = 5


def account(
    store: RunDirectory, names: Sequence[str], now: datetime.datetime, lines: int = LINES
) -> dict[str, Any]:
    """The runs of these names as they truly stand, JSON-able.

    `store` is where they are kept, `runs` are their records, `children` those of the runs of their
    matrices (without the pipeline, which is their parent's), `failures` tell why runs have failed,
    with the last `lines` of logs, `table` shows the runs and `steps_table` their steps. Raises
    NotFound for an unknown name.
    """
    records = [inspection.one(store, name) for name in names]
    children = [child for record in records for child in children_of(store, record)]
    runs = [from_record(record) for record in records]
    born = {record["metadata"]["name"]: from_record(record) for record in children}
    return {
        "store": str(store),
        "runs": records,
        "children": [_without_pipeline(record) for record in children],
        "failures": [failure.as_dict() for run in runs for failure in failures(store, run, lines)],
        "table": runs_table(runs, now),
        "steps_table": steps_table(runs, born, now),
    }


def children_of(store: RunDirectory, record: Record) -> list[Record]:
    """The records of the runs of a run's matrix."""
    names = record["status"].get("matrix", {}).get("children", ())
    return [inspection.one(store, name) for name in names]


def _without_pipeline(record: Record) -> Record:
    spec = {name: value for name, value in record["spec"].items() if name != "pipeline"}
    return {**record, "spec": spec}


def failure_message(found: Sequence[dict[str, Any]], *, with_lines: bool = True) -> str:
    """The `failures` of an account as people read them, with the ends of the logs or without."""
    told = [
        str(Failure(**{**entry, "lines": tuple(entry["lines"]) if with_lines else ()}))
        for entry in found
    ]
    more = len(told) - _TOLD_FAILURES
    if more > 0:
        told = [*told[:_TOLD_FAILURES], f"and {more} more"]
    return "\n".join(told)
