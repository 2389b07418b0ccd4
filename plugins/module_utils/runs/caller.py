"""Whoever a run is driven for, and how its going away is noticed."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def heeded(
    interrupt: Callable[[str], None], *, output: int = 1, limit: float | None = None
) -> Iterator[None]:
    """Call `interrupt` with a reason when a signal comes, when nobody reads `output` any more, or
    when the time is over.

    A task's process is not always told that its play has ended: the one that started it may be
    killed, or its connection cut. What is left then is that the pipe to it has lost its reader.

    Parameters:
        interrupt: safe to call from a signal handler and from a thread; each further signal calls
            it again.
        output: the descriptor that the caller reads; one that is no pipe is never lost.
        limit: seconds; None for no limit.
    """
    told = False

    def take(number: int, _frame: FrameType | None) -> None:
        nonlocal told
        told = True
        interrupt(f"signal {signal.Signals(number).name}")

    def lose(reason: str) -> None:
        nonlocal told
        if not told:  # Once more would be a wish for haste, and nobody has uttered it.
            told = True
            interrupt(reason)

    before = {number: signal.signal(number, take) for number in SIGNALS}
    watched = output if _is_pipe(output) else None
    stop_read, stop_write = os.pipe()
    watcher = threading.Thread(
        target=_watch, args=(lose, watched, stop_read, limit), name="caller", daemon=True
    )
    watcher.start()
    try:
        yield
    finally:
        os.write(stop_write, b"!")
        watcher.join()
        os.close(stop_write)
        os.close(stop_read)
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_pipe(descriptor: int) -> bool:
    """Whether it is open, and of a kind that has a reader."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _watch(lose: Callable[[str], None], output: int | None, stop: int, limit: float | None) -> None:
    """Return when `stop` can be read."""
    begin = time.monotonic()
    poller = select.poll()
    poller.register(stop, select.POLLIN)
    if output is not None:
        poller.register(output, 0)  # Only its loss is waited for: POLLERR needs no asking.
    while True:
        left = None if limit is None else max(0.0, begin + limit - time.monotonic())
        ready = poller.poll(None if left is None else left * 1000 + 1)
        if not ready:
            lose(f"a wait of more than {limit:g} s")
            limit = None
        for descriptor, event in ready:
            if descriptor == stop:
                return
            if event & (select.POLLERR | select.POLLHUP):
                lose("the end of the play that ran it")
            poller.unregister(descriptor)
