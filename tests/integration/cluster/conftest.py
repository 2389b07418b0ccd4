"""A namespace of a real control plane or node for each test, and its administrator."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client

from integration.cluster.planning import place, plan
from integration.kube.reach import client_of
from kube.cluster import Cluster
from kube.fixtures import cluster, control_namespace, control_plane, namespace
from unit.plugins.conftest import call

__all__ = [
    "call",
    "cluster",
    "control_namespace",
    "control_plane",
    "namespace",
    "place",
    "plan",
]

PROGRAM = Path(sys.executable).with_name("c8s")


@pytest.fixture
def control(control_plane: Cluster) -> Iterator[Client]:
    """The administrator of the control plane."""
    with client_of(control_plane) as found:
        yield found


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a call of the command ended."""

    code: int
    out: str
    err: str


@dataclasses.dataclass(frozen=True)
class Command:
    """The command `c8s` as a program of its own, with one kubeconfig and one store."""

    environment: Mapping[str, str]
    folder: Path

    def __call__(self, *words: str | Path, stdin: bytes = b"", **environment: str) -> Ended:
        done = subprocess.run(
            [PROGRAM, *map(str, words)],
            input=stdin,
            env={**self.environment, **environment},
            cwd=self.folder,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert b"Traceback" not in done.stderr
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def with_kubeconfig(self, path: Path) -> Command:
        return Command({**self.environment, "KUBECONFIG": str(path)}, self.folder)


@pytest.fixture
def c8s(control_plane: Cluster, tmp_path: Path) -> Command:
    """The command, whose current cluster is the control plane."""
    folder = tmp_path / "here"
    folder.mkdir()
    environment = {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        "HOME": str(tmp_path),
        "C8S_STORE": str(tmp_path / "store"),
        "KUBECONFIG": str(control_plane.kubeconfig),
    }
    return Command(environment, folder)
