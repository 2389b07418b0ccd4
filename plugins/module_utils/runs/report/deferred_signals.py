"""Signals that wait until what they would break off half-way is done.

What a worker of Ansible shows goes to the play through a queue with one lock for all processes. A
worker that a signal ends while another of its threads holds that lock leaves the play waiting for
it for ever.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM)
PATIENCE_SECONDS = 5.0
"""How long a signal waits for another thread: one that hangs shall not keep the process alive."""


class DeferredSignals:
    """A context of the main thread, in which signals break off no section of any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._main_is_inside = False
        self._deferred: list[int] = []
        self._former: dict[int, Any] = {}

    def __enter__(self) -> DeferredSignals:
        for number in NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._former[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)

    @contextlib.contextmanager
    def section(self) -> Iterator[None]:
        """What is done in here is done whole, by one thread at a time."""
        is_main = threading.current_thread() is threading.main_thread()
        self._main_is_inside |= is_main
        try:
            with self._lock:
                yield
        finally:
            if is_main:
                self._main_is_inside = False
                while self._deferred:
                    self._pass_on(self._deferred.pop(0), None)

    def _take(self, number: int, frame: FrameType | None) -> None:
        """Python runs this in the main thread, also in the middle of a section of it."""
        if self._main_is_inside:
            self._deferred.append(number)
            return
        closed = self._lock.acquire(timeout=PATIENCE_SECONDS)
        try:
            self._pass_on(number, frame)
        finally:
            if closed:
                self._lock.release()

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """Do what would have been done without this."""
        former = self._former[number]
        if callable(former):
            former(number, frame)
        else:
            signal.signal(number, former)
            os.kill(os.getpid(), number)
