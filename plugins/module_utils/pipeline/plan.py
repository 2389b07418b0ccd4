"""The engine: from what is known and what was seen to what is to be done. A pure function.

Whoever drives a run observes its attempts, calls `plan`, carries the result out and keeps the
status; that loop may die between any two of its steps and be taken up again elsewhere. So the
decisions rest on data alone: nothing here remembers that something was asked for. Why an attempt
was stopped is read from the times (a step that ended after its deadline timed out), which makes
the outcome the same whatever was lost on the way.

Absence is no news: an attempt that is not in `observed` is as it was. Only the executor can say,
after a look that no cache answered, that one is lost.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable

from .graph import Graph
from .halt import Halt, halts
from .observation import Observation, Plan, Release, Start, State, Stop
from .outcome import after_attempt, breaks_dependents, of_run
from .run import Run
from .spec import Pipeline, Step, WhenStatus
from .status import Phase, Reason, RunStatus, StepStatus


def first_status(
    pipeline: Pipeline,
    skip_reason: Callable[[Step], str | None],
    reuse: RunStatus | None = None,
) -> RunStatus:
    """The status of a new run: every step Pending, or Skipped where its conditions say so.

    With `reuse`, the status of an earlier run, the steps that succeeded there are taken over;
    those that watch over others run again, since there is something new to watch.
    """
    earlier = {status.name: status for status in reuse.steps} if reuse else {}
    return RunStatus(steps=tuple(_first(step, skip_reason, earlier) for step in pipeline.steps))


def _first(
    step: Step, skip_reason: Callable[[Step], str | None], earlier: dict[str, StepStatus]
) -> StepStatus:
    skipped = skip_reason(step)
    if skipped is not None:
        return StepStatus(
            step.name, Phase.SKIPPED, reason=Reason.CONDITION_NOT_MET, message=skipped
        )
    known = earlier.get(step.name)
    if known and known.phase is Phase.SUCCEEDED and step.when.status is WhenStatus.SUCCESS:
        return dataclasses.replace(known, reason=Reason.REUSED)
    return StepStatus(step.name)


def plan(
    run: Run,
    graph: Graph,
    observed: Iterable[Observation],
    now: datetime.datetime,
    slots: int | None = None,
) -> Plan:
    """What to do next for `run`, whose pipeline has `graph`.

    `observed` may hold old news, the same twice, and attempts that the status does not know yet
    (made before a crash). `slots` bounds how many attempts may live at one time. A run that has
    ended yields its status unchanged and nothing to do.
    """
    if run.status.phase.terminal:
        return Plan(run.status)
    turn = _Turn(run, graph, now)
    turn.take_in(observed)
    return turn.decide(slots)


class _Turn:
    """One call of `plan`: the steps' statuses while they are being worked out."""

    def __init__(self, run: Run, graph: Graph, now: datetime.datetime) -> None:
        self.run = run
        self.graph = graph
        self.now = now
        self.steps = run.pipeline.steps
        self.statuses = list(run.status.steps)
        self.start_time = run.status.start_time or now
        counted_from = run.status.resume_time or self.start_time
        self.deadline = counted_from + datetime.timedelta(seconds=run.pipeline.timeout)
        self.held: set[int] = set()
        self.wakes: list[datetime.datetime] = []

    # --- what was seen -------------------------------------------------------------------------

    def take_in(self, observed: Iterable[Observation]) -> None:
        """Write the news into the statuses: ends first and oldest first, since one may decide
        (by failFast) what a later one counts as."""
        index = {name: position for position, name in enumerate(self.graph.names)}
        newest: dict[tuple[int, int], Observation] = {}
        for seen in observed:
            if (position := index.get(seen.step)) is None:
                continue
            known = newest.get((position, seen.attempt))
            if known is None or _AGE[seen.state] > _AGE[known.state]:
                newest[position, seen.attempt] = seen
        for (position, _attempt), seen in sorted(newest.items(), key=self._order_of_news):
            self._take(position, seen)

    def _order_of_news(
        self, entry: tuple[tuple[int, int], Observation]
    ) -> tuple[bool, datetime.datetime, int, int]:
        (position, attempt), seen = entry
        return not seen.state.over, seen.completion_time or self.now, attempt, position

    def _take(self, position: int, seen: Observation) -> None:
        status = self.statuses[position]
        expected = status.attempts if status.live else status.attempts + 1
        if status.phase.terminal or seen.attempt < expected:
            return
        # Attempts in between were made before a crash that took the word of their ends along.
        unknown_ends = seen.attempt - expected + (seen.attempt > expected and status.live)
        status = dataclasses.replace(
            status,
            phase=Phase.RUNNING if seen.state is State.RUNNING else status.phase,
            attempts=seen.attempt,
            interruptions=status.interruptions + unknown_ends,
            start_time=seen.start_time or status.start_time,
            not_before=None,
            reason=seen.reason,
            message=seen.message,
            job_name=seen.job_name or status.job_name,
            log_url=seen.log_url or status.log_url,
            artifact_urls=seen.artifact_urls or status.artifact_urls,
        )
        if seen.state.over:
            if seen.completion_time is None:
                seen = dataclasses.replace(seen, completion_time=self.now)
            if seen.held and (broken := self._broken_by(position)) is not None:
                self.statuses[position] = status
                self._skip_behind(position, broken)
                return
            halt = self._halt(self.steps[position], seen.completion_time)
            status = after_attempt(self.run, self.steps[position], status, seen, halt)
        elif seen.held:
            self.held.add(position)
        self.statuses[position] = status

    def _halt(self, step: Step, at: datetime.datetime | None) -> Halt | None:
        """Why `step` had to end by `at`, if it had to."""
        for halt in halts(self.run, self.statuses, self.deadline, self.now):
            if halt.concerns(step) and (at is None or halt.at <= at):
                return halt
        return None

    # --- what to do ----------------------------------------------------------------------------

    def decide(self, slots: int | None) -> Plan:
        halting = halts(self.run, self.statuses, self.deadline, self.now)
        stops: list[Stop] = []
        releases: list[Release] = []
        ready: list[int] = []
        early: list[int] = []
        live = 0
        for position in self.graph.order:
            status = self.statuses[position]
            if status.phase.terminal:
                continue
            step = self.steps[position]
            halt = next((halt for halt in halting if halt.concerns(step)), None)
            if status.live:
                live += 1
                if halt is not None:
                    stops.append(Stop(step.name, status.attempts, halt.reason))
                elif position in self.held:
                    self._look_after_held(position, stops, releases)
                else:
                    self._look_after(position, stops)
            elif halt is not None:
                self._end(position, halt.unstarted_phase, halt.reason, halt.message)
            elif status.attempts:
                self._again(position, ready)
            else:
                self._first_time(position, ready, early)
        starts = self._starts(ready, early, live, slots)
        return self._plan(stops, releases, starts, halting[0] if halting else None)

    def _look_after(self, position: int, stops: list[Stop]) -> None:
        """A live attempt: leave it until its deadline."""
        status, step = self.statuses[position], self.steps[position]
        if status.start_time is None or status.phase is not Phase.RUNNING:
            return
        deadline = status.start_time + datetime.timedelta(seconds=step.timeout)
        if self.now >= deadline:
            stops.append(Stop(step.name, status.attempts, Reason.TIMEOUT))
        else:
            self.wakes.append(deadline)

    def _look_after_held(self, position: int, stops: list[Stop], releases: list[Release]) -> None:
        """An attempt that was prepared ahead: let it begin or, if it never may, remove it."""
        step, status = self.steps[position], self.statuses[position]
        broken = self._broken_by(position)
        if broken is not None:
            stops.append(Stop(step.name, status.attempts, Reason.DEPENDENCY_FAILED))
        elif self._all_over(position):
            releases.append(Release(step.name, status.attempts))

    def _again(self, position: int, ready: list[int]) -> None:
        """A step between two attempts: ready when its pause is over."""
        not_before = self.statuses[position].not_before
        if not_before is None or self.now >= not_before:
            ready.append(position)
        else:
            self.wakes.append(not_before)

    def _first_time(self, position: int, ready: list[int], early: list[int]) -> None:
        """A step that has not begun: start it, skip it, prepare it, or let it wait."""
        wanted = self.steps[position].when.status
        over = self._all_over(position)
        if wanted is WhenStatus.SUCCESS:
            broken = self._broken_by(position)
            if broken is not None:
                self._skip_behind(position, broken)
            elif over:
                ready.append(position)
            elif self.run.pipeline.prepare_ahead and self._soon(position):
                early.append(position)
        elif over:
            if wanted is WhenStatus.ALWAYS or self._broken_by(position) is not None:
                ready.append(position)
            else:
                message = "it runs only after a failure, and nothing failed"
                self._end(position, Phase.SKIPPED, Reason.NOTHING_FAILED, message)

    def _all_over(self, position: int) -> bool:
        statuses = self.statuses
        return all(
            statuses[dependency].phase.terminal for dependency in self.graph.dependencies[position]
        )

    def _broken_by(self, position: int) -> StepStatus | None:
        """The first dependency that makes waiting for success vain."""
        for dependency in self.graph.dependencies[position]:
            status = self.statuses[dependency]
            if status.phase.terminal and breaks_dependents(self.steps[dependency], status):
                return status
        return None

    def _soon(self, position: int) -> bool:
        """Whether everything it waits for is over or running."""
        return all(
            (phase := self.statuses[dependency].phase) is Phase.RUNNING or phase.terminal
            for dependency in self.graph.dependencies[position]
        )

    def _skip_behind(self, position: int, broken: StepStatus) -> None:
        message = f"{broken.name!r} is {broken.phase}"
        self._end(position, Phase.SKIPPED, Reason.DEPENDENCY_FAILED, message)

    def _end(self, position: int, phase: Phase, reason: str, message: str) -> None:
        self.statuses[position] = dataclasses.replace(
            self.statuses[position], phase=phase, not_before=None, reason=reason, message=message
        )

    def _starts(
        self, ready: list[int], early: list[int], live: int, slots: int | None
    ) -> list[Start]:
        room = len(self.steps) if slots is None else max(0, slots - live)
        wanted = [(position, False) for position in ready]
        wanted += [(position, True) for position in early]
        starts = []
        for position, ahead in wanted[:room]:
            status = self.statuses[position]
            attempt = status.attempts + 1
            starts.append(Start(status.name, attempt, ahead))
            self.statuses[position] = dataclasses.replace(
                status,
                attempts=attempt,
                not_before=None,
                start_time=None,
                completion_time=None,
                exit_code=None,
                reason="",
                message="",
            )
        return starts

    def _plan(
        self,
        stops: list[Stop],
        releases: list[Release],
        starts: list[Start],
        halt: Halt | None,
    ) -> Plan:
        if all(status.phase.terminal for status in self.statuses):
            ends = [status.completion_time for status in self.statuses if status.completion_time]
            status = dataclasses.replace(
                of_run(self.run, self.statuses, halt),
                start_time=self.start_time,
                completion_time=max([self.start_time, *ends]) if ends else self.now,
            )
            return Plan(status)
        if halt is None:
            self.wakes.append(self.deadline)
        status = dataclasses.replace(
            self.run.status,
            phase=Phase.RUNNING,
            start_time=self.start_time,
            steps=tuple(self.statuses),
        )
        wake_at = min(self.wakes, default=None)
        return Plan(status, tuple(stops), tuple(releases), tuple(starts), wake_at)


_AGE = {State.WAITING: 0, State.RUNNING: 1, State.LOST: 2, State.ENDED: 3}
