"""Fixtures for tests on a real Kubernetes: import them in a conftest.py.

They are the clusters of `make cluster` and `make cluster-control` where those are up. With
C8S_TEST_CLUSTER=NAME a test run has clusters of its own and meets no other.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from kube.cluster import Cluster, used
from kube.instance import usual_name
from kube.own import wait_account


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real node with real pods."""
    with ExitStack() as stack:
        yield stack.enter_context(used("full", usual_name("full")))


@pytest.fixture(scope="session")
def control_plane() -> Iterator[Cluster]:
    """A control plane whose pods are played by kwok, for scale."""
    with ExitStack() as stack:
        yield stack.enter_context(used("control", usual_name("control")))


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of this test's own on the real node."""
    with own_namespace(cluster) as name:
        yield name


@pytest.fixture
def control_namespace(control_plane: Cluster) -> Iterator[str]:
    """A namespace of this test's own on the control plane."""
    with own_namespace(control_plane) as name:
        yield name


@contextmanager
def own_namespace(cluster: Cluster, labels: dict[str, str] | None = None) -> Iterator[str]:
    """A new namespace in which pods can be made at once; it goes with all that is in it.

    Labels such as `pod-security.kubernetes.io/enforce: restricted` may be given.
    """
    api, name = cluster.api(), f"test-{secrets.token_hex(4)}"
    api.create(
        "/api/v1/namespaces",
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": labels or {}},
        },
    )
    try:
        wait_account(api, name)
        yield name
    finally:
        # Jobs first, so that they make no new pods; these need no time to end well.
        api.delete(f"/apis/batch/v1/namespaces/{name}/jobs")
        api.delete(f"/api/v1/namespaces/{name}/pods", grace_seconds=0)
        api.delete(f"/api/v1/namespaces/{name}")
