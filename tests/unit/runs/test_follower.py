"""Events read from the file of another process while it writes them."""

from __future__ import annotations

import json
import multiprocessing
import os
import pathlib
import queue
import select
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.follower import (
    Follower,
    News,
    Watch,
)

FORK = multiprocessing.get_context("fork")
PATIENCE = 20


def line(step: str, phase: str = "Running") -> str:
    event = {"time": "2026-01-01T00:00:00Z", "event": "step", "run": "r", "step": step}
    return json.dumps({**event, "phase": phase, "before": "Pending"}) + "\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_pieces_of_a_text_are_taken_line_by_line(end: str):
    shown: list[str] = []
    news = News(lambda text, _phase: shown.append(text.split()[-1]))
    text = line("a").rstrip("\n") + end + line("b").rstrip("\n") + end
    half = text[: len(text) - 9]
    news.take(half)
    assert shown == ["r/a"]
    assert news.size == len(line("a"))
    news.take(line("b"))
    assert shown == ["r/a", "r/b"]
    assert news.size == len(line("a") + line("b"))


def test_what_is_written_meanwhile_is_shown_while_it_is_written(tmp_path: pathlib.Path):
    shown: queue.Queue[tuple[str, str]] = queue.Queue()
    path = tmp_path / "events"
    take = Follower(path, lambda text, phase: shown.put((text.split()[-1], phase)))
    with take, open(path, "w", encoding="utf-8") as stream:
        for step, phase in (("a", "Running"), ("b", "Failed")):
            stream.write(line(step, phase))
            stream.flush()
            assert shown.get(timeout=PATIENCE) == (f"r/{step}", phase)
        stream.write(line("late"))
    assert shown.get_nowait() == ("r/late", "Running")


def test_what_was_in_the_file_before_is_not_shown(tmp_path: pathlib.Path):
    shown: list[str] = []
    path = tmp_path / "events"
    path.write_text(line("old"), encoding="utf-8")
    with Follower(path, lambda text, _phase: shown.append(text)):
        pass
    assert shown == []


def test_a_file_that_never_comes_shows_nothing(tmp_path: pathlib.Path):
    shown: list[str] = []
    with Follower(tmp_path / "events", lambda text, _phase: shown.append(text)):
        pass
    assert shown == []


def test_what_was_held_back_is_told_at_the_end(tmp_path: pathlib.Path):
    shown: list[str] = []
    path = tmp_path / "events"
    with Follower(path, lambda text, _phase: shown.append(text)):
        path.write_text("".join(line(f"s{number}") for number in range(60)), encoding="utf-8")
    assert shown[-1].strip() == "... 20 more changes ..."


WATCHED = """
import os, signal, sys
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.follower import Watch
if os.fork():
    sys.stdin.readline()
    os._exit(0)  # The parent of the watching process goes.
with Watch(os.getppid()):
    print(os.getpid(), flush=True)
    while True:
        signal.pause()
"""


def test_a_process_whose_parent_has_gone_ends_itself():
    read, write = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", WATCHED],
        stdin=subprocess.PIPE,
        stdout=write,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as process:
        os.close(write)
        with open(read, encoding="utf-8") as said:
            assert said.readline().strip().isdigit()
            process.communicate("go\n", timeout=PATIENCE)
            assert said.read() == ""  # The end of its output is the end of the process.


def wait_until_asleep(pid: int) -> None:
    """Wait until the first thread of a process does nothing, and has for a moment."""
    idle = 0
    while idle < 3:
        time.sleep(0.01)
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
        idle = idle + 1 if state == "S" else 0


def test_a_process_that_is_watched_over_hears_signals_in_quick_succession():
    """As Ansible sends them to its workers. Sooner or later other threads would take them both."""
    for _round in range(15):
        ready = FORK.Event()

        def wait_for_signals(ready: Any = ready) -> None:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda _number, _frame: os._exit(9))
            with Watch(os.getppid()):
                ready.set()
                select.poll().poll()

        process = FORK.Process(target=wait_for_signals)
        process.start()
        assert ready.wait(PATIENCE)
        # Python itself sleeps through a signal that comes in front of the call that waits.
        wait_until_asleep(process.pid or 0)
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(process.pid or 0, number)
        process.join(PATIENCE / 4)
        ended = process.exitcode
        process.kill()
        assert ended == 9
