"""One attempt of a step in a cluster, as its driver follows it: what is under way, what is done."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import time
from typing import Any

from ...core.errors import C8sError, Denied, Unavailable
from ...kube.backoff import Backoff
from ...pipeline.container import Manifest
from ...pipeline.observation import Observation, State
from ...pipeline.pod import ENDING_SECONDS
from ..step_fault import StepFault
from .pod_files import Kept
from .pod_logs import Following

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_FIRST_LOOK_PAUSE, _LONGEST_LOOK_PAUSE = 5.0, 60.0
_LAST_MOMENT = datetime.timedelta(milliseconds=999)
_LATE_SECONDS = 5.0
_TAKEN_TO_BE_THERE: Manifest = {"metadata": {"name": ""}}


def _look_pause() -> Backoff:
    return Backoff(_FIRST_LOOK_PAUSE, _LONGEST_LOOK_PAUSE)


@dataclasses.dataclass(slots=True)
class PodAttempt:
    """`final` is what is reported for good, once log and artifacts are kept.

    `work` is what was begun for it, by name (create, look, restore, release, let go,
    end, rescue, finish).
    `released`: its turn has come.
    `again_at` is when what an outage undid is begun again (monotonic times).
    `ending_since` (a monotonic time) is when it was first seen that its pod is being ended.
    `podless_since` (a monotonic time) is when its Job was over first, and it had no pod.
    `job` is the Job as it was seen last, None where it was gone, `look_at` (a monotonic time) when
    it is to be looked at again. `attention_at` (one, too) is when it is asked why there is no pod,
    `refused_at` since when none is let in.
    """

    run_id: str
    step: str
    attempt: int
    job_name: str
    ahead: bool = False
    released: bool = False
    work: dict[str, concurrent.futures.Future[Any]] = dataclasses.field(default_factory=dict)
    again_at: dict[str, float] = dataclasses.field(default_factory=dict)
    backoffs: dict[str, Backoff] = dataclasses.field(default_factory=dict)
    log: Following | None = None
    log_url: str = ""
    pod: str = ""
    ending_since: float | None = None
    podless_since: float | None = None
    job: Manifest | None = dataclasses.field(default_factory=lambda: dict(_TAKEN_TO_BE_THERE))
    look_at: float = 0.0
    look_pause: Backoff = dataclasses.field(default_factory=_look_pause)
    attention_at: float = 0.0
    note: tuple[str, str] = ("", "")
    refused_at: float | None = None
    first_running: datetime.datetime | None = None
    first_ended: datetime.datetime | None = None
    final: Observation | None = None

    def begun(self, what: str) -> bool:
        """Whether that work is under way or done. What only an outage undid may be begun again,
        after a pause that grows."""
        known = self.work.get(what)
        if known is None:
            return False
        if self.outage(what) is None:
            self.again_at.pop(what, None)
            return True
        if what not in self.again_at:
            backoff = self.backoffs.setdefault(what, Backoff(_FIRST_PAUSE, _LONGEST_PAUSE))
            self.again_at[what] = time.monotonic() + backoff.next()
        if time.monotonic() < self.again_at[what]:
            return True
        del self.again_at[what]
        return False

    def outage(self, what: str) -> Unavailable | None:
        """What undid that work for now, if something did."""
        known = self.work.get(what)
        if known is None or not known.done() or known.cancelled():
            return None
        error = known.exception()
        return error if isinstance(error, Unavailable) else None

    @property
    def made(self) -> bool:
        """Whether its Job was made by this driver for certain."""
        creation = self.work.get("create")
        return bool(creation and creation.done() and not creation.exception() and creation.result())

    def failure(self, what: str) -> BaseException | None:
        """Why that work failed for good, if it did."""
        known = self.work.get(what)
        if known is None or not known.done():
            return None
        error = known.exception()
        return None if isinstance(error, Unavailable) else error

    @property
    def failed(self) -> tuple[str, str] | None:
        """Reason and message where its files could not be brought or its log, which has come to
        its end, not be kept. A fault of another kind is raised."""
        fault = self.failure("restore") or (self.log.kept.exception() if self.log else None)
        if fault is None:
            return None
        if not isinstance(fault, C8sError | StepFault):
            raise fault
        usual = "Denied" if isinstance(fault, Denied) else "StorageError"
        return str(getattr(fault, "reason", usual)), str(fault)

    def meets(self, pod: str) -> None:
        """The newest pod has this name; where its Job has replaced one, all begins anew."""
        if self.pod and pod != self.pod:
            self.first_running = self.first_ended = None
            if self.log is not None:
                self.log.container_ended()
                self.log = None
            for what in ("restore", "release", "let go"):
                self.work.pop(what, None)
        self.pod = pod

    def pod_may_be_late(self) -> bool:
        """Its Job is over: whether its pod, which was never seen, may be there all the same. Jobs
        and pods are heard of by watches of their own, and one of them may be behind."""
        if self.podless_since is None:
            self.podless_since = time.monotonic()
        return not self.pod and time.monotonic() < self.podless_since + _LATE_SECONDS

    def had_time_to_end(self) -> bool:
        """Whether a step that is being ended has had its time for that."""
        if self.ending_since is None:
            self.ending_since = time.monotonic()
        return time.monotonic() >= self.ending_since + ENDING_SECONDS

    def rescued(self) -> Kept | None:
        """What was fetched of a step while it was ended; None where that came to nothing."""
        known = self.work.get("rescue")
        if known is None or not known.done() or self.outage("rescue"):
            return None
        found: Kept = known.result()
        return found

    def timed(self, seen: Observation, now: datetime.datetime) -> Observation:
        """The observation with times finer than the cluster's whole seconds, and stable.

        The cluster cuts times off; the truth is within the second that follows, and not after we
        saw it. Without this a step of 1.5 s could seem to have taken 2. A release is our own: its
        time is exact.
        """
        start, end = seen.start_time or self.first_running, seen.completion_time
        if seen.start_time is not None and start is not None:
            cut_off = start.microsecond == 0
            least = min(max(now, start), start + _LAST_MOMENT) if cut_off else start
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

    def waiting(self, seen: Observation, what: str) -> Observation:
        """The observation, with the outage that this work waits to be over."""
        outage = self.outage(what)
        if outage is None:
            return seen
        return dataclasses.replace(seen, reason="StorageUnavailable", message=str(outage))
