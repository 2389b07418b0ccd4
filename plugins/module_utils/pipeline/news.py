"""What was seen of a run's attempts, put into an order in which it can be taken in."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from .observation import Observation, State

Entry = tuple[int, Observation]

_AGE = {State.WAITING: 0, State.RUNNING: 1, State.LOST: 2, State.ENDED: 3}


def in_order(
    observed: Iterable[Observation], names: Sequence[str], now: datetime.datetime
) -> tuple[list[Entry], list[Entry]]:
    """Ends and signs of life, each with the index of its step; the newest of every attempt.

    Ends come in the order of their times, since one may decide (by failFast) what a later one
    counts as, but the attempts of a step in theirs, whatever the clocks say.
    """
    index = {name: position for position, name in enumerate(names)}
    newest: dict[tuple[int, int], Observation] = {}
    for seen in observed:
        position = index.get(seen.step)
        if position is None:
            continue
        known = newest.get((position, seen.attempt))
        if known is None or _age(seen) > _age(known):
            newest[position, seen.attempt] = seen
    ends: list[tuple[datetime.datetime, int, int]] = []
    alive: list[Entry] = []
    latest: dict[int, datetime.datetime] = {}
    for (position, attempt), seen in sorted(newest.items(), key=_attempt):
        if not seen.state.over:
            alive.append((position, seen))
            continue
        when = seen.completion_time or now
        when = latest[position] = max(when, latest.get(position, when))
        ends.append((when, position, attempt))
    ended = [(position, newest[position, attempt]) for _when, position, attempt in sorted(ends)]
    return ended, alive


def _age(seen: Observation) -> tuple[int, bool]:
    """The later of two states of one attempt compares greater; no attempt goes back."""
    return _AGE[seen.state], not seen.held


def _attempt(entry: tuple[tuple[int, int], Observation]) -> tuple[int, int]:
    return entry[0]
