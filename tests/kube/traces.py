"""What an instance of the cluster could leave on the host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kube.command import run
from kube.instance import Instance

# The kubelet would set these for the whole host.
SYSCTLS = (
    *("kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys"),
    *("kernel/keys/root_maxbytes", "vm/overcommit_memory", "vm/panic_on_oom"),
)
# Paths that the programs of a node write, whatever they are told.
FIXED = (
    *("/var/lib/kubelet", "/var/lib/cni", "/var/log/containers", "/var/log/pods"),
    *("/usr/libexec/kubernetes", "/run/c8s", "/run/runsc", "/etc/cni"),
)


@dataclass(frozen=True, slots=True)
class Traces:
    """All of it, as it is now. Empty but for `host` when there is nothing."""

    folder: bool
    mounts: tuple[str, ...]
    cgroups: tuple[str, ...]
    links: tuple[str, ...]
    routes: tuple[str, ...]
    processes: tuple[int, ...]
    host: tuple[str, ...]

    @classmethod
    def of(cls, instance: Instance, network: str) -> Traces:
        """The traces of an instance whose network namespace is, or was, `network`."""
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        routes = run("ip", "-4", "route", "show").splitlines()
        ours = (instance.node_address, instance.host_address, instance.link)
        return cls(
            folder=instance.folder.exists(),
            mounts=tuple(line for line in mounts if str(instance.folder) in line),
            cgroups=tuple(map(str, Path("/sys/fs/cgroup").glob(f"*/{instance.cgroup}"))),
            links=tuple(name for name in os.listdir("/sys/class/net") if name == instance.link),
            routes=tuple(line for line in routes if any(each in line for each in ours)),
            processes=tuple(_inside(network)),
            host=tuple(_host()),
        )

    @classmethod
    def none(cls) -> Traces:
        """A host without any."""
        return cls(False, (), (), (), (), (), tuple(_host()))


def network_of(process: int | str) -> str:
    """The network namespace of a process, as the kernel names it; empty where it can't be seen."""
    try:
        return os.readlink(f"/proc/{process}/ns/net")
    except (FileNotFoundError, PermissionError):
        return ""


def _inside(network: str) -> Iterator[int]:
    for entry in os.listdir("/proc"):
        if entry.isdigit() and network_of(entry) == network:
            yield int(entry)


def _host() -> Iterator[str]:
    for name in SYSCTLS:
        path = Path("/proc/sys") / name
        if path.exists():
            yield f"{name} = {path.read_text().strip()}"
    yield from (path for path in FIXED if Path(path).exists())
