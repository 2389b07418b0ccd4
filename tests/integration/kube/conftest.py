"""A real Kubernetes for the adapter's tests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client

from integration.kube.reach import client_of
from kube.cluster import Cluster, used
from kube.fixtures import cluster, control_namespace, control_plane, namespace

__all__ = ["cluster", "control_namespace", "control_plane", "namespace"]


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Client]:
    """The administrator of the real node."""
    with client_of(cluster) as found:
        yield found


@pytest.fixture
def control(control_plane: Cluster) -> Iterator[Client]:
    """The administrator of the control plane."""
    with client_of(control_plane) as found:
        yield found


@pytest.fixture(scope="session")
def fragile_control() -> Iterator[Cluster]:
    """A control plane of our own to break."""
    with ExitStack() as stack:
        yield stack.enter_context(used("control", f"fragile-{secrets.token_hex(3)}"))


@pytest.fixture(scope="session")
def fragile_node() -> Iterator[Cluster]:
    """A real node of our own to break."""
    with ExitStack() as stack:
        yield stack.enter_context(used("full", f"fragile-{secrets.token_hex(3)}"))
