"""Times of things done several times over, as medians with their spread."""

from __future__ import annotations

import dataclasses
import math
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Times:
    """Wall times in seconds, of one thing or paired with a baseline's."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def shown(self, scale: float = 1000.0, unit: str = "ms") -> str:
        """The median, and least and most in brackets."""
        least, most = min(self.seconds) * scale, max(self.seconds) * scale
        return f"{self.median * scale:.1f} {unit} ({least:.1f}-{most:.1f})"


def alternate(
    things: Sequence[Callable[[], object]],
    rounds: int = 7,
    *,
    clock: Callable[[], float] = time.perf_counter,
    warm: int = 1,
    within: float = math.inf,
    before: Callable[[], object] = lambda: None,
) -> list[Times]:
    """Each thing in turn, `rounds` times after `warm` rounds that do not count.

    Once `within` seconds are over no round is begun any more, except the first. With
    `time.process_time` for a clock only this process's own work counts: what computes and never
    waits is then told apart from what else runs on the machine. What `before` does ahead of each
    thing does not count.
    """
    found: list[list[float]] = [[] for _thing in things]
    limit = time.monotonic() + within
    for number in range(rounds + warm):
        if number > warm and time.monotonic() > limit:
            break
        for thing, times in zip(things, found, strict=True):
            before()
            began = clock()
            thing()
            if number >= warm:
                times.append(clock() - began)
    return [Times(tuple(times)) for times in found]


def command(*arguments: str, **environment: str) -> Callable[[], object]:
    """A process to be timed as a whole; it has to succeed."""

    def run() -> None:
        subprocess.run(
            arguments,
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment or None,
        )

    return run
