"""Lists and watches of a real API server that is cut off, restarted and compacted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Denied
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.kube.faults import Expired
from ansible_collections.c8s.ci.plugins.module_utils.kube.informer import Informer, Informers
from ansible_collections.c8s.ci.plugins.module_utils.kube.kinds import CONFIG_MAP, JOB, POD
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources
from ansible_collections.c8s.ci.plugins.module_utils.kube.watch import watch

from integration.kube.reach import client_of, wired
from kube.cluster import Cluster
from kube.fixtures import own_namespace
from kube.waiting import wait_for

LABELS = "app=test"


def config_map(name: str, value: str = "", run: str = "r") -> dict[str, object]:
    metadata = {"name": name, "labels": {"app": "test", "run": run}}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"value": value},
    }


@contextmanager
def informed(client: Client, namespace: str, **pace: float) -> Iterator[Informer]:
    with Informers(client, group_label="run", **pace) as informers:
        informer = informers.of(CONFIG_MAP, namespace, labels=LABELS)
        informer.wait_synced(20)
        yield informer


def held(informer: Informer) -> dict[str, str]:
    return {found["metadata"]["name"]: found["data"]["value"] for found in informer.objects()}


def wait_held(informer: Informer, expected: dict[str, str], timeout: float = 30) -> None:
    wait_for(
        f"the informer to hold {expected}", lambda: held(informer) == expected, timeout=timeout
    )


def test_it_follows(control: Client, control_namespace: str) -> None:
    writer = Resources(control)
    writer.create(config_map("a", "1"), control_namespace)
    with informed(control, control_namespace) as informer:
        assert held(informer) == {"a": "1"}
        mark = informer.changes.count
        writer.create(config_map("b", "2", run="other"), control_namespace)
        assert informer.changes.wait(mark, 10)
        wait_held(informer, {"a": "1", "b": "2"})
        assert informer.changes.since(mark)[1] == {"other"}
        writer.patch(CONFIG_MAP, "a", {"data": {"value": "3"}}, control_namespace)
        writer.delete(CONFIG_MAP, "b", control_namespace)
        wait_held(informer, {"a": "3"})
        assert len(informer.objects("r")) == 1


def test_long_lists_come_in_pieces(control: Client, control_namespace: str) -> None:
    writer = Resources(control)
    for i in range(501):
        writer.create(config_map(f"m{i}"), control_namespace)
    with informed(control, control_namespace) as informer:
        assert len(informer.objects()) == 501


def test_a_cut_wire(control_plane: Cluster, control: Client, control_namespace: str) -> None:
    writer = Resources(control)
    with (
        wired(control_plane) as both,
        informed(both[0], control_namespace) as informer,
    ):
        writer.create(config_map("a", "1"), control_namespace)
        wait_held(informer, {"a": "1"})
        with both[1].refused():
            writer.create(config_map("b", "2"), control_namespace)
            writer.delete(CONFIG_MAP, "a", control_namespace)
            wait_for("the fault to be seen", lambda: informer.fault is not None)
            assert held(informer) == {"a": "1"}
        wait_held(informer, {"b": "2"})
        wait_for("the fault to be over", lambda: informer.fault is None)


def test_a_silent_wire(control_plane: Cluster, control: Client, control_namespace: str) -> None:
    """A connection that some box between has forgotten: alive on both ends, nothing passes."""
    writer = Resources(control)
    with (
        wired(control_plane) as both,
        informed(both[0], control_namespace, idle=1.0) as informer,
    ):
        wait_for("the watch", lambda: both[1].accepted > 1)
        with both[1].silent():
            writer.create(config_map("a", "1"), control_namespace)
            before = both[1].accepted
            wait_for("another connection", lambda: both[1].accepted > before)
            both[1].cut()
        wait_held(informer, {"a": "1"})


def test_who_may_not_list(control_plane: Cluster, control_namespace: str) -> None:
    with (
        client_of(control_plane, impersonate_user="nobody") as client,
        Informers(client) as informers,
        pytest.raises(Denied, match='User "nobody" cannot list'),
    ):
        informers.of(JOB, control_namespace).wait_synced(20)


def test_runs_of_one_process_share_it(control_plane: Cluster, control_namespace: str) -> None:
    with wired(control_plane) as both, Informers(both[0]) as informers:
        for _each in range(50):
            informers.of(POD, control_namespace, labels=LABELS).wait_synced(20)
        assert both[1].accepted <= 3


@pytest.fixture
def place(fragile_control: Cluster) -> Iterator[str]:
    with own_namespace(fragile_control) as name:
        yield name


def test_the_api_server_starts_anew(fragile_control: Cluster, place: str) -> None:
    with client_of(fragile_control) as client, informed(client, place) as informer:
        writer = Resources(client)
        writer.create(config_map("a", "1"), place)
        wait_held(informer, {"a": "1"})
        fragile_control.restart("kube-apiserver")
        writer.create(config_map("b", "2"), place)
        writer.delete(CONFIG_MAP, "a", place)
        wait_held(informer, {"b": "2"}, timeout=60)


def test_a_version_that_is_compacted_away(fragile_control: Cluster, place: str) -> None:
    """The watch is away while the history is dropped: 410, and all is listed anew."""
    with (
        wired(fragile_control) as both,
        informed(both[0], place) as informer,
        client_of(fragile_control) as direct,
    ):
        writer = Resources(direct)
        first = writer.create(config_map("a", "1"), place)["metadata"]["resourceVersion"]
        wait_held(informer, {"a": "1"})
        with both[1].refused():
            writer.delete(CONFIG_MAP, "a", place)
            for i in range(20):
                writer.create(config_map(f"b{i}", "2"), place)
            last = writer.create(config_map("last", "3"), place)
            compact(fragile_control, int(last["metadata"]["resourceVersion"]))
            # Else the server would tell what has happened from its own memory.
            fragile_control.restart("kube-apiserver")
            with pytest.raises(Expired):
                list(watch(direct, CONFIG_MAP, place, first).batches())
        wait_for("the new list", lambda: held(informer).get("last") == "3", timeout=60)
        assert len(informer.objects()) == 21


def compact(cluster: Cluster, revision: int) -> None:
    """Drop the history of the cluster's store up to that revision."""
    body = json.dumps({"revision": str(revision), "physical": True})
    script = (
        "import sys, urllib.request as web; "
        "web.urlopen('http://127.0.0.1:2379/v3/kv/compaction', sys.argv[1].encode()).read()"
    )
    cluster.inside(sys.executable, "-c", script, body)
