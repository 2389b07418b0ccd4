"""Taking an instance down: nothing of it stays on the host, however it ended."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from kube import namespaces
from kube.command import run
from kube.errors import ClusterError
from kube.instance import Instance, checked, home, load
from kube.waiting import wait_for

CGROUPS = Path("/sys/fs/cgroup")
LINKS = Path("/sys/class/net")


def down(name: str) -> bool:
    """End the instance and clear all that it left; False when there was nothing."""
    folder = home() / checked(name)
    found = folder.exists() or namespaces.first_process(name) is not None
    _stop_kind(name)
    namespaces.kill(name)
    _remove_cgroups(f"c8s-{name}")
    # What is just dying may still make a file where all have been removed.
    wait_for(f"the end of {folder}", partial(_cleared, folder), timeout=20)
    _unplug(folder)
    if home().is_dir() and not any(home().iterdir()):
        home().rmdir()
    return found


def _cleared(folder: Path) -> bool:
    """Whether the folder is gone with all in it. Raises OSError where something came anew."""
    if folder.exists():
        shutil.rmtree(folder)
    return True


def _stop_kind(name: str) -> None:
    try:
        instance = load(name)
    except ClusterError:  # without a whole record it is none of kind's
        return
    if instance.maker == "kind":
        run("kind", "delete", "cluster", "--name", instance.cgroup, timeout=120)


def _unplug(folder: Path) -> None:
    """Remove the cable that belongs to the instance in `folder`; its routes go with it."""
    for link in LINKS.glob("c8s-h*"):
        try:
            owner = (link / "ifalias").read_text().strip()
            if owner == str(folder):
                run("ip", "link", "delete", link.name)
        except (ClusterError, OSError):
            if link.exists():  # else it went with its namespace in this moment
                raise


def make_cgroup(instance: Instance) -> None:
    """The root of the instance's cgroups, in each hierarchy."""
    for root in _hierarchies():
        if not root.is_dir():
            continue
        controllers = root / "cgroup.controllers"
        if root == CGROUPS and controllers.exists():
            enabled = "".join(f" +{name}" for name in controllers.read_text().split())
            (root / "cgroup.subtree_control").write_text(enabled)
        (root / instance.cgroup).mkdir(exist_ok=True)
        _inherit_cpus(root / instance.cgroup)


def _hierarchies() -> Iterator[Path]:
    """The one hierarchy of cgroup v2, or each of v1."""
    if (CGROUPS / "cgroup.controllers").exists():
        yield CGROUPS
        return
    for root in CGROUPS.iterdir():
        if root.is_dir() and not root.is_symlink():
            yield root


def _inherit_cpus(group: Path) -> None:
    """A cpuset of v1 begins empty, and takes no process until it names CPUs and memory nodes."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = group / name
        if file.exists() and not file.read_text().strip():
            file.write_text((group.parent / name).read_text())


def _remove_cgroups(name: str) -> None:
    for root in _hierarchies():
        group = root / name
        if group.is_dir():
            wait_for(f"the end of cgroup {group}", partial(_removed, group), timeout=20)


def _removed(group: Path) -> bool:
    """Whether the cgroup is gone with all below it; what still lives in it is killed."""
    for walked in os.walk(group, topdown=False):
        folder = Path(walked[0])
        for pid in (folder / "cgroup.procs").read_text().split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            folder.rmdir()
        except OSError:
            return False
    return True
