"""Records on their way to a server that takes its time, or says no."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.record_writer import RecordWriter


class Server:
    """Takes records; `open` lets it answer."""

    def __init__(self) -> None:
        self.took: list[tuple[str, object]] = []
        self.open = threading.Event()
        self.open.set()
        self.faults: list[Exception] = []

    def send(self, name: str, record: dict[str, object]) -> None:
        self.open.wait(10)
        for fault in self.faults:
            raise fault
        self.took.append((name, record["n"]))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writer(server: Server, clock: Clock) -> RecordWriter:
    return RecordWriter(server.send, hold=5.0, clock=clock)


def until(condition: Callable[[], object]) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.005)


def test_what_ends_a_run_is_written_at_once_and_nobody_waits_for_it(
    writer: RecordWriter, server: Server
) -> None:
    server.open.clear()
    writer.write("a", {"n": 1}, ended=True)
    assert not writer.kept("a")
    server.open.set()
    writer.flush()
    assert writer.kept("a")
    assert server.took == [("a", 1)]


def test_a_short_run_is_written_once(writer: RecordWriter, server: Server, clock: Clock) -> None:
    writer.created("a")
    for number in range(5):
        clock.now += 0.5
        writer.write("a", {"n": number}, ended=number == 4)
        writer.settle()
    writer.flush()
    assert server.took == [("a", 4)]


def test_what_goes_on_is_written_when_its_last_write_is_old(
    writer: RecordWriter, server: Server, clock: Clock
) -> None:
    writer.created("a")
    writer.write("a", {"n": 1}, ended=False)
    clock.now += 4.9
    writer.settle()
    assert server.took == []
    clock.now += 0.6
    writer.settle()
    until(lambda: server.took == [("a", 1)])


def test_many_that_go_on_are_not_written_all_at_once(
    writer: RecordWriter, server: Server, clock: Clock
) -> None:
    for number in range(100):
        writer.created(str(number))
        writer.write(str(number), {"n": number}, ended=False)
    for _tenth in range(100):
        clock.now += 0.1
        writer.settle()
    writer.flush()
    assert 1 <= len(server.took) <= 11


def test_the_last_word_never_overtakes_one_that_is_under_way(
    writer: RecordWriter, server: Server, clock: Clock
) -> None:
    server.open.clear()
    writer.write("a", {"n": 1}, ended=True)
    writer.write("a", {"n": 2}, ended=True)
    server.open.set()
    writer.flush()
    assert server.took == [("a", 1), ("a", 2)]


def test_what_a_write_failed_with_is_told(writer: RecordWriter, server: Server) -> None:
    server.faults.append(Unavailable("the server is away"))
    writer.write("a", {"n": 1}, ended=True)
    with pytest.raises(Unavailable, match="is away"):
        writer.flush()
