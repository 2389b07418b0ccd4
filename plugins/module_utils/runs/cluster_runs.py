"""Runs in a cluster, put together: what modules and the command call."""

from __future__ import annotations

import hashlib
import pathlib
from collections.abc import Sequence

from ..kube.connection import Client
from ..kube.resources import Resources
from ..pipeline.pod import JobSettings
from ..storage.run_directory import RunDirectory
from .birth import Order
from .cluster_secrets import ClusterSecrets
from .config_map_records import ConfigMapRecords
from .driver import Driver
from .events import Report, ignore
from .host_runs import new_id, utc_now
from .kubernetes import KubernetesExecutor
from .launch import Launched, Launcher
from .pod_files import PodFiles
from .pod_logs import PodLogs
from .request import Request, orders_from, ready, rerun_order

EXECUTOR = "kubernetes"


class ClusterRuns:
    """Launch runs in one namespace; logs and artifacts are kept in `store`, on this host."""

    def __init__(
        self,
        client: Client,
        settings: JobSettings,
        store: pathlib.Path,
        *,
        report: Report = ignore,
    ) -> None:
        resources = Resources(client)
        directory = RunDirectory(cluster_folder(store, client.server, settings.namespace))
        self.records = ConfigMapRecords(client, settings.namespace, directory)
        self._secrets = ClusterSecrets(resources, settings.namespace, settings.clone_secret)
        executor = KubernetesExecutor(
            resources,
            settings,
            self.records,
            self._secrets,
            PodLogs(client, settings.namespace, directory),
            PodFiles(client, settings.namespace, directory, utc_now),
            utc_now,
        )
        self._driver = Driver(executor, self.records, clock=utc_now, new_id=new_id, report=report)
        self._launcher = Launcher(
            self.records, self._driver, clock=utc_now, new_id=new_id, report=report
        )

    def orders(self, requests: Sequence[Request]) -> list[Order]:
        """Judge requests; InvalidInput with every problem of all of them, before any starts."""
        return orders_from(requests, utc_now(), allow_file=False, check=self._secrets.check)

    def rerun_order(self, name: str, *, failed_only: bool, by: str) -> Order:
        """The order that runs an ended run again."""
        return rerun_order(self.records, name, failed_only=failed_only, by=by, now=utc_now())

    def launch(self, orders: Sequence[Order]) -> list[Launched]:
        """Launch and drive to the end; see `Launcher.launch`."""
        check = self._secrets.check
        return self._launcher.launch([ready(order, EXECUTOR, check) for order in orders])

    def interrupt(self, by: str) -> None:
        """Let everything end as cancelled; may be called from a signal handler."""
        self._driver.interrupt(by)


def cluster_folder(store: pathlib.Path, server: str, namespace: str) -> pathlib.Path:
    """Where a host keeps what runs of one namespace of one cluster leave."""
    digest = hashlib.sha256(server.encode()).hexdigest()[:12]
    return store / "clusters" / digest / namespace
