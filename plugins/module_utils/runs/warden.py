"""Ends what a driver leaves behind when it is killed: the program of a process beside it.

The driver keeps the other end of the warden's standard input and writes which runs it has begun;
when the driver dies, however it dies, the input ends and the warden kills the steps of those
runs. It uses the standard library alone, for it is started as `python -I -S -c SOURCE`.

Lines: `run ID` and `done ID`; `engine NAME` for container engines whose containers carry the
label `c8s.dev/run-id=ID`; `bye` when nothing is left to do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable

_PASSES = 100
_LOOK_SECONDS = 0.5


def watch(lines: Iterable[bytes]) -> None:
    """Follow the driver until its end; then end its runs."""
    runs: set[str] = set()
    engines: set[str] = set()
    for line in lines:
        word, _blank, rest = line.decode().strip().partition(" ")
        if word == "run":
            runs.add(rest)
        elif word == "done":
            runs.discard(rest)
        elif word == "engine":
            engines.add(rest)
        elif word == "bye":
            return
    for run in runs:
        _end_processes(run)
        for engine in engines:
            _end_containers(engine, run)


def _end_processes(run: str) -> None:
    marker = f"C8S_RUN_ID={run}".encode()
    for _attempt in range(_PASSES):
        found = False
        for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                with open(f"/proc/{entry}/environ", "rb") as stream:
                    if marker not in stream.read().split(b"\0"):
                        continue
                os.kill(int(entry), signal.SIGKILL)
                found = True
            except OSError:
                continue  # It has ended by itself, or is somebody else's.
        if not found:
            return


def _end_containers(engine: str, run: str) -> None:
    """Remove them until two looks in a row find none.

    The engine may still be making what the driver had asked for; and podman removes a container
    only after those that share its network.
    """
    looks_in_vain = 0
    for _attempt in range(_PASSES):
        status, output = _call(
            [engine, "ps", "--all", "--quiet", "--filter", f"label=c8s.dev/run-id={run}"]
        )
        containers = output.split()
        if containers:
            looks_in_vain = 0
            _call([engine, "rm", "--force", "--volumes", *containers])
            continue
        looks_in_vain += status == 0
        if looks_in_vain == 2:
            return
        time.sleep(_LOOK_SECONDS)


def _call(command: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, done.stdout.decode()


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watch(sys.stdin.buffer)
