"""The loop that drives runs: observe, plan, carry out, keep, report.

One driver takes any number of runs side by side, with the children that a matrix gives birth to.
It may be killed at any point: the next one reads the records and goes on.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
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
from .agenda import Agenda
from .birth import child_of
from .clock import Clock
from .events import Notice, Report, RunChanged, StepChanged
from .executor import Executor
from .records import Records

LOOK_SECONDS = 0.2
"""The longest wait for news: signals, and wishes that other processes leave, come without any."""
PAUSE_SECONDS = 0.0005
MOST_PAUSE_SECONDS = 0.1
"""Of many runs news is gathered for a moment, so long for each of them, and at most so long in all:
most of it is of the same runs."""
SWEEP_SECONDS = 1.0
SWEEP_SHARE = 40
"""Every run is looked at once in `SWEEP_SECONDS`, or less often where a look at all of them takes
more than its share of the time."""


@dataclasses.dataclass(slots=True)
class _Leaf:
    """A run with steps, while it is driven; `number` tells who came first."""

    run: Run
    graph: Graph
    number: int
    seen: Sequence[Observation] = ()
    wake_at: datetime.datetime | None = None
    stale: bool = True
    opened: bool = False
    unsettled: bool = False


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
        clock: Clock,
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
        self._closing: dict[str, Run] = {}
        self._taken = 0
        self._agenda = Agenda()
        self._sweep_at = 0.0
        self._interrupt: Cancel | None = None
        self._all_told = False

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

        One that others drive by then is left to them, and given back as it is. Whatever makes it
        give up (a store that takes no more, say), nothing is left running.
        """
        try:
            for run in runs:
                self._take(run)
            while self._leaves or self._families:
                self._turn()
            self._records.flush()
            self._leave(self._records.lost())
            self._let_go()
        finally:
            opened = [leaf.run for leaf in self._leaves.values() if leaf.opened]
            for run in [*opened, *self._closing.values()]:
                self._executor.close(run, kept=False)
        return [self._ended[run.name] for run in runs]

    # --- one turn ------------------------------------------------------------------------------

    def _turn(self) -> None:
        now, began = self._clock(), time.monotonic()
        self._leave(self._records.lost())
        doubtful = self._records.doubtful()
        due = self._agenda.take(now)
        sweeping = began >= self._sweep_at or self.interrupted is not self._all_told
        if sweeping:
            self._all_told = self.interrupted
            due.update(self._leaves, self._families)
        # Of what is in doubt nothing is lost: sooner or later it is swept again.
        for name in (due & self._families.keys()) - doubtful:
            self._turn_family(self._families[name], now)
        # Children that were born in this turn begin in it.
        due |= self._agenda.take(now)
        room = self._room()
        known = [self._leaves[name] for name in due & self._leaves.keys()]
        leaves = [leaf for leaf in known if not doubtful & {leaf.run.name, leaf.run.parent}]
        for leaf in sorted(leaves, key=lambda leaf: leaf.number):
            room = self._turn_leaf(leaf, now, room)
        self._records.settle()
        self._let_go()
        if sweeping:
            pause = max(SWEEP_SECONDS, SWEEP_SHARE * (time.monotonic() - began))
            self._sweep_at = time.monotonic() + pause
        if self._leaves:
            if len(self._leaves) > 1:
                time.sleep(min(MOST_PAUSE_SECONDS, PAUSE_SECONDS * len(self._leaves)))
            seconds = min(LOOK_SECONDS, self._agenda.seconds(self._clock()))
            news = self._executor.wait(seconds)
            self._agenda.at_once(self._leaves if news is None else news)
        else:
            if doubtful:
                time.sleep(LOOK_SECONDS)
            self._agenda.at_once(self._families)

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
        self._tell_news(run)
        due = leaf.wake_at is not None and now >= leaf.wake_at
        starved = room is not None and room > 0 and any(
            step.phase is Phase.PENDING and not step.live for step in run.status.steps
        )  # fmt: skip
        changed = leaf.stale or due or starved or run is not leaf.run or seen != leaf.seen
        if not (changed or leaf.unsettled):
            return room
        own = sum(step.live for step in run.status.steps)
        plan_now = plan(run, leaf.graph, seen, now, None if room is None else own + max(0, room))
        self._carry_out(run, plan_now)
        leaf.seen, leaf.wake_at, leaf.stale = seen, plan_now.wake_at, False
        self._agenda.at(run.name, plan_now.wake_at)
        status = plan_now.status
        leaf.unsettled = status.phase.terminal and not self._executor.settled(run)
        if leaf.unsettled:
            # Its steps have ended; it has when what they leave is where it is to be.
            status = dataclasses.replace(run.status, steps=status.steps)
        self._keep(leaf, run, status)
        if room is not None:
            room += own - sum(step.live for step in plan_now.status.steps)
        return room

    def _tell_news(self, run: Run) -> None:
        for text in self._executor.news(run):
            self._report(Notice(run, text))

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
        """Write and report what has changed; let go of a run that has ended once that is kept."""
        before, leaf.run = leaf.run, dataclasses.replace(run, status=status)
        if leaf.run != before:
            self._records.write(to_record(leaf.run))
            report_changes(self._report, before, leaf.run)
            self._agenda.at_once([run.parent] if run.parent in self._families else ())
        if status.phase.terminal:
            self._tell_news(leaf.run)
            self._closing[run.name] = leaf.run
            self._agenda.drop(run.name)
            self._end(leaf.run)
            del self._leaves[run.name]

    def _let_go(self) -> None:
        """Close the runs whose end is kept: from then on the executor may forget them."""
        for name in [name for name in self._closing if self._records.kept(name)]:
            self._executor.close(self._closing.pop(name), kept=True)

    def _turn_family(self, family: _Family, now: datetime.datetime) -> None:
        run = self._with_cancel(family.run)
        for name in list(family.children):
            child = self._leaves[name].run if name in self._leaves else self._ended[name]
            family.children[name] = child.status
        todo = plan_children(run, family.combinations, family.children)
        for name in todo.cancels:
            self._cancel_child(name, run, now)
        family.children |= self._launch_children(run, dict(todo.launches))
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
            self._agenda.at_once([name])

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
            self._taken += 1
            self._leaves[run.name] = _Leaf(run, Graph.of(run.pipeline.steps), self._taken)
        self._agenda.at_once([run.name])

    def _launch_children(self, parent: Run, wanted: dict[str, Combination]) -> dict[str, RunStatus]:
        children = [
            child_of(parent, name, values, self._new_id(), self._clock(), self._known)
            for name, values in wanted.items()
        ]
        created = self._records.create_all([to_record(child) for child in children])
        launched = {}
        for child, new in zip(children, created, strict=True):
            if new:
                self._report(RunChanged(child, None))
            # One that is there already is of a driver that died before it wrote that it is.
            known = child if new else from_record(self._records.read(child.name))
            self._take(known)
            launched[known.name] = known.status
        return launched

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

    def _leave(self, names: frozenset[str]) -> None:
        """Let go of runs that others drive now, and of the children of their matrix."""
        for name in [name for name in self._families if name in names]:
            del self._families[name]
        leaves = [
            leaf for leaf in self._leaves.values() if names & {leaf.run.name, leaf.run.parent}
        ]
        for leaf in leaves:
            del self._leaves[leaf.run.name]
            self._agenda.drop(leaf.run.name)
        closing = [run for run in self._closing.values() if names & {run.name, run.parent}]
        for run in closing:
            del self._closing[run.name]
        for run in [*(leaf.run for leaf in leaves if leaf.opened), *closing]:
            self._executor.close(run, kept=False)
        for name in names:
            self._end(from_record(self._records.read(name)))

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
