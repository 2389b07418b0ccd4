"""Whoever a run is driven for goes away: by a signal, by closing its end of the pipe, by time."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Iterator

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.runs.caller import SIGNALS, heeded

PATIENCE = 20


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            continue  # The test has closed it.


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_interrupts_and_each_further_one_again(number: signal.Signals, pipe):
    told: list[str] = []
    with heeded(told.append, output=pipe[1]):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    assert told == [f"signal {number.name}"] * 2


def test_handlers_are_put_back(pipe):
    before = [signal.getsignal(number) for number in SIGNALS]
    with heeded(lambda _reason: None, output=pipe[1]):
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_lost_reader_interrupts_once(pipe):
    told: queue.Queue[str] = queue.Queue()
    with heeded(told.put, output=pipe[1]):
        os.close(pipe[0])
        assert told.get(timeout=PATIENCE) == "the end of the play that ran it"
    assert told.empty()


def test_after_a_signal_a_lost_reader_says_nothing_new(pipe):
    told: list[str] = []
    with heeded(told.append, output=pipe[1]):
        os.kill(os.getpid(), signal.SIGTERM)
        os.close(pipe[0])
    assert told == ["signal SIGTERM"]


def test_time_interrupts_once(pipe):
    told: queue.Queue[str] = queue.Queue()
    with heeded(told.put, output=pipe[1], limit=0.05):
        assert told.get(timeout=PATIENCE) == "a wait of more than 0.05 s"
    assert told.empty()


@pytest.mark.parametrize("output", ["a file", "a closed descriptor"])
def test_an_output_that_is_no_pipe_is_never_lost(output: str, tmp_path):
    told: list[str] = []
    descriptor = os.open(tmp_path / "output", os.O_WRONLY | os.O_CREAT)
    if output == "a closed descriptor":
        os.close(descriptor)
    with heeded(told.append, output=descriptor):
        pass
    if output == "a file":
        os.close(descriptor)
    assert told == []


def test_nothing_is_left_open(pipe):
    before = len(os.listdir("/proc/self/fd"))
    with heeded(lambda _reason: None, output=pipe[1]):
        pass
    assert len(os.listdir("/proc/self/fd")) == before
