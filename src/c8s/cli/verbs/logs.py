"""`c8s logs`: what the steps of a run printed."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from ..cluster import UNNAMED, Cluster, kept_runs
from ..cluster_options import OBJECTS, PLACE, takes
from ..options import RunName, Store, WhereKept
from ..terminal import paint, say
from ..view.joined import Joined
from ..writing import write

if TYPE_CHECKING:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.driven_runs import KeptRecords

EXAMPLES = """\
  c8s logs demo-1                        all steps, one after the other
  c8s logs demo-1 --step test > log      the bytes as they are stored
  c8s logs demo-1 --follow               all steps, as they print
  c8s logs demo-1 --step test --tail 20
"""

_LOOK_SECONDS = 0.2


@takes(PLACE, OBJECTS)
def logs(
    name: RunName,
    step: Annotated[str, typer.Option("--step", metavar="STEP", help="Only this step")] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the run has ended")
    ] = False,
    tail: Annotated[
        int | None,
        typer.Option("--tail", metavar="N", min=0, help="Only the last N lines of each step"),
    ] = None,
    attempt: Annotated[
        int,
        typer.Option("--attempt", metavar="N", min=0, help="Which attempt (default: the last)"),
    ] = 0,
    executor: WhereKept = None,
    cluster: Cluster = UNNAMED,
    store: Store = None,
) -> None:
    """Show what the steps of a run printed, with its secrets masked.

    With --step exactly what is stored of that step. Without, all steps (of a
    matrix, of all its runs) one after the other below a line with their name;
    with --follow side by side, with the name before each line.
    """
    if follow and attempt:
        raise typer.BadParameter("an attempt that can be named has begun; leave out --follow")
    if attempt and not step:
        raise typer.BadParameter("--attempt needs --step")
    kept = kept_runs(store, cluster)
    if follow:
        _follow(kept, name, step, tail)
    elif step:
        _copy(kept, name, step, attempt, tail)
    else:
        _all(kept, name, tail)


def _copy(kept: KeptRecords, name: str, step: str, attempt: int, tail: int | None) -> None:
    """The stored bytes on stdout."""
    from ansible_collections.c8s.ci.plugins.module_utils.runs import inspection
    from ansible_collections.c8s.ci.plugins.module_utils.storage.lines import tail_offset

    with inspection.stored_log(kept, name, step, attempt).open() as stream:
        stream.seek(0 if tail is None else tail_offset(stream, tail))
        shutil.copyfileobj(stream, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _all(kept: KeptRecords, name: str, tail: int | None) -> None:
    """Each log below a heading."""
    from ansible_collections.c8s.ci.plugins.module_utils.runs import inspection

    record = inspection.one(kept, name)
    children: list[str] = record["status"].get("matrix", {}).get("children", [])
    first = True
    for run in children or [name]:
        for step in inspection.steps_with_logs(kept, run):
            write(f"{'' if first else chr(10)}==> {run}/{step} <==")
            _copy(kept, run, step, 0, tail)
            first = False
    _tell_of_others(kept, name)


def _tell_of_others(kept: KeptRecords, name: str, step: str = "") -> None:
    """Say on stderr which logs are in another store than was looked into."""
    from ansible_collections.c8s.ci.plugins.module_utils.runs import inspection

    for text in inspection.logs_elsewhere(kept, name, step):
        say(f"{paint('warning:', 'yellow', bold=True)} {text}")


def _follow(kept: KeptRecords, name: str, step: str, tail: int | None) -> None:
    """What is there and what comes, until the end."""
    from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Conflict
    from ansible_collections.c8s.ci.plugins.module_utils.runs.report.log_stream import LogStream

    stream = LogStream(kept, name, step, tail=tail)
    joined = None if step else Joined(sys.stdout, name)
    while True:
        for part in stream.read():
            if joined is not None:
                joined.put(part)
            else:
                sys.stdout.buffer.write(part.content)
        sys.stdout.buffer.flush()
        if stream.ended or stream.interrupted:
            break
        time.sleep(_LOOK_SECONDS)
    if joined is not None:
        joined.finish()
    _tell_of_others(kept, name, step)
    if stream.interrupted:
        raise Conflict(
            f"run {name!r} was interrupted: nobody drives it; launch it again by its name to go on"
        )
