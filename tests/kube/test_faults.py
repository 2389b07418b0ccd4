"""What tests of faults do to a node: its programs halted, ended and started anew."""

from __future__ import annotations

import json
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from kube.cluster import Cluster, used
from kube.errors import ClusterError
from kube.fixtures import own_namespace
from kube.jobs import create, finish, job, run
from kube.waiting import wait_for


@pytest.fixture(scope="module")
def broken() -> Iterator[Cluster]:
    """A node of our own to break, so that no other test run notices. It has an audit log."""
    with ExitStack() as stack:
        yield stack.enter_context(used("full", f"broken-{secrets.token_hex(3)}", audit=True))


@pytest.fixture
def place(broken: Cluster) -> Iterator[str]:
    with own_namespace(broken) as name:
        yield name


def test_every_write_is_in_the_audit_log(broken: Cluster, place: str) -> None:
    run(broken.api(), place, job("logged", "busybox", ["true"]))

    def written() -> set[tuple[str, str]]:
        events = map(json.loads, broken.audit_log.read_text().splitlines())
        return {
            (event["verb"], event["objectRef"]["resource"])
            for event in events
            if event["objectRef"].get("namespace") == place
        }

    wanted = {("create", "jobs"), ("create", "pods"), ("patch", "pods")}
    wait_for("the writes in the log", lambda: wanted <= written(), timeout=20)
    assert not {entry[0] for entry in written()} & {"get", "list", "watch"}


def test_the_api_server_starts_anew(broken: Cluster) -> None:
    before = broken.programs()["kube-apiserver"]
    broken.restart("kube-apiserver")
    assert broken.programs()["kube-apiserver"] != before
    assert broken.api().ready()


def test_a_job_survives_the_death_of_the_api_server(broken: Cluster, place: str) -> None:
    create(broken.api(), place, job("goes-on", "busybox", ["sh", "-c", "sleep 3; echo still"]))
    broken.restart("kube-apiserver", signal.SIGKILL)
    # Its clients come back when their own back-off is over, and that may be half a minute.
    done = finish(broken.api(), place, "goes-on", timeout=120)
    assert (done.outcome, done.log()) == ("Complete", "still\n")


def test_no_pod_starts_while_the_kubelet_stands_still(broken: Cluster, place: str) -> None:
    api = broken.api()
    with broken.halted("kubelet"):
        create(api, place, job("waits", "busybox", ["true"]))
        pods = f"/api/v1/namespaces/{place}/pods"

        def bound() -> bool:
            return any("nodeName" in pod["spec"] for pod in api.get(pods)["items"])

        wait_for("the pod on its node", bound, timeout=20)
        assert [pod["status"]["phase"] for pod in api.get(pods)["items"]] == ["Pending"]
    assert finish(api, place, "waits").outcome == "Complete"


def test_the_runtimes_state_is_seen_on_the_node(broken: Cluster, place: str) -> None:
    create(broken.api(), place, job("stays", "busybox", ["sleep", "600"]))
    wait_for(
        "the process of the container",
        lambda: "sleep 600" in broken.inside("ps", "-e", "-o", "args"),
        timeout=20,
    )
    assert "RUNNING" in broken.ctr("tasks", "list")
    assert any(place in folder.name for folder in broken.pod_logs.iterdir())


def test_a_program_that_it_does_not_have_is_named(broken: Cluster) -> None:
    with pytest.raises(ClusterError, match="kwok"):
        broken.stop("kwok")
    with pytest.raises(ClusterError, match="no program nonsense: it has etcd"):
        broken.start("nonsense")
