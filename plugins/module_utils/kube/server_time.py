"""What time it is where the cluster is: hosts whose clocks are wrong, or are set, still agree."""

from __future__ import annotations

import datetime
import email.utils
import threading
import time
from collections.abc import Callable

TOLERANCE = datetime.timedelta(seconds=2)
"""A server tells whole seconds, some milliseconds ago: less than this is no difference."""


def _here() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class ServerTime:
    """The time by this host's clock as it is at first, then by the `Date` of what a server says.

    Between answers it goes on evenly, whatever somebody sets the host's clock to.
    """

    def __init__(
        self,
        *,
        here: Callable[[], datetime.datetime] = _here,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._then, self._at = here(), clock()

    def now(self) -> datetime.datetime:
        """The time, with its zone."""
        with self._lock:
            return self._then + datetime.timedelta(seconds=self._clock() - self._at)

    def heard(self, date: str) -> None:
        """Take in the `Date` of an answer that has just come; what is no date is passed over."""
        try:
            said = email.utils.parsedate_to_datetime(date)
        except ValueError:
            return
        if said.tzinfo is None:
            return
        # Somewhere within the second that it names.
        said += datetime.timedelta(seconds=0.5)
        if abs(said - self.now()) > TOLERANCE:
            with self._lock:
                self._then, self._at = said, self._clock()
