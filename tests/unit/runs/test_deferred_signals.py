"""Signals while a lock is held that other processes wait for."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.runs.report import deferred_signals
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.deferred_signals import (
    DeferredSignals,
)

FORK = multiprocessing.get_context("fork")
PATIENCE = 20.0
SIGNALS = [signal.SIGINT, signal.SIGTERM]
WHOLE = 9
"""What a process exits with that a handler of its own ends."""


def leave(_number: int, _frame: Any) -> None:
    os._exit(WHOLE)


def in_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()
    time.sleep(PATIENCE)


def in_the_main_thread(work: Callable[[], None]) -> None:
    work()


def signalled(
    number: signal.Signals, handler: Any, where: Callable[..., None], seconds: float
) -> tuple[int, bool]:
    """How a process ends that gets a signal while it holds a lock, and whether it let go of it."""
    shared = FORK.Lock()
    held = FORK.Event()

    def process() -> None:
        signal.signal(number, handler)

        def work() -> None:
            with signals.section(), shared:
                held.set()
                time.sleep(seconds)

        with DeferredSignals() as signals:
            where(work)
        time.sleep(PATIENCE)

    worker = FORK.Process(target=process)
    worker.start()
    assert held.wait(PATIENCE)
    os.kill(worker.pid or 0, number)
    worker.join(PATIENCE)
    ended = worker.exitcode
    worker.kill()
    assert ended is not None
    return ended, shared.acquire(timeout=0)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("where", [in_a_thread, in_the_main_thread])
def test_a_section_is_whole_before_a_signal_ends_the_process(
    number: signal.Signals, where: Callable[..., None]
) -> None:
    assert signalled(number, leave, where, 0.3) == (WHOLE, True)
    assert signalled(number, signal.SIG_DFL, where, 0.3) == (-number, True)


def test_a_section_that_hangs_keeps_no_process_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferred_signals, "PATIENCE_SECONDS", 0.2)
    assert signalled(signal.SIGTERM, leave, in_a_thread, PATIENCE) == (WHOLE, False)


def test_outside_of_sections_all_is_as_it_was() -> None:
    """Handlers that come back, that raise, and signals that are ignored."""
    seen: list[int] = []
    former = signal.signal(signal.SIGTERM, lambda number, _frame: seen.append(number))
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with DeferredSignals() as signals:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)
            with signals.section():
                os.kill(os.getpid(), signal.SIGTERM)
                assert len(seen) == 1
            assert len(seen) == 2
        os.kill(os.getpid(), signal.SIGTERM)
        assert seen == [signal.SIGTERM] * 3
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with DeferredSignals() as signals:
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
            with signals.section():
                pass
    finally:
        signal.signal(signal.SIGTERM, former)
        signal.signal(signal.SIGINT, ignored)
