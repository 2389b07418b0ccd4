"""Drivers of runs in a cluster as processes of their own, to be killed; and what became of runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod import JobSettings
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.runs import (
    ClusterRuns,
    kept_in_cluster,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3_settings import S3Settings

from faults.sightings import Sightings
from kube.cluster import Cluster

C8S = Path(sys.executable).parent / "c8s"
T = TypeVar("T")
KEY = "the same"
END_SECONDS = 240
STARTED: list[subprocess.Popen[bytes]] = []
"""The drivers of the test that goes on."""


@dataclass(frozen=True)
class Place:
    """One namespace, one store, and the way to the API that a driver takes."""

    cluster: Cluster
    namespace: str
    store: Path
    kubeconfig: Path
    agent: str = "c8s-agent"
    objects: S3Settings | None = None

    def begin(
        self, file: Path, *words: str, program: Sequence[str] = (str(C8S),), **more: Any
    ) -> subprocess.Popen[bytes]:
        """Start the command; called again with the same file it means the same run."""
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        process = subprocess.Popen(
            [
                *(*program, "run", str(file), "--executor", "kubernetes", "-o", "json"),
                *("--namespace", self.namespace, "--store", str(self.store)),
                *("--agent-image", self.agent, "--idempotency-key", KEY, *words),
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **more,
        )
        STARTED.append(process)
        return process

    def runs(self) -> ClusterRuns:
        """A driver in this process."""
        options = connection_options({"kubeconfig": str(self.kubeconfig)}, {})
        settings = JobSettings(namespace=self.namespace, agent_image=self.agent)
        return ClusterRuns(connect(options, {}), settings, self.store, objects=self.objects)

    def launch(self, text: bytes, runs: ClusterRuns | None = None) -> Run:
        """Drive a pipeline to its end in this process; the same again means the same run."""
        runs = runs or self.runs()
        (launched,) = runs.launch(runs.orders([Request(text, idempotency_key=KEY)]))
        return launched.run

    def log(self, run: str, step: str, attempt: int = 1) -> bytes:
        """The stored log of a step."""
        client = connect(connection_options({"kubeconfig": str(self.kubeconfig)}, {}), {})
        records = kept_in_cluster(client, self.namespace, self.store, self.objects)
        return b"".join(records.stored_log(run, step, attempt).read())

    def records(self) -> list[dict[str, Any]]:
        """The records of all runs as the cluster has them."""
        selector = "app.kubernetes.io%2Fmanaged-by%3Dc8s,c8s.dev%2Fkind%3Drun"
        path = f"/api/v1/namespaces/{self.namespace}/configmaps?labelSelector={selector}"
        found = self.cluster.api().get(path)["items"]
        return [json.loads(item["data"]["record.json"]) for item in found]

    def jobs(self) -> list[dict[str, Any]]:
        """The Jobs there are."""
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        return list(self.cluster.api().get(path)["items"])


def end_all() -> None:
    """End the drivers that a test, having failed, has left."""
    while STARTED:
        with STARTED.pop() as process:
            process.kill()


def ended(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The record that a driver prints at its end."""
    output, said = process.communicate(timeout=END_SECONDS)
    try:
        record: dict[str, Any] = json.loads(output)
    except ValueError:
        raise AssertionError((process.returncode, output, said.decode())) from None
    return record


def check_end(
    place: Place, sightings: Sightings | None, record: Mapping[str, Any], logs: Mapping[str, bytes]
) -> None:
    """That a run came to the end that it has when nothing befalls it: every step once, whole.

    `sightings` may be None where the API server itself was away: nobody could look.
    """
    status = record["status"]
    assert status["phase"] == "Succeeded", status
    (kept,) = place.records()
    assert kept["status"] == status, (kept["status"], status)
    assert kept["metadata"]["uid"] == record["metadata"]["uid"]
    told = {
        step["name"]: (step["phase"], step["attempts"], step.get("exitCode"))
        for step in status["steps"]
    }
    assert told == dict.fromkeys(logs, ("Succeeded", 1, 0)), status
    for kind in ("jobs", "pods") if sightings is not None else ():
        seen = sightings.of(kind, place.namespace)
        assert sorted(found.step for found in seen) == sorted(logs), (kind, seen)
        assert not any(found.deleted for found in seen), (kind, seen)
    for step, log in logs.items():
        assert place.log(record["metadata"]["name"], step) == log, step


def order_of(steps: Sequence[Mapping[str, Any]], **fields: Any) -> bytes:
    """A pipeline file of these steps. It is JSON, which is YAML."""
    small = {"cpu": "10m", "memory": "16Mi"}
    written = [{"image": "busybox", "resources": small, **step} for step in steps]
    return json.dumps({"version": "v1alpha1", "name": "p", **fields, "steps": written}).encode()


def side_by_side(trials: Mapping[str, Callable[[], T]], workers: int) -> dict[str, T]:
    """What each trial gives, by its name; all that failed together, each with its name."""
    with ThreadPoolExecutor(workers) as pool:
        done = {name: pool.submit(trial) for name, trial in trials.items()}
    faults: list[Exception] = []
    for name, future in done.items():
        error = future.exception()
        if isinstance(error, Exception):
            error.add_note(f"in: {name}")
            faults.append(error)
    if faults:
        raise ExceptionGroup(f"{len(faults)} of {len(done)} trials", faults)
    return {name: future.result() for name, future in done.items()}
