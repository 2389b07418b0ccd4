"""Launch runs: one wish, one run, whoever asks for it how often, and drive them to their end."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

from ..core.errors import Conflict, InvalidInput, Timeout
from ..core.names import is_dns_label
from ..pipeline.record import from_record, to_record
from ..pipeline.run import Run
from ..pipeline.status import Phase
from .birth import Order, run_of
from .clock import Clock
from .driver import Driver, report_changes
from .events import Notice, Report, RunChanged
from .records import RUN_NAME_LIMIT, Lock, Records

FOLLOW_SECONDS = 0.3


@dataclasses.dataclass(frozen=True, slots=True)
class Launched:
    """A run as it is after the launch. `created`: this call made it; `driven`: it drove it."""

    run: Run
    created: bool
    driven: bool


class Launcher:
    """Turns orders into runs that exist once, and drives those that nobody else drives."""

    def __init__(
        self,
        records: Records,
        driver: Driver,
        *,
        clock: Clock,
        new_id: Callable[[], str],
        report: Report,
    ) -> None:
        self._records = records
        self._driver = driver
        self._clock = clock
        self._new_id = new_id
        self._report = report

    def launch(self, orders: Sequence[Order]) -> list[Launched]:
        """Make the runs, drive them, and follow those that another process drives.

        All orders are judged before the first run is made. A name or key that stands for a run
        already yields that run: driven on if it was left unfinished, as it is if it has ended.
        Raises Conflict where the run of that name is a different one.
        """
        runs = self._find_or_create(judged(orders))
        locks: list[Lock] = []
        mine: list[Run] = []
        others: list[Run] = []
        try:
            unsure: list[str] = []
            for run, created in runs:
                if run.status.phase.terminal:
                    continue
                lock = self._records.lock(run.name)
                if lock is None:
                    others.append(run)
                    continue
                locks.append(lock)
                mine.append(run)
                if not (created and lock.first):
                    # Between the look and the lock another driver may have brought it further.
                    unsure.append(run.name)
            newer = dict(zip(unsure, self._records.read_all(unsure), strict=True))
            mine = [from_record(newer[run.name]) if run.name in newer else run for run in mine]
            for run in mine:
                if run.status.phase is not Phase.PENDING:
                    self._report(Notice(run, f"run {run.name} was interrupted; it goes on now"))
            ended = {run.name: run for run in self._driver.drive(mine)}
        finally:
            for lock in locks:
                lock.release()
        left = [run for run in ended.values() if not run.status.phase.terminal]
        for run in [*others, *left]:
            ended[run.name] = self.follow(run)
        return [
            Launched(ended.get(run.name, run), created, run.name in {own.name for own in mine})
            for run, created in runs
        ]

    def end(self, name: str) -> Run:
        """See a run to its end whose cancellation was asked for; the run as it ended.

        Where nobody drives it any more, what is left of it is ended here.
        """
        lock = self._records.lock(name)
        if lock is None:
            return self.follow(from_record(self._records.read(name)))
        try:
            run = self._driver.drive([from_record(self._records.read(name))])[0]
        finally:
            lock.release()
        return run if run.status.phase.terminal else self.follow(run)

    def follow(self, run: Run) -> Run:
        """Watch a run that another process drives until it ends.

        Raises Conflict when its driver goes away before that, Timeout when this one is interrupted.
        """
        self._report(Notice(run, f"run {run.name} is driven by another process; following it"))
        children: dict[str, Run] = {}
        while not run.status.phase.terminal:
            if self._driver.interrupted:
                raise Timeout(
                    f"no longer following run {run.name!r}, which is {run.status.phase} and goes on"
                    " in another process"
                )
            driven = self._records.driven(run.name)
            now = from_record(self._records.read(run.name))
            self._report_children(now, children)
            report_changes(self._report, run, now)
            run = now
            if not driven and not run.status.phase.terminal:
                raise Conflict(
                    f"the process that drove run {run.name!r} has gone; call again to go on with it"
                )
            time.sleep(0 if run.status.phase.terminal else FOLLOW_SECONDS)
        return run

    def _report_children(self, run: Run, known: dict[str, Run]) -> None:
        """Report what is new of the runs of a matrix."""
        for name in run.status.matrix.children if run.status.matrix else ():
            before = known.get(name)
            if before is None or not before.status.phase.terminal:
                known[name] = child = from_record(self._records.read(name))
                if before is None:
                    self._report(RunChanged(child, None))
                else:
                    report_changes(self._report, before, child)

    def _find_or_create(self, orders: Sequence[Order]) -> list[tuple[Run, bool]]:
        wanted = [self._candidate(order) for order in orders]
        created = self._records.create_all([to_record(run) for run in wanted])
        known = [run.name for run, new in zip(wanted, created, strict=True) if not new]
        existing = dict(zip(known, self._records.read_all(known), strict=True))
        found = []
        for run, new in zip(wanted, created, strict=True):
            if new:
                self._report(RunChanged(run, None))
                found.append((run, True))
            else:
                found.append((matching(from_record(existing[run.name]), run), False))
        return found

    def _candidate(self, order: Order) -> Run:
        """The run that an order asks for, should there be none yet."""
        pipeline = str(order.document["name"])
        name, number = self._records.name_for(pipeline, order.name, order.idempotency_key)
        numbered = dataclasses.replace(
            order, trigger=dataclasses.replace(order.trigger, number=number)
        )
        return run_of(numbered, name, self._new_id(), self._clock())


def judged(orders: Sequence[Order]) -> Sequence[Order]:
    """The orders; InvalidInput where a name cannot be one, or is wanted twice."""
    for order in orders:
        if order.name and (not is_dns_label(order.name) or len(order.name) > RUN_NAME_LIMIT):
            raise InvalidInput(
                f"{order.name[:80]!r} cannot name a run: lower-case letters, digits and '-',"
                f" at most {RUN_NAME_LIMIT} characters"
            )
    names = [order.name for order in orders if order.name]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled:
        raise InvalidInput(f"two runs of this launch are named {doubled!r}")
    return orders


def matching(existing: Run, wanted: Run) -> Run:
    """The existing run, where an order means it: same pipeline, commit, branch, tag, executor.

    Raises Conflict, saying in what it is another one, where it is.
    """
    kept, meant = existing.trigger, wanted.trigger
    same = {
        "pipeline": existing.document == wanted.document,
        "commit": kept.commit == meant.commit,
        "branch": kept.branch == meant.branch,
        "tag": kept.tag == meant.tag,
        "run to repeat": existing.rerun_of == wanted.rerun_of,
        "executor": not wanted.executor or existing.executor in ("", wanted.executor),
    }
    others = [what for what, is_same in same.items() if not is_same]
    if others:
        raise Conflict(
            f"run {existing.name!r} exists already with another {' and '.join(others)};"
            " choose another name"
        )
    return existing
