"""Look at runs that exist: their records as they truly stand, their logs, and the wish to end."""

from __future__ import annotations

import datetime
import urllib.parse
from collections.abc import Sequence
from typing import Any, Protocol

from ..core.errors import Conflict, NotFound
from ..pipeline.matrix import child_name
from ..pipeline.record import from_record, rfc3339
from ..pipeline.run import Run
from ..pipeline.status import Phase, Reason, StepStatus
from ..storage.stored_log import StoredLog

Record = dict[str, Any]


class KeptRuns(Protocol):
    """Where runs and their logs are kept, for whoever looks at them."""

    def read(self, name: str) -> Record: ...

    def names(self) -> list[str]: ...

    def driven(self, name: str) -> bool: ...

    def stored_log(self, name: str, step: str, attempt: int) -> StoredLog: ...

    def request_cancel(self, name: str, request: Record) -> None: ...


INTERRUPTED_MESSAGE = "the process that drove it has gone; launch it again by its name to go on"


def shown(store: KeptRuns, record: Record) -> Record:
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


def one(store: KeptRuns, name: str) -> Record:
    """The record of a run as it truly is; NotFound where there is none."""
    return shown(store, store.read(name))


def many(
    store: KeptRuns,
    *,
    pipeline: str = "",
    phase: str = "",
    branch: str = "",
    limit: int = 0,
    children: bool = True,
) -> list[Record]:
    """Records, oldest first, of a pipeline, in a phase or for a branch where that is asked.

    Of these the last `limit`, where it is not 0.

    Without `children`, those that belong to a matrix are left out.
    """
    found = [one(store, name) for name in store.names()]
    if not children:
        found = [record for record in found if not record["spec"].get("parent")]
    if pipeline:
        found = [record for record in found if record["spec"]["pipeline"]["name"] == pipeline]
    if phase:
        found = [record for record in found if record["status"].get("phase") == phase]
    if branch:
        found = [record for record in found if record["spec"].get("branch") == branch]
    return found[-limit:] if limit else found


def log_of(store: KeptRuns, name: str, step: str, attempt: int = 0) -> bytes:
    """The stored bytes of a step's log, of its last attempt unless one is named.

    Raises NotFound, saying which steps there are or why there is no log.
    """
    return b"".join(stored_log(store, name, step, attempt).read())


def stored_log(store: KeptRuns, name: str, step: str, attempt: int = 0) -> StoredLog:
    """That log, to be read; it may still grow. Raises as `log_of` does."""
    run = from_record(store.read(name))
    if run.is_matrix_parent:
        children = ", ".join(run.status.matrix.children) if run.status.matrix else "none yet"
        raise NotFound(f"run {name!r} is a matrix; its steps are in its children: {children}")
    steps = {status.name: status for status in run.status.steps}
    if step not in steps:
        raise NotFound(f"run {name!r} has no step {step!r}; it has {', '.join(steps)}")
    number = attempt or max(1, steps[step].attempts)
    found = store.stored_log(holder(store, name, step), step, number)
    if not found.exists():
        status = steps[step]
        why = f"{status.phase}" + (f", {status.message}" if status.message else "")
        message = f"step {step!r} of run {name!r} has no log for attempt {number} ({why})"
        if number == max(1, status.attempts) and _is_elsewhere(status, found):
            message += f" in {found.url}; {_way_to(status.log_url, found.url)}"
        raise NotFound(message)
    return found


def logs_elsewhere(store: KeptRuns, name: str, step: str = "") -> list[str]:
    """What is to be said of logs that are not looked for where their records name them.

    Of all steps of a run, or of one. Whoever launched it had named another store.
    """
    run = from_record(store.read(name))
    if run.is_matrix_parent:
        children = run.status.matrix.children if run.status.matrix else ()
        return [text for child in children for text in logs_elsewhere(store, child, step)]
    found: list[tuple[StepStatus, StoredLog]] = []
    for status in run.status.steps:
        if not status.attempts or step not in ("", status.name):
            continue
        try:
            kept_by = holder(store, name, status.name)
        except NotFound:
            continue  # The run that its result was taken from has been removed, with its logs.
        log = store.stored_log(kept_by, status.name, status.attempts)
        if _is_elsewhere(status, log):
            found.append((status, log))
    if not found:
        return []
    status, log = found[0]
    names = ", ".join(status.name for status, _log in found)
    return [f"no log of {names} of run {name!r} is here; {_way_to(status.log_url, log.url)}"]


def _is_elsewhere(status: StepStatus, looked_for: StoredLog) -> bool:
    """Whether the log of the last attempt is not here, and its record names another place."""
    differs = status.log_url not in ("", looked_for.url)
    return differs and not looked_for.exists()


def _way_to(log_url: str, looked_for: str) -> str:
    if not log_url.startswith("file:"):
        return (
            f"it was kept in {log_url}: name that object store by object_store (--object-store,"
            " C8S_STORAGE_BUCKET)"
        )
    path = urllib.parse.unquote(urllib.parse.urlsplit(log_url).path)
    without = "" if looked_for.startswith("file:") else ", without an object store"
    return f"it was kept in {path} on the host that launched it: read it there{without}"


def holder(store: KeptRuns, name: str, step: str) -> str:
    """The run that has a step's log: an earlier one where its result was taken over."""
    run = from_record(store.read(name))
    while run.status.step(step).reason == Reason.REUSED and (earlier := _rerun_of(store, run)):
        name = earlier
        run = from_record(store.read(name))
    return name


def _rerun_of(store: KeptRuns, run: Run) -> str:
    """The run that this one runs again; of a matrix, that with the same values."""
    if not run.parent:
        return run.rerun_of
    earlier = from_record(store.read(run.parent)).rerun_of
    return child_name(earlier, run.matrix_values) if earlier else ""


def cancel(store: KeptRuns, name: str, by: str, now: datetime.datetime) -> Record:
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


def steps_with_logs(store: KeptRuns, name: str) -> Sequence[str]:
    """The steps of a run that have a log, in the order of the pipeline."""
    run = from_record(store.read(name))
    return [
        status.name
        for status in run.status.steps
        if store.stored_log(
            holder(store, name, status.name), status.name, max(1, status.attempts)
        ).exists()
    ]
