"""What launches pipelines in one namespace of the real cluster, for tests."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod import JobSettings
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster_runs import ClusterRuns
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import Event
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request

from kube.cluster import Cluster

HEAD = "version: v1alpha1\nname: p\n"
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
    events: list[Event] = dataclasses.field(default_factory=list)

    def runs(self, **settings: object) -> ClusterRuns:
        """A driver of its own, as a new process would have."""
        options = connection_options({"kubeconfig": str(self.kubeconfig)}, {})
        return ClusterRuns(
            connect(options, {}),
            JobSettings(
                namespace=self.namespace,
                agent_image=self.agent,
                **settings,  # type: ignore[arg-type]
            ),
            self.store,
            report=self.events.append,
        )

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
        return records.log(run.name, step, attempt).read_text()

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
        return not self.runs().records.log(run.name, step, 1).exists()
