"""Runs in a cluster, put together: what modules and the command call."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import Denied, InvalidInput
from ..kube.connection import Client, connect
from ..kube.options import connection_options
from ..kube.resources import Resources
from ..pipeline.pod import JobSettings
from ..pipeline.spec import Pipeline
from ..storage.run_directory import RunDirectory
from .birth import Order
from .cluster_secrets import ClusterSecrets
from .config_map_records import ConfigMapRecords
from .driven_runs import DrivenRuns
from .events import Report, ignore
from .forecast import Check, Forecast, forecasts
from .host_runs import store_of
from .known_runs import KnownRuns
from .kubernetes import KubernetesExecutor
from .pod_files import PodFiles
from .pod_logs import PodLogs
from .rehearsal import Rehearsal

EXECUTOR = "kubernetes"


class ClusterRuns(DrivenRuns):
    """Runs in one namespace; logs and artifacts are kept in `store`, on this host."""

    def __init__(
        self,
        client: Client,
        settings: JobSettings,
        store: pathlib.Path,
        *,
        report: Report = ignore,
    ) -> None:
        resources = Resources(client)
        self._resources = resources
        self._settings = settings
        directory = RunDirectory(cluster_folder(store, client.server, settings.namespace))
        records = ConfigMapRecords(client, settings.namespace, directory)
        self._kept = records
        self._secrets = ClusterSecrets(
            resources, settings.namespace, settings.clone_secret, settings.authorities
        )
        executor = KubernetesExecutor(
            resources,
            settings,
            records,
            self._secrets,
            PodLogs(client, settings.namespace, directory),
            PodFiles(client, settings.namespace, directory, client.time.now),
            client.time.now,
        )
        super().__init__(
            EXECUTOR, executor, records, report, allow_file=False, clock=client.time.now
        )

    @property
    def place(self) -> str:
        """Where the runs are, for people."""
        return f"namespace {self._settings.namespace} of {self._resources.client.server}"

    def rehearsed(self, orders: Sequence[Order]) -> list[Forecast]:
        """What `launch` would do, and what the cluster would say to it; nothing is made."""
        now = self._clock()
        meant = [dataclasses.replace(order, executor=EXECUTOR) for order in orders]
        known = KnownRuns(self._kept, meant)
        told = forecasts(known, meant, self._readable, now)
        answers = Rehearsal(self._resources, self._settings, known, now).of(told)
        return [
            dataclasses.replace(one, problems=(*one.problems, *said.problems), where=said)
            for one, said in zip(told, answers, strict=True)
        ]

    def _readable(self, pipeline: Pipeline) -> None:
        """As `check` of secrets; that they may not be read is one more thing to be told."""
        try:
            self._secrets.check(pipeline)
        except Denied as error:
            raise InvalidInput(error.message) from error

    def _check(self, *, with_secrets: bool = True) -> Check:
        return self._secrets.check if with_secrets else _unchecked

    def hurry(self) -> None:
        """There is nothing to take: pods end in their grace period, watched or not."""


def _unchecked(_pipeline: Pipeline) -> None:
    """Nothing is asked of the cluster yet."""


def kept_in_cluster(client: Client, namespace: str, store: pathlib.Path) -> ConfigMapRecords:
    """The runs of a namespace, to look at: their records there, their logs on this host."""
    directory = RunDirectory(cluster_folder(store, client.server, namespace))
    return ConfigMapRecords(client, namespace, directory)


def cluster_runs(
    options: Mapping[str, Any], environment: Mapping[str, str], report: Report = ignore
) -> ClusterRuns:
    """From plain options: those of the connection, `namespace`, `store`, and `agent_image`,
    `clone_secret`, `authorities`, `runtime_class`, `pull_secrets`, `priority_class_prefix` and
    `run_as_user` where they are given.

    Raises NotFound where there is nothing to connect to.
    """
    client = connect(connection_options(options, environment), environment)
    return ClusterRuns(
        client,
        job_settings(options, environment, client.namespace),
        store_of(options, environment).root,
        report=report,
    )


def job_settings(
    options: Mapping[str, Any], environment: Mapping[str, str], namespace: str
) -> JobSettings:
    """What plain options, and C8S_AGENT_IMAGE behind them, say about pods; else the defaults."""
    usual = JobSettings()
    given: dict[str, Any] = {
        "agent_image": options.get("agent_image") or environment.get("C8S_AGENT_IMAGE"),
        "clone_secret": options.get("clone_secret"),
        "authorities": options.get("authorities"),
        "runtime_class": options.get("runtime_class"),
        "pull_secrets": tuple(options.get("pull_secrets") or ()),
        "priority_class_prefix": options.get("priority_class_prefix"),
    }
    user = options.get("run_as_user")
    return dataclasses.replace(
        usual,
        namespace=options.get("namespace") or namespace or usual.namespace,
        # A user below zero leaves the choice to the images.
        user=usual.user if user is None else (user if user >= 0 else None),
        **{name: value for name, value in given.items() if value},
    )


def cluster_folder(store: pathlib.Path, server: str, namespace: str) -> pathlib.Path:
    """Where a host keeps what runs of one namespace of one cluster leave."""
    digest = hashlib.sha256(server.encode()).hexdigest()[:12]
    return store / "clusters" / digest / namespace
