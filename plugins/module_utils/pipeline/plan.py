"""The engine: from what is known and what was seen to what is to be done. A pure function.

Whoever drives a run observes its attempts, calls `plan`, carries the result out and keeps the
status; that loop may die between any two of its steps and be taken up again elsewhere. So the
decisions rest on data alone: nothing here remembers that something was asked for. Why an attempt
was stopped is read from the times (a step that ended after its deadline timed out), which makes
the outcome the same whatever was lost on the way.

Absence is no news: an attempt that is not in `observed` is as it was. Only the executor can say,
after a look that no cache answered, that one is lost.

A step that runs on success is skipped as soon as one of those it waits for has failed, been
cancelled or been skipped for such a reason; steps that run already go on, and so do independent
branches. One that runs on failure or always begins when all it waits for is over.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable

from .graph import Graph
from .halt import Halt, halts
from .news import in_order
from .observation import Observation, Plan, Release, Start, State, Stop
from .outcome import after_attempt, end_of_run, of_run
from .outlook import Outlook, Outlooks
from .run import Run
from .spec import Pipeline, Step, WhenStatus
from .status import Phase, Reason, RunStatus, StepStatus

MESSAGE_LIMIT = 1000
"""Characters kept of what an executor has to say; what is longer belongs into the log."""


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
    ended, or whose children run its steps, yields its status unchanged and nothing to do.
    """
    if run.status.phase.terminal or run.is_matrix_parent:
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
        self.halting = halts(run, self.statuses, self.deadline, now)
        self.last_seen: dict[int, int] = {}
        self.held: set[int] = set()
        self.beginning: set[int] = set()
        self.stops: list[Stop] = []
        self.releases: list[Release] = []
        self.ready: list[int] = []
        self.early: list[int] = []
        self.wakes: list[datetime.datetime] = []

    # --- what was seen -------------------------------------------------------------------------

    def take_in(self, observed: Iterable[Observation]) -> None:
        """Write the news into the statuses."""
        ended, alive = in_order(observed, self.graph.names, self.now)
        for position, seen in (*ended, *alive):
            self.last_seen[position] = max(seen.attempt, self.last_seen.get(position, 0))
        for position, seen in ended:
            if self._is_due(position, seen):
                self._take_end(position, seen)
        for position, seen in alive:
            if self._is_due(position, seen):
                self._take_life(position, seen)
            elif self._is_astray(position, seen):
                self.stops.append(Stop(seen.step, seen.attempt, Reason.SUPERSEDED))

    def _is_due(self, position: int, seen: Observation) -> bool:
        """Whether this is of the live attempt or, where none is live, of the next one.

        A later one proves that those before it were made, by a driver that died before it kept
        what it knew: they count as live until their ends are told, and the later one waits.
        """
        status = self.statuses[position]
        if status.phase.terminal:
            return False
        if not status.live:
            if seen.attempt <= status.attempts:
                return False
            self.statuses[position] = status = _begun(status, status.attempts + 1)
        return seen.attempt == status.attempts

    def _is_astray(self, position: int, seen: Observation) -> bool:
        """Whether it lives though its step ended without it: made before a crash, then unseen."""
        status = self.statuses[position]
        return status.phase.terminal and seen.attempt > status.attempts

    def _take_life(self, position: int, seen: Observation) -> None:
        if seen.held:
            self.held.add(position)
        if seen.begins:
            self.beginning.add(position)
        status = self.statuses[position]
        if seen.state is State.RUNNING:
            phase, start_time = Phase.RUNNING, seen.start_time or status.start_time or self.now
        else:
            phase, start_time = Phase.PENDING, None
        known = _known(status, seen)
        if known is not status or (phase, start_time) != (status.phase, status.start_time):
            known = dataclasses.replace(known, phase=phase, start_time=start_time)
            self.statuses[position] = known

    def _take_end(self, position: int, seen: Observation) -> None:
        step = self.steps[position]
        ended_at = seen.completion_time or self.now
        halt = self._halt(step)
        # If there is a later attempt, nothing halted the run yet when this one ended.
        was_last = seen.attempt == self.last_seen[position]
        if halt is not None and not (was_last and halt.may_have_cut(ended_at)):
            halt = None
        status = self.statuses[position]
        status = dataclasses.replace(
            _known(status, seen),
            start_time=seen.start_time or status.start_time,
            completion_time=ended_at,
            exit_code=seen.exit_code,
        )
        status = after_attempt(self.run, step, status, seen, ended_at, halt)
        self.statuses[position] = status
        if status.phase is Phase.FAILED and self.run.pipeline.fail_fast:
            self.halting = halts(self.run, self.statuses, self.deadline, self.now)

    def _halt(self, step: Step) -> Halt | None:
        """The first cause for which `step` has to end, if there is one."""
        return next((halt for halt in self.halting if halt.concerns(step)), None)

    # --- what to do ----------------------------------------------------------------------------

    def decide(self, slots: int | None) -> Plan:
        outlooks = Outlooks(self.graph, self.steps, self.statuses, self.beginning)
        live = 0
        for position in self.graph.order:
            status = self.statuses[position]
            if status.phase.terminal:
                pass
            elif status.live:
                live += 1
                self._look_after(position, outlooks)
            elif self.halting and (halt := self._halt(self.steps[position])) is not None:
                self._end(position, halt.unstarted_phase, halt.reason, halt.message)
            else:
                self._wait_for_turn(position, outlooks.of(position))
            outlooks.settle(position)
        if all(status.phase.terminal for status in self.statuses):
            return self._ended()
        starts = self._starts(live, slots)
        return self._going_on(starts)

    def _look_after(self, position: int, outlooks: Outlooks) -> None:
        """A live attempt: stop it, let it begin if it was prepared ahead, or leave it alone."""
        step, status = self.steps[position], self.statuses[position]
        if self.halting and (halt := self._halt(step)) is not None:
            self._stop(status, halt.reason)
        elif status.phase is Phase.RUNNING and status.start_time is not None:
            deadline = status.start_time + datetime.timedelta(seconds=step.timeout)
            if self.now >= deadline:
                self._stop(status, Reason.TIMEOUT)
            else:
                self.wakes.append(deadline)
        elif step.when.status is WhenStatus.SUCCESS:
            outlook = outlooks.of(position)
            if outlook.broken_by is not None:
                self._stop(status, Reason.DEPENDENCY_FAILED)
            elif position in self.held and outlook.over:
                self.releases.append(Release(step.name, status.attempts))

    def _wait_for_turn(self, position: int, outlook: Outlook) -> None:
        """A step without an attempt: start it, skip it, prepare it, or let it wait."""
        wanted = self.steps[position].when.status
        if wanted is WhenStatus.SUCCESS:
            if outlook.broken_by is not None:
                self._skip_behind(position, outlook.broken_by)
            elif outlook.over:
                self._start_in_time(position)
            elif outlook.near and self._may_be_early(position):
                self.early.append(position)
        elif outlook.over:
            if wanted is WhenStatus.ALWAYS or outlook.broken_by is not None:
                self._start_in_time(position)
            else:
                message = "it runs only after a failure, and nothing failed"
                self._end(position, Phase.SKIPPED, Reason.NOTHING_FAILED, message)

    def _may_be_early(self, position: int) -> bool:
        """Preparing ahead is tried once."""
        return self.run.pipeline.prepare_ahead and not self.statuses[position].attempts

    def _start_in_time(self, position: int) -> None:
        """Want a start unless the pause between two attempts still lasts."""
        not_before = self.statuses[position].not_before
        if not_before is None or self.now >= not_before:
            self.ready.append(position)
        else:
            self.wakes.append(not_before)

    def _stop(self, status: StepStatus, reason: str) -> None:
        self.stops.append(Stop(status.name, status.attempts, reason))

    def _skip_behind(self, position: int, broken: StepStatus) -> None:
        message = f"{broken.name!r} is {broken.phase}"
        self._end(position, Phase.SKIPPED, Reason.DEPENDENCY_FAILED, message)

    def _end(self, position: int, phase: Phase, reason: str, message: str) -> None:
        self.statuses[position] = dataclasses.replace(
            self.statuses[position], phase=phase, not_before=None, reason=reason, message=message
        )

    def _starts(self, live: int, slots: int | None) -> list[Start]:
        """Begin what may begin, while there is room: what is ready first, then what is early."""
        room = len(self.steps) if slots is None else max(0, slots - live)
        wanted = [(position, False) for position in self.ready]
        wanted += [(position, True) for position in self.early]
        starts = []
        for position, ahead in wanted[:room]:
            status = self.statuses[position]
            starts.append(Start(status.name, status.attempts + 1, ahead))
            self.statuses[position] = _begun(status, status.attempts + 1)
        return starts

    def _ended(self) -> Plan:
        end = end_of_run(self.statuses, self.halting, self.start_time, self.now)
        status = dataclasses.replace(
            of_run(self.run, self.statuses, self.halting),
            start_time=self.start_time,
            completion_time=end,
            queue_position=None,
        )
        return Plan(status, tuple(self.stops))

    def _going_on(self, starts: list[Start]) -> Plan:
        if self.now < self.deadline:
            self.wakes.append(self.deadline)
        status = dataclasses.replace(
            self.run.status, start_time=self.start_time, steps=tuple(self.statuses)
        )
        if status.phase is not Phase.RUNNING:
            status = dataclasses.replace(
                status, phase=Phase.RUNNING, reason="", message="", queue_position=None
            )
        wake_at = min(self.wakes, default=None)
        return Plan(status, tuple(self.stops), tuple(self.releases), tuple(starts), wake_at)


def _begun(status: StepStatus, attempt: int) -> StepStatus:
    """The status of a step whose attempt of that number has been made, and no more is known."""
    return StepStatus(
        status.name,
        attempts=attempt,
        failures=status.failures,
        disruptions=status.disruptions,
        interruptions=status.interruptions,
    )


def _known(status: StepStatus, seen: Observation) -> StepStatus:
    """The status of a step with what is told of its live attempt beside its state and times.

    The very same where that is nothing new, as in most looks at most steps.
    """
    message = seen.message[:MESSAGE_LIMIT]
    told = (
        seen.reason,
        message,
        seen.job_name or status.job_name,
        seen.log_url or status.log_url,
        seen.artifact_urls or status.artifact_urls,
    )
    if told == (
        status.reason,
        status.message,
        status.job_name,
        status.log_url,
        status.artifact_urls,
    ):
        return status
    reason, message, job_name, log_url, artifact_urls = told
    return dataclasses.replace(
        status,
        reason=reason,
        message=message,
        job_name=job_name,
        log_url=log_url,
        artifact_urls=artifact_urls,
    )
