"""Plans of launches on the control plane, and proof that they make nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.kube import kinds
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import rights

from kube.cluster import Cluster
from unit.plugins.conftest import Call, Done

HEAD = "version: v1alpha1\nname: p\n"
TWO = f"""{HEAD}steps:
  - {{name: a, image: "alpine:3", commands: ["true"]}}
  - {{name: b, image: "alpine:3", commands: ["true"], dependsOn: [a]}}
  - {{name: c, image: "alpine:3", commands: ["true"], when: {{branch: main}}}}
"""
OBJECTS = (kinds.JOB, kinds.POD, kinds.CONFIG_MAP, kinds.SECRET)

Plan = Callable[..., Done]


@pytest.fixture
def place(control_plane: Cluster, control_namespace: str, tmp_path: Path) -> dict[str, Any]:
    return {
        "executor": "kubernetes",
        "kubeconfig": str(control_plane.kubeconfig),
        "namespace": control_namespace,
        "store": str(tmp_path / "store"),
    }


PUBLISHED = "kube-root-ca.crt"
"""What a cluster puts into each namespace, some time after it was made."""


def there(client: Client, namespace: str) -> dict[str, list[tuple[str, str]]]:
    """All that could have been made, with its version."""
    return {
        kind.name: sorted(
            (found["metadata"]["name"], found["metadata"]["resourceVersion"])
            for found in Resources(client).listing(kind, namespace).objects
            if found["metadata"]["name"] != PUBLISHED
        )
        for kind in OBJECTS
    }


@pytest.fixture
def plan(call: Call, control: Client, control_namespace: str, place: dict[str, Any]) -> Plan:
    """pipeline_run in check mode; afterwards all is as it was before."""

    def planned(**options: Any) -> Done:
        before = there(control, control_namespace)
        done = call("pipeline_run", check=True, diff=True, **{**place, **options})
        assert there(control, control_namespace) == before
        return done

    return planned


def made(client: Client, namespace: str, kind: str, name: str, spec: dict[str, Any]) -> None:
    manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    Resources(client).create(manifest, namespace)


def only(done: Done) -> dict[str, Any]:
    assert not done.failed, done.result
    (found,) = done.result["plan"]
    return dict(found)


def role(*left_out: str) -> list[dict[str, Any]]:
    """The documented Role but for some resources."""
    return [
        {"apiGroups": [rule.group], "resources": [rule.resource], "verbs": list(rule.verbs)}
        for rule in rights.DRIVING
        if rule.resource not in left_out
    ]
