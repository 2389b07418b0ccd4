"""How long to wait before the next try."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Delays that double from `first` to `most` seconds, each spread over half of itself.

    The spread keeps many followers of one server from coming back in the same moment.
    """

    def __init__(
        self,
        first: float = 0.1,
        most: float = 10.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first = first
        self._most = most
        self._chance = chance
        self._tries = 0

    def next(self, least: float = 0.0) -> float:
        """Seconds to wait now, `least` or more."""
        whole = min(self._most, self._first * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return float(max(least, whole * (0.5 + self._chance() / 2)))

    def reset(self) -> None:
        """It worked: begin anew."""
        self._tries = 0
