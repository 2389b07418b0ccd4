"""Look at runs that exist: their records as they truly stand, their logs, and the wish to end."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from ..core.errors import Conflict, NotFound
from ..pipeline.record import from_record, rfc3339
from ..pipeline.status import Phase, Reason
from ..storage.run_directory import RunDirectory

Record = dict[str, Any]

INTERRUPTED_MESSAGE = "the process that drove it has gone; launch it again by its name to go on"


def shown(store: RunDirectory, record: Record) -> Record:
    """A record as it truly is: one that nobody drives any more says so.

    Its phase stays what it was, for the run is not over; reason and message tell.
    """
    status = record["status"]
    if Phase(status.get("phase", Phase.PENDING)).terminal:
        return record
    if store.driven(record["spec"].get("parent") or record["metadata"]["name"]):
        return record
    told = {**status, "reason": str(Reason.INTERRUPTED), "message": INTERRUPTED_MESSAGE}
    return {**record, "status": told}


def one(store: RunDirectory, name: str) -> Record:
    """The record of a run as it truly is; NotFound where there is none."""
    return shown(store, store.read(name))


def many(
    store: RunDirectory, *, pipeline: str = "", phase: str = "", limit: int = 0
) -> list[Record]:
    """Records, oldest first, of a pipeline or in a phase where that is asked; the last `limit`."""
    found = [one(store, name) for name in store.names()]
    if pipeline:
        found = [record for record in found if record["spec"]["pipeline"]["name"] == pipeline]
    if phase:
        found = [record for record in found if record["status"].get("phase") == phase]
    return found[-limit:] if limit else found


def log_of(store: RunDirectory, name: str, step: str, attempt: int = 0) -> bytes:
    """The stored bytes of a step's log, of its last attempt unless one is named.

    Raises NotFound, saying which steps there are or why there is no log.
    """
    run = from_record(store.read(name))
    if run.is_matrix_parent:
        children = ", ".join(run.status.matrix.children) if run.status.matrix else "none yet"
        raise NotFound(f"run {name!r} is a matrix; its steps are in its children: {children}")
    steps = {status.name: status for status in run.status.steps}
    if step not in steps:
        raise NotFound(f"run {name!r} has no step {step!r}; it has {', '.join(steps)}")
    number = attempt or max(1, steps[step].attempts)
    path = store.log(_owner(store, name, step), step, number)
    if not path.exists():
        status = steps[step]
        why = f"{status.phase}" + (f", {status.message}" if status.message else "")
        raise NotFound(f"step {step!r} of run {name!r} has no log for attempt {number} ({why})")
    return path.read_bytes()


def _owner(store: RunDirectory, name: str, step: str) -> str:
    """The run that has a step's log: an earlier one where its result was taken over."""
    run = from_record(store.read(name))
    while run.status.step(step).reason == Reason.REUSED and run.rerun_of:
        name = run.rerun_of
        run = from_record(store.read(name))
    return name


def cancel(store: RunDirectory, name: str, by: str, now: datetime.datetime) -> Record:
    """Ask for the end of a run; its record as it is at this moment.

    Raises Conflict where it has ended already.
    """
    record = store.read(name)
    phase = record["status"].get("phase", Phase.PENDING)
    if Phase(phase).terminal:
        raise Conflict(f"run {name!r} has ended already: {phase}")
    request = {"by": by, "at": rfc3339(now), "reason": str(Reason.CANCELLED_BY)}
    store.request_cancel(name, request)
    return one(store, name)


def steps_with_logs(store: RunDirectory, name: str) -> Sequence[str]:
    """The steps of a run that have a log, in the order of the pipeline."""
    run = from_record(store.read(name))
    return [
        status.name
        for status in run.status.steps
        if store.log(
            _owner(store, name, status.name), status.name, max(1, status.attempts)
        ).exists()
    ]
