"""What containers need on hosts that allow less than engines expect, learnt from their errors."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import resource
import shutil

_PID_MAX = pathlib.Path("/proc/sys/kernel/pid_max")
# Programs that are linked statically and so run in any image.
_INITS = ("catatonit", "tini-static", "docker-init")

_RLIMIT = re.compile(r"setrlimit|setting rlimit", re.IGNORECASE)
_NO_INIT = re.compile(r"container-init binary not found|exec: \"docker-init\"", re.IGNORECASE)
_NO_CONTROLLER = re.compile(r"controller `?(?P<name>cpu|pids)`? is not available", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Remedies:
    """Differences from what every container is made with.

    `ulimits`: set to what this process has, where the engine's own are more than it may grant.
    `init`, `init_path`: whether there is a first process to be had, and which.
    `cpu_shares`, `pids_limit`: off where this user's cgroup has no such controller.
    """

    ulimits: tuple[str, ...] = ()
    init: bool = True
    init_path: str = ""
    cpu_shares: bool = True
    pids_limit: bool = True


def remedy(words: str, tried: Remedies) -> Remedies | None:
    """What to try next after the engine's `words`; None where there is nothing left to try."""
    if _RLIMIT.search(words) and not tried.ulimits:
        return dataclasses.replace(tried, ulimits=own_ulimits())
    if _NO_INIT.search(words) and tried.init:
        path = next((found for name in _INITS if (found := shutil.which(name))), "")
        if path and not tried.init_path:
            return dataclasses.replace(tried, init_path=path)
        return dataclasses.replace(tried, init=False, init_path="")
    lacking = _NO_CONTROLLER.search(words)
    if lacking and lacking["name"] == "cpu" and tried.cpu_shares:
        return dataclasses.replace(tried, cpu_shares=False)
    if lacking and lacking["name"] == "pids" and tried.pids_limit:
        return dataclasses.replace(tried, pids_limit=False)
    return None


def own_ulimits() -> tuple[str, ...]:
    """This process's limits on files and processes, as `--ulimit` takes them.

    podman lowers that on processes to the highest process id before it starts anything.
    """
    files_soft, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    _soft, processes = resource.getrlimit(resource.RLIMIT_NPROC)
    if _PID_MAX.exists():
        highest = int(_PID_MAX.read_text())
        processes = highest if processes == resource.RLIM_INFINITY else min(processes, highest)
    return (f"nofile={files_soft}:{files}", f"nproc={processes}:{processes}")
