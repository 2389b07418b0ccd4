"""A driver whose host has the wrong time: what counts is the cluster's."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from ansible_collections.c8s.ci.plugins.module_utils.kube.server_time import ServerTime
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod import JobSettings
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.runs import ClusterRuns

from faults.driving import Place, order_of
from kube.cluster import Cluster

TEXT = order_of(
    [
        {"name": "quick", "timeout": "30s", "commands": ["sleep 1", "echo well"]},
        {"name": "slow", "timeout": "3s", "commands": ["sleep 60"]},
    ]
)


@pytest.mark.parametrize("hours", [-2, 2])
def test_timeouts_count_by_the_clusters_time(
    cluster: Cluster, namespace: str, tmp_path: Path, hours: int
) -> None:
    wrong = datetime.timedelta(hours=hours)
    client = connect(connection_options({"kubeconfig": str(cluster.kubeconfig)}, {}), {})
    client.time = ServerTime(here=lambda: datetime.datetime.now(datetime.UTC) + wrong)
    place = Place(cluster, namespace, tmp_path / "store", cluster.kubeconfig)
    settings = JobSettings(namespace=namespace)
    run = place.launch(TEXT, ClusterRuns(client, settings, place.store))
    quick, slow = run.status.steps
    assert (quick.phase, quick.reason) == ("Succeeded", ""), quick
    assert (slow.phase, slow.reason) == ("Failed", "Timeout"), slow
    now = datetime.datetime.now(datetime.UTC)
    for told in (slow.start_time, slow.completion_time):
        assert told is not None
        assert abs(told - now) < datetime.timedelta(minutes=5)
