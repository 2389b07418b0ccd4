"""Commands of ours beside a step, in containers that end, live on, or kill them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import pod_agent
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.pod_agent import (
    CarryFailed,
    ContainerEnded,
    PodAgent,
)

from integration.kube.reach import client_of, start_pod
from kube.cluster import Cluster

POD = {"metadata": {"name": "p"}}


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Client]:
    with client_of(cluster) as found:
        yield found


def asked(monkeypatch: Any, client: Client, namespace: str, script: str) -> None:
    """Have the agent run a script in the pod."""
    monkeypatch.setattr(pod_agent, "AGENT", ("sh", "-c", script))
    PodAgent(client, namespace).unpack(POD, "step", "/tmp", iter(()))


def again(call: Callable[[], None]) -> None:
    """Call until that fails for good: at a container's very end the node says many things."""
    for _attempt in range(100):
        with contextlib.suppress(Unavailable):
            call()
        time.sleep(0.02)
    raise AssertionError("it goes on and on")


def test_a_door_of_a_container_that_ends_and_has_ended(client: Client, namespace: str) -> None:
    start_pod(client, namespace, "p", "mkdir /c8s; until test -e /c8s/door; do sleep 0.1; done")
    agent = PodAgent(client, namespace)
    agent.open_door(POD, "step", "door")
    with pytest.raises(ContainerEnded):
        again(lambda: agent.open_door(POD, "step", "door"))
    with pytest.raises(ContainerEnded, match="cannot run sh"):
        agent.open_door({"metadata": {"name": "none"}}, "step", "door")


def test_a_command_that_is_killed_with_its_container(
    client: Client, namespace: str, monkeypatch: Any
) -> None:
    start_pod(client, namespace, "p", "sleep 3")
    with pytest.raises(ContainerEnded):
        again(lambda: asked(monkeypatch, client, namespace, "sleep 30"))


def test_a_command_that_is_killed_alone(client: Client, namespace: str, monkeypatch: Any) -> None:
    start_pod(client, namespace, "p", "sleep 3600")
    with pytest.raises(CarryFailed, match="failed with code 137: no word why"):
        asked(monkeypatch, client, namespace, "kill -9 $$")
