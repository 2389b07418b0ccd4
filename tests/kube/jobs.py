"""Jobs for the cluster's own tests: made, waited for, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kube.api import Api
from kube.waiting import wait_for


def job(
    name: str,
    image: str,
    command: Sequence[str] | None,
    *,
    annotations: Mapping[str, str] | None = None,
    pod: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """The manifest of a Job that runs one container once. `pod` adds to the pod's spec."""
    container: dict[str, object] = {"name": "main", "image": image}
    if command is not None:
        container["command"] = list(command)
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, **(pod or {})}
    spec.setdefault("containers", [container])
    template = {"metadata": {"annotations": dict(annotations or {})}, "spec": spec}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": template},
    }


class Finished:
    """A Job at its end: `outcome` is Complete or Failed, `pod` its last pod."""

    def __init__(self, api: Api, namespace: str, name: str, outcome: str) -> None:
        self._api = api
        self._pods = f"/api/v1/namespaces/{namespace}/pods"
        self.outcome = outcome
        self.pod: dict[str, Any] = api.get(f"{self._pods}?labelSelector=job-name={name}")["items"][
            -1
        ]

    @property
    def exit_code(self) -> int:
        """Of the pod's first container."""
        state = self.pod["status"]["containerStatuses"][0]["state"]
        return int(state["terminated"]["exitCode"])

    def log(self) -> str:
        """Of the pod's first container."""
        return self._api.text("GET", f"{self._pods}/{self.pod['metadata']['name']}/log")


def create(api: Api, namespace: str, manifest: Mapping[str, object]) -> None:
    """Create a Job."""
    api.create(f"/apis/batch/v1/namespaces/{namespace}/jobs", manifest)


def finish(api: Api, namespace: str, name: str, *, timeout: float = 60.0) -> Finished:
    """Wait for a Job's end. `timeout` is in seconds."""

    def outcome() -> str | None:
        found = api.get(f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}")
        for condition in found["status"].get("conditions", []):
            if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
                return str(condition["type"])
        return None

    ended = wait_for(f"the end of Job {name}", outcome, timeout=timeout, pause=0.1)
    return Finished(api, namespace, name, ended)


def run(api: Api, namespace: str, manifest: Mapping[str, Any]) -> Finished:
    """Create a Job and wait for its end."""
    create(api, namespace, manifest)
    return finish(api, namespace, manifest["metadata"]["name"])
