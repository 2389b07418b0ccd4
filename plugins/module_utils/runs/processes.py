"""Find and end every process that a step left on this host.

A step's process leads a session and a process group of its own, and carries its run and step in
its environment. What it forks may leave the group (a daemon does); while the driver is the
subreaper (prctl(2), Linux) such orphans become its children, so it sees at once whether a step
left any. Elsewhere than on Linux only the group is ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import signal
import sys

_PR_SET_CHILD_SUBREAPER = 36
_PROC = pathlib.Path("/proc")


def become_subreaper() -> bool:
    """Let orphaned descendants become children of this process; False where that is unknown."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def signal_group(group: int, number: signal.Signals) -> bool:
    """Send to a whole process group; False where none of it is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def of_step(run_id: str, step: str = "") -> list[int]:
    """Processes whose environment names this run, and this step where one is given."""
    markers = {f"C8S_RUN_ID={run_id}".encode()}
    if step:
        markers.add(f"C8S_STEP={step}".encode())
    found = []
    for entry in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if markers <= set((entry / "environ").read_bytes().split(b"\0")):
                found.append(int(entry.name))
    return [process for process in found if process != os.getpid()]


def end_step(run_id: str, step: str = "") -> int:
    """Kill all of a step's (or run's) processes until none is left; how many there were.

    Each pass may miss what is being forked meanwhile, so passes go on until one finds nothing.
    """
    ended = 0
    for _attempt in range(100):
        processes = of_step(run_id, step)
        if not processes:
            break
        for process in processes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
                ended += 1
        reap(processes)
    return ended


def reap(processes: list[int]) -> None:
    """Take the exit status of those that are children of this process and have ended."""
    for process in processes:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process, os.WNOHANG)


def orphans(known: set[int]) -> list[int]:
    """Children of this process that it did not start itself (`known`): orphans it inherited."""
    children: set[int] = set()
    for thread in (_PROC / "self" / "task").glob("*"):
        with contextlib.suppress(OSError):
            children.update(int(child) for child in (thread / "children").read_text().split())
    return sorted(children - known)
