"""One attempt of a step in a cluster, as its driver follows it: what is under way, what is done."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import time
from typing import Any

from ..core.errors import Unavailable
from ..pipeline.observation import Observation, State
from .pod_logs import Following

PAUSE_SECONDS = 0.5
_LAST_MOMENT = datetime.timedelta(milliseconds=999)


@dataclasses.dataclass(slots=True)
class PodAttempt:
    """`final` is what is reported for good, once log and artifacts are kept.

    `work` is what was begun for it, by name (create, look, restore, release,
    let go, end, finish).
    `attention_at` (a monotonic time) is when the Job is to be looked at though nothing was heard,
    `refused_at` since when no pod of it is let in.
    """

    run_id: str
    step: str
    attempt: int
    job_name: str
    ahead: bool = False
    released: bool = False
    released_at: datetime.datetime | None = None
    work: dict[str, concurrent.futures.Future[Any]] = dataclasses.field(default_factory=dict)
    again_at: dict[str, float] = dataclasses.field(default_factory=dict)
    log: Following | None = None
    pod: str = ""
    attention_at: float = 0.0
    note: tuple[str, str] = ("", "")
    refused_at: float | None = None
    first_running: datetime.datetime | None = None
    first_ended: datetime.datetime | None = None
    final: Observation | None = None

    def begun(self, what: str) -> bool:
        """Whether that work is under way or done. What only an outage undid may be begun again,
        after a pause."""
        known = self.work.get(what)
        if known is None:
            return False
        if not known.done() or not isinstance(known.exception(), Unavailable):
            self.again_at.pop(what, None)
            return True
        return time.monotonic() < self.again_at.setdefault(what, time.monotonic() + PAUSE_SECONDS)

    def failure(self, what: str) -> BaseException | None:
        """Why that work failed for good, if it did."""
        known = self.work.get(what)
        if known is None or not known.done():
            return None
        error = known.exception()
        return None if isinstance(error, Unavailable) else error

    def meets(self, pod: str) -> None:
        """The newest pod has this name; where its Job has replaced one, all begins anew."""
        if self.pod and pod != self.pod:
            self.first_running = self.first_ended = None
            if self.log is not None:
                self.log.container_ended()
                self.log = None
            for what in ("restore", "release", "let go"):
                self.work.pop(what, None)
            self.released_at = None
        self.pod = pod

    def timed(self, seen: Observation, now: datetime.datetime) -> Observation:
        """The observation with times finer than the cluster's whole seconds, and stable.

        The cluster cuts times off; the truth is within the second that follows, and not after we
        saw it. Without this a step of 1.5 s could seem to have taken 2. Releases are our own: their
        times are exact.
        """
        start, end = seen.start_time or self.first_running, seen.completion_time
        if seen.start_time is not None and start is not None:
            least = start if self.released_at else min(max(now, start), start + _LAST_MOMENT)
            self.first_running = self.first_running or least
            start = self.first_running
        if seen.state.over:
            end = end or now
            self.first_ended = self.first_ended or min(max(now, end), end + _LAST_MOMENT)
            end = max(self.first_ended, start) if start else self.first_ended
        return dataclasses.replace(seen, start_time=start, completion_time=end)

    def while_unfinished(self, seen: Observation) -> Observation:
        """What is reported of an attempt that has ended while its results are still fetched."""
        return dataclasses.replace(
            seen,
            state=State.RUNNING if seen.start_time else State.WAITING,
            completion_time=None,
            exit_code=None,
            reason="",
            message="",
        )
