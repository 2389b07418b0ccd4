"""What tests of faults share: a host to run on, and clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.driving import end_all
from host_yard import Yard, repository
from kube.agent import push_agent
from kube.cluster import Cluster
from kube.fixtures import cluster, control_namespace, control_plane, namespace

__all__ = ["cluster", "control_namespace", "control_plane", "namespace"]


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one commit."""
    return repository(tmp_path / "project")


@pytest.fixture(autouse=True)
def no_driver_is_left() -> Iterator[None]:
    yield
    end_all()


@pytest.fixture(scope="session")
def agent(cluster: Cluster) -> str:
    """The agent's image of this checkout, as pods name it."""
    return push_agent(cluster)
