"""Debian packages: downloaded and unpacked in the cache, or installed where the host needs them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache as remembered
from pathlib import Path
from typing import IO

from kube import cache
from kube.command import run
from kube.errors import ClusterError

# What the node runs beside what is built from Go modules; runc needs libseccomp.
TOOLS = (
    "busybox-static",
    "containernetworking-plugins",
    "docker-registry",
    "libseccomp2",
    "runc",
)


def tools() -> Path:
    """A root folder in the cache with the unpacked packages of TOOLS."""
    key = hashlib.sha256(" ".join(TOOLS).encode()).hexdigest()[:16]
    return cache.made(cache.folder("tools") / key, _unpack_tools)


def closure(packages: Sequence[str], without: Sequence[str] = ()) -> tuple[Path, ...]:
    """The files of `packages` and of all they depend on, less those named in `without`.

    Asked of apt as if nothing were installed, so that it is a whole root.
    """
    _need("apt-get")
    archive = cache.folder("debs")
    status = archive / "nothing-installed"
    status.touch()
    empty = archive / "empty"  # apt does not list what it finds in its archive already
    options = (
        "--quiet=2",
        "--option=APT::Install-Recommends=0",
        "--option=APT::Sandbox::User=root",
        "--option=Debug::NoLocking=1",
        f"--option=Dir::State::status={status}",
    )
    with cache.locked("debs"):
        for folder in (archive, empty):
            (folder / "partial").mkdir(parents=True, exist_ok=True)
        there = f"--option=Dir::Cache::archives={empty}"
        listed = _apt(*options, there, "--print-uris", "install", *packages)
        there = f"--option=Dir::Cache::archives={archive}"
        _apt(*options, there, "--yes", "--download-only", "install", *packages)
    files = []
    for line in listed.splitlines():
        if line.startswith("'"):
            file = archive / line.split()[1]
            if file.name.split("_")[0] not in without:
                files.append(file)
    if not files:
        raise ClusterError(f"apt-get found nothing to download for {' '.join(packages)}")
    return tuple(files)


@contextmanager
def unpacked(deb: Path) -> Iterator[tarfile.TarFile]:
    """The file tree of a package as a tar stream, to be read once from front to back."""
    _need("dpkg-deb")
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as process:
        stream: IO[bytes] | None = process.stdout
        if stream is None:
            raise ClusterError(f"dpkg-deb gives no stream for {deb}")
        with tarfile.open(fileobj=stream, mode="r|") as tree:
            yield tree
            stream.read()
    if process.returncode != 0:
        raise ClusterError(f"{deb} can't be unpacked; remove it from the cache and try again")


def install(*packages: str) -> None:
    """Install on the host those of `packages` that are missing. Needs root.

    Services that come with them are not started.
    """
    missing = [name for name in packages if not _installed(name)]
    if not missing:
        return
    if os.geteuid() != 0:
        raise ClusterError(f"missing Debian packages, install them as root: {' '.join(missing)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with cache.locked("debs"):
        _refresh_lists()
        run(
            "apt-get",
            *("--quiet=2", "--yes", "--no-install-recommends"),
            *("--option=DPkg::Lock::Timeout=300", "install"),
            *missing,
            env=environment,
        )


def _installed(package: str) -> bool:
    said = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package],
        check=False,
        capture_output=True,
        text=True,
    )
    return said.stdout == "installed"


def _apt(*arguments: str) -> str:
    """apt-get's answer; asked again after one `apt-get update` when it does not know a name."""
    try:
        return run("apt-get", *arguments)
    except ClusterError:
        _refresh_lists()
        return run("apt-get", *arguments)


@remembered
def _refresh_lists() -> None:
    """apt-get update, once in this process, never beside another one of ours."""
    with (cache.folder("locks") / "apt-update").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        run("apt-get", "--quiet=2", "update")


def _need(program: str) -> None:
    if shutil.which(program) is None:
        raise ClusterError(
            f"{program} is missing: the test cluster takes runc, CNI plugins and images from "
            "Debian's packages. Use a Debian machine, install kind or k3s, or name a cluster in "
            "C8S_TEST_KUBECONFIG."
        )


def _unpack_tools(into: Path) -> None:
    wanted = set(TOOLS)
    for deb in closure(TOOLS):
        if deb.name.split("_")[0] in wanted:
            run("dpkg-deb", "--extract", deb, into)
