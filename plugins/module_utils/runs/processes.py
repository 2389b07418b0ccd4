"""Find and end every process that a step left on this host.

A step's process leads a session and a process group of its own. What it forks may leave the group
(a daemon does). While the driver is the subreaper (prctl(2), Linux) such orphans become its
children once the step has ended, so it needs to look at its own children alone; it knows them by
two things that they inherit: the run and step in their environment, and the step's mark, which
outlives even an emptied environment. Elsewhere than on Linux only the group is ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable

_PR_SET_CHILD_SUBREAPER = 36
_PROC = pathlib.Path("/proc")
_OUT_OF_MEMORY_SCORE = "oom_score_adj"
_KILL_SECONDS = 10.0
_LOOK_SECONDS = 0.002


class Marks:
    """Numbers that tell the steps of this process apart.

    A mark is the score by which the kernel chooses whom to end when memory runs out. It is
    inherited, never lowered without privileges, and well above the driver's own: a step that eats
    all memory goes before its driver.
    """

    def __init__(self, least: int = 500, greatest: int = 999) -> None:
        self._free = list(range(least, greatest + 1))
        self._lock = threading.Lock()

    def take(self) -> int:
        """A mark that no other step has; 0, which marks nothing, where there is none left."""
        with self._lock:
            return self._free.pop(0) if self._free else 0

    def give_back(self, mark: int) -> None:
        """Let the mark go to another step, at last."""
        if mark:
            with self._lock:
                self._free.append(mark)


def marking(mark: int) -> str:
    """Shell text that marks the shell that runs it; does nothing where that is not possible."""
    return f"{{ echo {mark} >/proc/self/{_OUT_OF_MEMORY_SCORE}; }} 2>/dev/null || :; "


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
    everybody = (int(entry.name) for entry in _PROC.glob("[0-9]*"))
    own = os.getpid()
    return [other for other in everybody if other != own and _names(other, run_id, step)]


def end_run(run_id: str) -> None:
    """Kill all processes of a run, whoever started them, until none is left."""
    _end(lambda: of_step(run_id))


def end_orphans(run_id: str, step: str, mark: int) -> None:
    """Kill what a step, whose own process has ended, left to this process as its subreaper."""

    def left() -> list[int]:
        known = children()
        if known is None:
            return of_step(run_id, step)
        return [child for child in known if _has_mark(child, mark) or _names(child, run_id, step)]

    _end(left)


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


def _names(process: int, run_id: str, step: str) -> bool:
    """Whether a process carries this run, and the step where one is given, in its environment."""
    markers = {f"C8S_RUN_ID={run_id}".encode()}
    if step:
        markers.add(f"C8S_STEP={step}".encode())
    try:
        content = (_PROC / str(process) / "environ").read_bytes()
    except OSError:
        return False  # It has ended, or is somebody else's.
    return markers <= set(content.split(b"\0"))


def _has_mark(process: int, mark: int) -> bool:
    try:
        score = (_PROC / str(process) / _OUT_OF_MEMORY_SCORE).read_text()
    except OSError:
        return False
    return mark != 0 and int(score) == mark


def children() -> list[int] | None:
    """The children of this process; None where the kernel does not tell."""
    found: list[int] = []
    threads = list((_PROC / "self" / "task").glob("*"))
    for thread in threads:
        try:
            found += (int(child) for child in (thread / "children").read_text().split())
        except OSError:
            if thread.exists():
                return None
    return found if threads else None
