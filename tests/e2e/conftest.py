"""Pipelines on the real node: a namespace for each test, and what launches runs in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3_settings import s3_settings

from e2e.lab import Lab
from kube.agent import push_agent
from kube.cluster import Cluster
from kube.fixtures import cluster, namespace
from s3_server import S3Server, s3_server

__all__ = ["cluster", "namespace"]


@pytest.fixture(scope="session")
def agent(cluster: Cluster) -> str:
    """The agent's image of this checkout, as pods name it."""
    return push_agent(cluster)


@pytest.fixture
def lab(cluster: Cluster, namespace: str, agent: str, tmp_path: Path) -> Lab:
    return Lab(cluster, namespace, agent, tmp_path / "store", cluster.kubeconfig)


@pytest.fixture
def server(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """At an address that pods reach."""
    with s3_server(tmp_path / "s3", lab.cluster.host_address) as found:
        for name, value in found.credentials.items():
            monkeypatch.setenv(name, value)
        lab.objects = s3_settings(found.options(), {})
        yield found
