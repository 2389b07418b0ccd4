"""Where runs are kept, as the driver sees it: a directory, or ConfigMaps in a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Record = dict[str, Any]

RUN_NAME_LIMIT = 50
"""Of the names that people give to runs; children of a matrix have longer ones."""


class Lock(Protocol):
    """The right to drive a run, held while the process lives.

    `first`: nobody had it before, so that nobody can have changed the run's record.
    """

    @property
    def first(self) -> bool: ...

    def release(self) -> None: ...


class Records(Protocol):
    """Run records by name. Every method may raise Unavailable or Denied."""

    def create_all(self, records: Sequence[Record]) -> list[bool]:
        """Keep new runs; False for each, and nothing done, where one of its name exists."""

    def write(self, record: Record) -> None:
        """Replace a run's record soon; never waits for a server."""

    def settle(self) -> None:
        """Write what `write` has held back for long enough. Raises what a write failed with."""

    def kept(self, name: str) -> bool:
        """Whether all that `write` was given of this run is kept."""

    def flush(self) -> None:
        """Wait until all that `write` was given of runs that have ended is kept."""

    def doubtful(self) -> frozenset[str]:
        """The runs for which nothing may be done now: whether others drive them is being asked."""

    def lost(self) -> frozenset[str]:
        """The runs that others were found to drive since the last call."""

    def read(self, name: str) -> Record:
        """A run's record; NotFound where there is none."""

    def read_all(self, names: Sequence[str]) -> list[Record]:
        """The records of these runs, in order; NotFound where one is missing."""

    def names(self) -> list[str]:
        """All runs, oldest first."""

    def name_for(self, pipeline: str, wanted: str, key: str) -> tuple[str, int]:
        """The name and number of the run that an order stands for, now and whenever it comes again.

        `wanted` where it is not empty, the name that an idempotency `key` stands for where it was
        given before, else a new one. The number is 0 where runs are not counted.
        """

    def lock(self, name: str) -> Lock | None:
        """The right to drive the run, or None while another process has it."""

    def driven(self, name: str) -> bool:
        """Whether a process drives the run now."""

    def request_cancel(self, name: str, request: Record) -> None:
        """Leave the wish that the run end, for whoever drives it."""

    def cancel_request(self, name: str) -> Record | None:
        """The wish that was left, if any; cheap, for it is asked for often."""
