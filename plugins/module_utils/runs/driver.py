"""The loop that drives runs: observe, plan, carry out, keep, report.

One driver takes any number of runs side by side, with the children that a matrix gives birth to.
It may be killed at any point: the next one reads the records and goes on.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence

from ..core.errors import NotFound
from ..pipeline.children import plan_children
from ..pipeline.graph import Graph
from ..pipeline.matrix import Combination, combinations
from ..pipeline.observation import Observation, Plan
from ..pipeline.plan import plan
from ..pipeline.record import from_record, parse_time, to_record
from ..pipeline.run import Cancel, Run
from ..pipeline.status import Phase, RunStatus
from .birth import child_of
from .events import Report, RunChanged, StepChanged
from .executor import Executor
from .records import Records

LOOK_SECONDS = 0.2
"""How often the wish to cancel, left by another process, is looked for."""


@dataclasses.dataclass(slots=True)
class _Leaf:
    """A run with steps, while it is driven."""

    run: Run
    graph: Graph
    seen: Sequence[Observation] = ()
    wake_at: datetime.datetime | None = None
    stale: bool = True
    opened: bool = False


@dataclasses.dataclass(slots=True)
class _Family:
    """A matrix parent, while it is driven."""

    run: Run
    combinations: tuple[Combination, ...]
    children: dict[str, RunStatus] = dataclasses.field(default_factory=dict)


class Driver:
    """Drives runs to their end. `new_id` makes the ids of children, `clock` gives aware times."""

    def __init__(
        self,
        executor: Executor,
        records: Records,
        *,
        clock: Callable[[], datetime.datetime],
        new_id: Callable[[], str],
        report: Report,
    ) -> None:
        self._executor = executor
        self._records = records
        self._clock = clock
        self._new_id = new_id
        self._report = report
        self._leaves: dict[str, _Leaf] = {}
        self._families: dict[str, _Family] = {}
        self._ended: dict[str, Run] = {}
        self._interrupt: Cancel | None = None

    def interrupt(self, by: str) -> None:
        """Cancel every run; safe to call from a signal handler. A second call changes nothing."""
        if self._interrupt is None:
            self._interrupt = Cancel(by, self._clock())

    @property
    def interrupted(self) -> bool:
        """Whether `interrupt` was called."""
        return self._interrupt is not None

    def drive(self, runs: Sequence[Run]) -> list[Run]:
        """Drive these runs to their end; the same runs as they ended, in order.

        Whatever makes it give up (a store that takes no more, say), nothing is left running.
        """
        try:
            for run in runs:
                self._take(run)
            while self._leaves or self._families:
                self._turn()
        finally:
            for leaf in self._leaves.values():
                if leaf.opened:
                    self._executor.close(leaf.run)
        return [self._ended[run.name] for run in runs]

    # --- one turn ------------------------------------------------------------------------------

    def _turn(self) -> None:
        now = self._clock()
        for family in list(self._families.values()):
            self._turn_family(family, now)
        room = self._room()
        for leaf in list(self._leaves.values()):
            room = self._turn_leaf(leaf, now, room)
        self._records.settle()
        if self._leaves:
            wakes = [leaf.wake_at for leaf in self._leaves.values() if leaf.wake_at]
            until = min(wakes, default=now + datetime.timedelta(days=1))
            if not any(leaf.stale for leaf in self._leaves.values()):
                seconds = (until - self._clock()).total_seconds()
                self._executor.wait(min(LOOK_SECONDS, max(0.0, seconds)))

    def _room(self) -> int | None:
        if self._executor.slots is None:
            return None
        live = sum(step.live for leaf in self._leaves.values() for step in leaf.run.status.steps)
        return self._executor.slots - live

    def _turn_leaf(self, leaf: _Leaf, now: datetime.datetime, room: int | None) -> int | None:
        """Plan one run if there is anything new about it; the room that is left for others."""
        run = self._with_cancel(leaf.run)
        if not leaf.opened:
            self._open(leaf)
            run = self._with_cancel(leaf.run)
        seen = self._executor.observe(run)
        due = leaf.wake_at is not None and now >= leaf.wake_at
        starved = room is not None and room > 0 and any(
            step.phase is Phase.PENDING and not step.live for step in run.status.steps
        )  # fmt: skip
        if not (leaf.stale or due or starved or run is not leaf.run or seen != leaf.seen):
            return room
        own = sum(step.live for step in run.status.steps)
        plan_now = plan(run, leaf.graph, seen, now, None if room is None else own + max(0, room))
        self._carry_out(run, plan_now)
        leaf.seen, leaf.wake_at, leaf.stale = seen, plan_now.wake_at, False
        self._keep(leaf, run, plan_now.status)
        if room is not None:
            room += own - sum(step.live for step in plan_now.status.steps)
        return room

    def _carry_out(self, run: Run, todo: Plan) -> None:
        for stop in todo.stops:
            self._executor.stop(run, run.pipeline.step(stop.step), stop.attempt, stop.reason)
        for release in todo.releases:
            self._executor.release(run, run.pipeline.step(release.step), release.attempt)
        if not todo.starts:
            return
        current = dataclasses.replace(run, status=todo.status)
        for start in todo.starts:
            step = run.pipeline.step(start.step)
            self._executor.start(current, step, start.attempt, ahead=start.ahead)

    def _keep(self, leaf: _Leaf, run: Run, status: RunStatus) -> None:
        """Write and report what has changed; let go of a run that has ended."""
        before, leaf.run = leaf.run, dataclasses.replace(run, status=status)
        if leaf.run != before:
            self._records.write(to_record(leaf.run))
            report_changes(self._report, before, leaf.run)
        if status.phase.terminal:
            self._executor.close(leaf.run)
            leaf.opened = False
            self._end(leaf.run)
            del self._leaves[leaf.run.name]

    def _turn_family(self, family: _Family, now: datetime.datetime) -> None:
        run = self._with_cancel(family.run)
        for name in list(family.children):
            child = self._leaves[name].run if name in self._leaves else self._ended[name]
            family.children[name] = child.status
        todo = plan_children(run, family.combinations, family.children)
        for name in todo.cancels:
            self._cancel_child(name, run, now)
        for name, values in todo.launches:
            family.children[name] = self._launch_child(run, name, values)
        before, family.run = family.run, dataclasses.replace(run, status=todo.status)
        if family.run != before:
            self._records.write(to_record(family.run))
            report_changes(self._report, before, family.run)
        if todo.status.phase.terminal:
            self._end(family.run)
            del self._families[family.run.name]

    def _cancel_child(self, name: str, parent: Run, now: datetime.datetime) -> None:
        leaf = self._leaves.get(name)
        if leaf is not None and leaf.run.cancel is None:
            cancel = parent.cancel or Cancel("failFast of the matrix", now, "FailFast")
            leaf.run = dataclasses.replace(leaf.run, cancel=cancel)
            leaf.stale = True

    # --- runs come and go ----------------------------------------------------------------------

    def _take(self, run: Run) -> None:
        if run.status.phase.terminal:
            self._end(run)
        elif run.is_matrix_parent and run.pipeline.matrix is not None:
            family = _Family(run, combinations(run.pipeline.matrix))
            self._families[run.name] = family
            for name in run.status.matrix.children if run.status.matrix else ():
                child = self._known(name)
                if child is not None:
                    family.children[name] = child.status
                    self._take(child)
        else:
            self._leaves[run.name] = _Leaf(run, Graph.of(run.pipeline.steps))

    def _launch_child(self, parent: Run, name: str, values: Combination) -> RunStatus:
        child = self._known(name)
        if child is None:
            child = child_of(parent, name, values, self._new_id(), self._clock(), self._known)
            self._records.create(to_record(child))
            self._report(RunChanged(child, None))
        self._take(child)
        return child.status

    def _known(self, name: str) -> Run | None:
        try:
            return from_record(self._records.read(name))
        except NotFound:
            return None

    def _open(self, leaf: _Leaf) -> None:
        self._executor.open(leaf.run)
        leaf.opened = True
        if leaf.run.status.start_time is not None and not self._executor.outlives_driver:
            status = dataclasses.replace(leaf.run.status, resume_time=self._clock())
            leaf.run = dataclasses.replace(leaf.run, status=status)

    def _end(self, run: Run) -> None:
        self._ended[run.name] = run

    def _with_cancel(self, run: Run) -> Run:
        """The run with the wish to cancel it, if somebody has uttered it since."""
        if run.cancel is not None:
            return run
        if self._interrupt is not None:
            return dataclasses.replace(run, cancel=self._interrupt)
        request = self._records.cancel_request(run.name)
        if request is None:
            return run
        return dataclasses.replace(
            run,
            cancel=Cancel(request["by"], parse_time(request["at"]), request["reason"]),
        )


def report_changes(report: Report, before: Run, after: Run) -> None:
    """Report the steps that have changed in phase or reason, then the run if its phase has."""
    for old, new in zip(before.status.steps, after.status.steps, strict=False):
        if (old.phase, old.reason, old.attempts, old.live) != (
            new.phase, new.reason, new.attempts, new.live
        ):  # fmt: skip
            report(StepChanged(after, new, old))
    if before.status.phase is not after.status.phase:
        report(RunChanged(after, before.status.phase))
