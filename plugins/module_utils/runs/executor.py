"""What every executor offers to the driver, whether steps are processes, containers or Jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from ..pipeline.observation import Observation
from ..pipeline.run import Run
from ..pipeline.spec import Step


class Executor(Protocol):
    """Carries out what `plan` asks for, for any number of runs at one time.

    All calls come from the driver's thread. Calls may be repeated: starting an attempt that
    exists, or stopping one that has ended, does nothing.
    """

    slots: int | None
    """How many attempts may live at one time, over all runs; None: no bound of its own."""

    outlives_driver: bool
    """Whether attempts go on while no driver lives, to be adopted by the next one."""

    def open(self, run: Run) -> None:
        """Get ready for a run, and adopt or end what an earlier driver of it left."""

    def start(self, run: Run, step: Step, attempt: int, *, ahead: bool) -> None:
        """Begin an attempt; with `ahead` only up to its first command."""

    def release(self, run: Run, step: Step, attempt: int) -> None:
        """Let an attempt that was begun ahead run its commands."""

    def stop(self, run: Run, step: Step, attempt: int, reason: str) -> None:
        """End an attempt: ask it, and after a grace period make it."""

    def observe(self, run: Run) -> Sequence[Observation]:
        """Everything known of the run's attempts; cheap, and never waits."""

    def wait(self, seconds: float) -> Collection[str] | None:
        """Return when there may be something new to observe, or after `seconds`.

        The names of the runs of which there is; None where it may be any of them.
        """

    def news(self, run: Run) -> Sequence[str]:
        """What is worth telling of the run beside its attempts, each thing once."""

    def settled(self, run: Run) -> bool:
        """Whether all that is to be kept of a run about to end is where it is to be."""

    def close(self, run: Run, *, kept: bool) -> None:
        """The run's end is `kept`, or its driver goes: leave nothing behind but its results."""
