"""Which cluster and namespace a verb means."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import TYPE_CHECKING, Any

from .options import Executor

if TYPE_CHECKING:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.driven_runs import KeptRecords


@dataclasses.dataclass(frozen=True, slots=True)
class Cluster:
    """The options of the same names; empty where they were not given."""

    context: str = ""
    namespace: str = ""
    kubeconfig: str = ""
    agent_image: str = ""
    clone_secret: str = ""
    authorities: str = ""
    runtime_class: str = ""
    pull_secrets: tuple[str, ...] = ()
    priority_class_prefix: str = ""
    run_as_user: int | None = None
    executor: Executor | None = None
    object_store: str = ""
    object_store_endpoint: str = ""
    object_store_region: str = ""
    object_store_addressing: str = ""
    object_store_ca_cert: str = ""

    @property
    def named(self) -> bool:
        """Whether a cluster was meant, and not this host's store."""
        if self.executor is not None:
            return self.executor is Executor.KUBERNETES
        return self.placed

    @property
    def placed(self) -> bool:
        """Whether anything says which cluster it is, or where in it."""
        return bool(self.context or self.namespace or self.kubeconfig)

    def options(self, store: pathlib.Path | None) -> dict[str, Any]:
        """As plain options of the operations."""
        given = {
            name: value
            for name, value in dataclasses.asdict(self).items()
            if name != "executor" and (value or value == 0)
        }
        return {**given, "store": str(store) if store else None}


UNNAMED = Cluster()


def kept_runs(
    store: pathlib.Path | None, cluster: Cluster, *, timeout: float = 30.0
) -> KeptRecords:
    """The runs to look at: those of the cluster where one is named, else those of the store.

    `timeout` is the time in seconds to wait for a cluster that does not answer.
    """
    from ansible_collections.c8s.ci.plugins.module_utils.storage.run_directory import (
        RunDirectory,
        default_root,
    )

    root = store or default_root(os.environ)
    if not cluster.named:
        return RunDirectory(root)
    from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
    from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
    from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.runs import kept_in_cluster
    from ansible_collections.c8s.ci.plugins.module_utils.storage.s3_settings import s3_settings

    options = cluster.options(store)
    given = connection_options(options, os.environ)
    client = connect(given, os.environ, timeout=timeout, patience=timeout)
    namespace = cluster.namespace or client.namespace or "default"
    return kept_in_cluster(client, namespace, root, s3_settings(options, os.environ))
