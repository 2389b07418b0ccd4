"""Where runs are, out of plain options: on this host, or in a namespace of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..kube.arguments import argument_spec
from ..kube.connection import connect
from ..kube.options import connection_options
from ..storage.s3_settings import ADDRESSINGS, s3_settings
from .cluster.runs import cluster_runs, kept_in_cluster
from .driven_runs import DrivenRuns, KeptRecords
from .events import Report, ignore
from .host.runs import host_runs, store_of

HOST_EXECUTORS = ("local", "docker", "podman")
CLUSTER_EXECUTOR = "kubernetes"

POD_OPTIONS: dict[str, dict[str, Any]] = {
    "agent_image": {"type": "str"},
    "clone_secret": {"type": "str", "no_log": False},
    "authorities": {"type": "str"},
    "runtime_class": {"type": "str"},
    "pull_secrets": {"type": "list", "elements": "str", "no_log": False},
    "priority_class_prefix": {"type": "str"},
    "run_as_user": {"type": "int"},
}

STORE_OPTIONS: dict[str, dict[str, Any]] = {
    "object_store": {"type": "str"},
    "object_store_endpoint": {"type": "str"},
    "object_store_region": {"type": "str"},
    "object_store_addressing": {"type": "str", "choices": list(ADDRESSINGS)},
    "object_store_ca_cert": {"type": "path"},
}


def place_spec(fallback: Callable[..., Any]) -> dict[str, Any]:
    """The options that say which cluster and namespace, as an argument spec.

    `fallback` is `ansible.module_utils.basic.env_fallback`, handed in by the door.
    """
    return {**argument_spec(fallback), "namespace": {"type": "str"}}


def runs_at(
    options: Mapping[str, Any], environment: Mapping[str, str], report: Report = ignore
) -> DrivenRuns:
    """What drives runs with the `executor` of the options."""
    if options["executor"] == CLUSTER_EXECUTOR:
        return cluster_runs(options, environment, report)
    return host_runs(options, environment, report)


def kept_at(options: Mapping[str, Any], environment: Mapping[str, str]) -> KeptRecords:
    """The runs to look at, with the `executor` of the options."""
    store = store_of(options, environment)
    if options["executor"] != CLUSTER_EXECUTOR:
        return store
    client = connect(connection_options(options, environment), environment)
    namespace = options.get("namespace") or client.namespace or "default"
    return kept_in_cluster(client, namespace, store.root, s3_settings(options, environment))
