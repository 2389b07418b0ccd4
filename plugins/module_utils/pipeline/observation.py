"""What executors see and what they are told to do: the words between them and `plan`."""

from __future__ import annotations

import dataclasses
import datetime
import enum

from .status import RunStatus


class State(enum.StrEnum):
    """How far an attempt is. WAITING: made, its commands not begun. LOST: gone without a result."""

    WAITING = "Waiting"
    RUNNING = "Running"
    ENDED = "Ended"
    LOST = "Lost"

    @property
    def over(self) -> bool:
        return self in (State.ENDED, State.LOST)


@dataclasses.dataclass(frozen=True, slots=True)
class Observation:
    """What an executor saw of one attempt of one step.

    `start_time` is when its commands began; an attempt that ended without one never ran any.
    `disruption` says that the infrastructure ended it (node lost, eviction, pre-emption), not the
    user's commands; `interruption` that its driver went away. `held` is true while it is prepared
    ahead and waits for its release, and stays so where it ends without one. `begins` says of one
    that is waiting that what comes before its commands (a clone, say) is under way.

    Of an attempt that the run's status takes for live, an executor has to tell the end in some
    look or other: LOST at the last, once it is sure that there is no such attempt. What was
    stopped is ENDED, whatever its exit code; LOST would start it anew.
    """

    step: str
    attempt: int
    state: State
    start_time: datetime.datetime | None = None
    completion_time: datetime.datetime | None = None
    exit_code: int | None = None
    reason: str = ""
    message: str = ""
    disruption: bool = False
    interruption: bool = False
    held: bool = False
    begins: bool = False
    job_name: str = ""
    log_url: str = ""
    artifact_urls: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """Make this attempt; it may exist already. `ahead`: let it wait before its first command."""

    step: str
    attempt: int
    ahead: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Release:
    """Let an attempt that was prepared ahead begin."""

    step: str
    attempt: int


@dataclasses.dataclass(frozen=True, slots=True)
class Stop:
    """End this attempt: TERM, and KILL after the grace period. May be asked for more than once."""

    step: str
    attempt: int
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and the status that holds once it is done.

    Effects come first, then the status is kept: an effect may be repeated, but a status that
    speaks of an attempt which was never made would lose it. `wake_at` is when to plan again
    though nothing was seen.
    """

    status: RunStatus
    stops: tuple[Stop, ...] = ()
    releases: tuple[Release, ...] = ()
    starts: tuple[Start, ...] = ()
    wake_at: datetime.datetime | None = None
