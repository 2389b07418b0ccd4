"""What launches pipelines in one namespace of the real cluster, for tests."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.exec import execute
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod import JobSettings
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.claims import UNTIL
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.runs import ClusterRuns
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import Event, Report, ignore
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3_settings import S3Settings

from kube.cluster import Cluster

HEAD = "version: v1alpha1\nname: p\n"
LONG_AGO = "2026-01-01T00:00:00Z"
SMALL = "resources: {cpu: 10m, memory: 16Mi}"
"""What a step of a test asks for, so that many fit on a small node."""


@dataclasses.dataclass
class Lab:
    """One namespace of the cluster, and everything that a test launches there."""

    cluster: Cluster
    namespace: str
    agent: str
    store: Path
    kubeconfig: Path
    objects: S3Settings | None = None
    events: list[Event] = dataclasses.field(default_factory=list)

    @staticmethod
    def driver(
        kubeconfig: Path,
        store: Path,
        report: Report = ignore,
        objects: S3Settings | None = None,
        **settings: object,
    ) -> ClusterRuns:
        """What launches runs for whoever the kubeconfig names."""
        options = connection_options({"kubeconfig": str(kubeconfig)}, {})
        told = JobSettings(**settings)  # type: ignore[arg-type]
        return ClusterRuns(connect(options, {}), told, store, objects=objects, report=report)

    def runs(self, **settings: object) -> ClusterRuns:
        """A driver of its own, as a new process would have."""
        usual = {"namespace": self.namespace, "agent_image": self.agent}
        return self.driver(
            self.kubeconfig, self.store, self.events.append, self.objects, **{**usual, **settings}
        )

    def process(self, steps: str, name: str, store: Path | None = None) -> subprocess.Popen[str]:
        """A process that launches the run of this name, or goes on with it; it prints its end."""
        wanted = {
            "kubeconfig": str(self.kubeconfig),
            "namespace": self.namespace,
            "agent": self.agent,
            "store": str(store or self.store),
            "name": name,
            "text": f"{HEAD}steps:\n{steps}",
            "objects": dataclasses.asdict(self.objects) if self.objects else None,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "e2e.launching", json.dumps(wanted)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def is_driven_or_over(self, driver: subprocess.Popen[str]) -> bool:
        """Whether this process has begun to drive a run, or has ended."""
        records = self.runs().records
        return driver.poll() is not None or any(map(records.driven, records.names()))

    def run(self, steps: str, *, head: str = "", **request: str) -> Run:
        """Launch a pipeline of these steps and drive it to its end."""
        runs = self.runs()
        return self.launch(runs, steps, head=head, **request)

    def launch(self, runs: ClusterRuns, steps: str, *, head: str = "", **request: str) -> Run:
        text = f"{HEAD}{head}\nsteps:\n{steps}".encode()
        (launched,) = runs.launch(runs.orders([Request(text, **request)]))
        return launched.run

    def log(self, run: Run, step: str) -> str:
        """The stored log of a step's last attempt."""
        records = self.runs().records
        attempt = run.status.step(step).attempts
        return b"".join(records.stored_log(run.name, step, attempt).read()).decode()

    def secret(self, name: str, **values: str) -> None:
        self.cluster.api().create(
            f"/api/v1/namespaces/{self.namespace}/secrets",
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name},
                "stringData": values,
            },
        )

    def quota(self, pods: int) -> None:
        """Let the namespace have no more pods than so many at one time."""
        self.cluster.api().create(
            f"/api/v1/namespaces/{self.namespace}/resourcequotas",
            {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"name": "pods"},
                "spec": {"hard": {"pods": str(pods)}},
            },
        )

    def exec(self, pod: str, *words: str) -> None:
        """Run a command in the step's container of a pod."""
        options = connection_options({"kubeconfig": str(self.cluster.kubeconfig)}, {})
        with contextlib.closing(connect(options, {})) as client:
            done = execute(client, self.namespace, pod, "step", words)
        assert done.exit_code == 0, done

    def let_claims_run_out(self) -> None:
        """As if the host of a driver had been gone for long."""
        path = f"/api/v1/namespaces/{self.namespace}/configmaps"
        for record in self.items("configmaps"):
            annotations = record["metadata"].get("annotations", {})
            if annotations.get(UNTIL):
                annotations[UNTIL] = LONG_AGO
                self.cluster.api().text("PUT", f"{path}/{record['metadata']['name']}", record)

    def config_map(self, name: str, data: dict[str, str]) -> None:
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        self.cluster.api().create(
            f"/api/v1/namespaces/{self.namespace}/configmaps", {**manifest, "data": data}
        )

    def items(self, kind: str) -> list[dict[str, Any]]:
        """What there is of a kind (`pods`, `jobs`, `events`, ...) in the namespace."""
        group = "/apis/batch/v1" if kind == "jobs" else "/api/v1"
        found = self.cluster.api().get(f"{group}/namespaces/{self.namespace}/{kind}")
        return list(found["items"])

    def log_of_none(self, run: Run, step: str) -> bool:
        """Whether no log is kept of a step, for none of its commands ever ran."""
        return not self.runs().records.stored_log(run.name, step, 1).exists()
