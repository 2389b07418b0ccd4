"""Runs in a cluster, put together: what modules and the command call."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.errors import Denied, InvalidInput
from ...kube.connection import Client, connect
from ...kube.options import connection_options
from ...kube.resources import Resources
from ...pipeline.pod import JobSettings
from ...pipeline.spec import Pipeline
from ...storage.file_objects import FileObjects
from ...storage.run_directory import RunDirectory
from ...storage.run_objects import RunObjects
from ...storage.s3 import S3Objects
from ...storage.s3_settings import S3Settings, s3_settings
from ..birth import Order
from ..driven_runs import DrivenRuns
from ..events import Report, ignore
from ..forecast import Check, Forecast, forecasts
from ..host.runs import store_of
from ..launch import Launched
from .executor import KubernetesExecutor
from .kept_logs import KeptLogs
from .known_runs import KnownRuns
from .pod_agent import PodAgent
from .pod_artifacts import FolderArtifacts, ObjectArtifacts, PodArtifacts
from .pod_files import PodFiles
from .pod_logs import PodLogs
from .records import ConfigMapRecords
from .rehearsal import Rehearsal
from .secrets import ClusterSecrets

EXECUTOR = "kubernetes"


class ClusterRuns(DrivenRuns):
    """Runs in one namespace; logs and artifacts are kept in `store`, on this host, or in an object
    store where one is named."""

    def __init__(
        self,
        client: Client,
        settings: JobSettings,
        store: pathlib.Path,
        *,
        objects: S3Settings | None = None,
        report: Report = ignore,
    ) -> None:
        resources = Resources(client)
        self._resources = resources
        self._settings = settings = dataclasses.replace(settings, by_exec=objects is None)
        namespace = settings.namespace
        directory = RunDirectory(cluster_folder(store, client.server, namespace))
        self._bucket = run_objects(objects, namespace)
        records = ConfigMapRecords(client, namespace, directory, self._bucket)
        self._kept = records
        self._secrets = ClusterSecrets(
            resources, namespace, settings.clone_secret, settings.authorities
        )
        self._logs = KeptLogs(directory, self._bucket)
        agent = PodAgent(client, namespace)
        artifacts: PodArtifacts = FolderArtifacts(agent, directory, client.time.now)
        if self._bucket is not None:
            artifacts = ObjectArtifacts(agent, self._bucket, client.time.now)
        here = RunObjects(FileObjects(directory.root / "runs"), "")
        executor = KubernetesExecutor(
            resources,
            settings,
            records,
            self._secrets,
            PodLogs(client, namespace, self._logs),
            PodFiles(agent, artifacts, self._bucket or here),
            client.time.now,
        )
        self._cluster = executor
        super().__init__(
            EXECUTOR, executor, records, report, allow_file=False, clock=client.time.now
        )

    def launch(self, orders: Sequence[Order]) -> list[Launched]:
        """Launch and drive to the end; see `Launcher.launch`.

        An object store that is wrong or away is told before anything starts.
        """
        if self._bucket is not None:
            self._bucket.objects.check()
            self._bucket.drop_expired(self._clock())
            self._logs.take_leftovers()
        launched = super().launch(orders)
        ended = [one.run for one in launched if not (one.created or one.driven)]
        children = [
            name
            for run in ended
            for name in (run.status.matrix.children if run.status.matrix else ())
        ]
        self._cluster.let_left_expire([*(run.name for run in ended), *children])
        return launched

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
        objects = self._bucket.objects if self._bucket is not None else None
        answers = Rehearsal(self._resources, self._settings, known, now, objects).of(told)
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


def kept_in_cluster(
    client: Client, namespace: str, store: pathlib.Path, objects: S3Settings | None = None
) -> ConfigMapRecords:
    """The runs of a namespace, to look at: their records there, their logs in the object store,
    without one on this host."""
    directory = RunDirectory(cluster_folder(store, client.server, namespace))
    return ConfigMapRecords(client, namespace, directory, run_objects(objects, namespace))


def run_objects(settings: S3Settings | None, namespace: str) -> RunObjects | None:
    """Where a namespace's runs are in the object store, if one is named."""
    return RunObjects(S3Objects(settings), f"{namespace}/") if settings else None


def cluster_runs(
    options: Mapping[str, Any], environment: Mapping[str, str], report: Report = ignore
) -> ClusterRuns:
    """From plain options: those of the connection, `namespace`, `store`, those of an object store
    (see `s3_settings`), and `agent_image`, `clone_secret`, `authorities`, `runtime_class`,
    `pull_secrets`, `priority_class_prefix` and `run_as_user` where they are given.

    Raises NotFound where there is nothing to connect to.
    """
    client = connect(connection_options(options, environment), environment)
    return ClusterRuns(
        client,
        job_settings(options, environment, client.namespace),
        store_of(options, environment).root,
        objects=s3_settings(options, environment),
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
