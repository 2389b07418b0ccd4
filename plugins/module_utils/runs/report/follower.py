"""Events of runs that another process drives, read from its file while it writes them."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType

from .progress_text import ProgressText

LOOK_SECONDS = 0.2

Show = Callable[[str, str], None]
"""Takes a line, and the phase that it tells of."""


class News:
    """Shows the events of a text that comes in pieces. `size`: bytes taken of it so far."""

    def __init__(self, show: Show, clock: Callable[[], float] = time.monotonic) -> None:
        self.size = 0
        self._show = show
        self._clock = clock
        self._text = ProgressText()

    def take(self, text: str) -> None:
        """Show what whole lines tell; what is behind the last of them is to be given again."""
        for line in text.split("\n")[:-1]:
            plain = line.rstrip("\r")  # A terminal on the way may have put it there.
            self.size += len(plain.encode()) + 1
            for told, phase in self._text.lines(json.loads(plain), self._clock()):
                self._show(told, phase)

    def close(self) -> None:
        """Show what was held back."""
        for told, phase in self._text.rest():
            self._show(told, phase)


class _Companion(threading.Thread):
    """A thread that looks again and again while a context lasts, and a last time at its end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Do what is to be done each time."""
        raise NotImplementedError

    def __enter__(self) -> None:
        # Of two signals in quick succession a thread like this one may take both from the system:
        # then the main thread, which alone acts on them in Python, sleeps on.
        former = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, former)

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self.join()
        self.look()


class Follower(_Companion):
    """Shows what is added to a file of events from now on."""

    def __init__(self, path: pathlib.Path, show: Show) -> None:
        super().__init__()
        self._path = path
        self._begin = path.stat().st_size if path.exists() else 0
        self._news = News(show)

    def look(self) -> None:
        if self._path.exists():
            with open(self._path, encoding="utf-8") as stream:
                stream.seek(self._begin + self._news.size)
                self._news.take(stream.read())
        if self._over.is_set():
            self._news.close()


class Watch(_Companion):
    """Ends this process when its parent does; what it had begun notices that in turn."""

    def __init__(self, parent: int) -> None:
        super().__init__()
        self._parent = parent

    def look(self) -> None:
        if os.getppid() != self._parent:
            os.kill(os.getpid(), signal.SIGTERM)
