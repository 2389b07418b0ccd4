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
from collections.abc import Iterable

_PASSES = 100


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
    listed = subprocess.run(
        [engine, "ps", "--all", "--quiet", "--filter", f"label=c8s.dev/run-id={run}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    containers = listed.stdout.decode().split()
    if containers:
        subprocess.run(
            [engine, "rm", "--force", "--volumes", *containers],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )


if __name__ == "__main__":
    os.setsid()
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watch(sys.stdin.buffer)
