"""Clients of test clusters, straight or over a wire that can be broken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import yaml
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client, connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.kinds import POD
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources

from integration.kube.wire import Wire, wire
from kube.cluster import Cluster
from kube.waiting import wait_for


def kubeconfig(cluster: Cluster) -> dict[str, Any]:
    """The cluster's kubeconfig as a mapping, to be changed."""
    content: dict[str, Any] = yaml.safe_load(cluster.kubeconfig.read_text())
    return content


@contextmanager
def client_of(cluster: Cluster, *, patience: float = 30.0, **options: Any) -> Iterator[Client]:
    """A client by the cluster's kubeconfig, other options in place of it or beside it."""
    params = {"kubeconfig": str(cluster.kubeconfig), **options}
    client = connect(connection_options(params, {}), os.environ, patience=patience)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def wired(cluster: Cluster, **options: Any) -> Iterator[tuple[Client, Wire]]:
    """A client that reaches the cluster over a wire."""
    config = kubeconfig(cluster)
    inner = config["clusters"][0]["cluster"]
    server = urlsplit(inner["server"])
    with wire((server.hostname or "", server.port or 443)) as made:
        inner |= {"server": f"https://127.0.0.1:{made.port}", "tls-server-name": server.hostname}
        with client_of(cluster, kubeconfig=config, **options) as client:
            yield client, made


def pod_manifest(
    name: str, script: str, *, restart: str = "Never", **more: object
) -> dict[str, Any]:
    """A pod with one container `step` that runs a shell script."""
    container = {"name": "step", "image": "busybox", "command": ["sh", "-c", script]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": restart,
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            **more,
        },
    }


def start_pod(client: Client, namespace: str, name: str, script: str, **more: Any) -> None:
    """Start a pod and wait until its container runs or has run."""
    resources = Resources(client)
    resources.create(pod_manifest(name, script, **more), namespace)

    def started() -> bool:
        status = resources.get(POD, name, namespace)["status"]
        states = [found["state"] for found in status.get("containerStatuses", ())]
        return any("waiting" not in state for state in states)

    wait_for(f"pod {name} to start", started, timeout=60)
