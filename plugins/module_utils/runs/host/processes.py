"""Find and end processes on this host that a run has left, by what they carry or descend from."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import time
from collections.abc import Callable, Iterable

_PROC = pathlib.Path("/proc")
_KILL_SECONDS = 10.0
_LOOK_SECONDS = 0.002


def end_run(run_id: str) -> None:
    """Kill all processes of a run, whoever started them, until none is left."""
    _end(lambda: _named(f"C8S_RUN_ID={run_id}"))


def end_step(run_id: str, step: str, group: int) -> None:
    """Kill a process group, and all processes of a step that its environment gives away."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    _end(lambda: _named(f"C8S_RUN_ID={run_id}", f"C8S_STEP={step}"))


def _end(left: Callable[[], list[int]]) -> None:
    """Kill until nothing is left, for each look may miss what is being forked meanwhile."""
    deadline = time.monotonic() + _KILL_SECONDS
    while (processes := left()) and time.monotonic() < deadline:
        for process in processes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        reap(processes)
        time.sleep(_LOOK_SECONDS)


def reap(processes: Iterable[int]) -> None:
    """Take the exit status of those that are children of this process and have ended."""
    for process in processes:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process, os.WNOHANG)


def _named(*variables: str) -> list[int]:
    """Processes with all of these in their environment."""
    own = os.getpid()
    wanted = {variable.encode() for variable in variables}
    found = (int(entry.name) for entry in _PROC.glob("[0-9]*"))
    return [process for process in found if process != own and wanted <= _environment(process)]


def _environment(process: int) -> set[bytes]:
    try:
        return set((_PROC / str(process) / "environ").read_bytes().split(b"\0"))
    except OSError:
        return set()  # It has ended, or is somebody else's.


def children() -> list[int]:
    """The children of this process, as far as the kernel tells."""
    found: list[int] = []
    for thread in (_PROC / "self" / "task").glob("*"):
        with contextlib.suppress(OSError):
            found += (int(child) for child in (thread / "children").read_text().split())
    return found
