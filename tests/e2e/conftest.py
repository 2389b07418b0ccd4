"""Pipelines on the real node: a namespace for each test, and what launches runs in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.lab import Lab
from kube.agent import push_agent
from kube.cluster import Cluster
from kube.fixtures import cluster, namespace

__all__ = ["cluster", "namespace"]


@pytest.fixture(scope="session")
def agent(cluster: Cluster) -> str:
    """The agent's image of this checkout, as pods name it."""
    return push_agent(cluster)


@pytest.fixture
def lab(cluster: Cluster, namespace: str, agent: str, tmp_path: Path) -> Lab:
    return Lab(cluster, namespace, agent, tmp_path / "store", cluster.kubeconfig)
