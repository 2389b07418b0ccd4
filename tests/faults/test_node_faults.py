"""A node and a control plane that stop, start anew and go, in the middle of runs."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e.gate import gate
from faults.driving import Place, check_end, ended, order_of
from faults.sightings import watching
from kube.agent import push_agent
from kube.cluster import Cluster, used
from kube.fixtures import own_namespace
from kube.waiting import wait_for

LINES = 160
# Two in order, with files between them, that take some seconds and number what they say.
SLOW = order_of(
    [
        {
            "name": "make",
            "commands": [
                f"for i in $(seq {LINES}); do echo made $i; sleep 0.05; done",
                "mkdir out",
                "echo made > out/it",
            ],
            "artifacts": ["out/*"],
        },
        {
            "name": "use",
            "dependsOn": ["make"],
            "commands": ["cat out/it", f"for i in $(seq {LINES}); do echo used $i; done"],
        },
    ]
)
LOGS = {
    "make": b"".join(b"made %d\n" % number for number in range(1, LINES + 1)),
    "use": b"made\n" + b"".join(b"used %d\n" % number for number in range(1, LINES + 1)),
}
AWAY_SECONDS = 12


@pytest.fixture(scope="module")
def broken() -> Iterator[Cluster]:
    """A node of our own to break, so that no other test run notices."""
    with ExitStack() as stack:
        yield stack.enter_context(used("full", f"faults-{secrets.token_hex(3)}"))


@pytest.fixture(scope="module")
def broken_agent(broken: Cluster) -> str:
    return push_agent(broken)


@pytest.fixture
def place(broken: Cluster, broken_agent: str, tmp_path: Path) -> Iterator[Place]:
    with own_namespace(broken) as name:
        yield Place(broken, name, tmp_path / "store", broken.kubeconfig, broken_agent)


def begun(place: Place, text: bytes, step: str) -> subprocess.Popen[bytes]:
    """A driver whose run has come to a step that says something."""
    file = place.store.with_name("pipeline.yaml")
    file.write_bytes(text)
    driver = place.begin(file)

    def speaks() -> bool:
        return any(path.stat().st_size for path in place.store.rglob(f"{step}.log"))

    wait_for(f"the log of {step}", speaks, timeout=60)
    return driver


def test_the_api_server_is_away_for_a_while_and_then_dies_once_more(place: Place) -> None:
    driver = begun(place, SLOW, "make")
    place.cluster.stop("kube-apiserver")
    time.sleep(AWAY_SECONDS)  # The step ends meanwhile.
    place.cluster.start("kube-apiserver")
    wait_for("the second step", lambda: list(place.store.rglob("use.log")), timeout=240)
    place.cluster.restart("kube-apiserver", signal.SIGKILL)
    check_end(place, None, ended(driver), LOGS)


def test_the_nodes_agent_stands_still_until_the_step_has_ended(place: Place) -> None:
    with watching(place.cluster) as sightings:
        driver = begun(place, SLOW, "make")
        with place.cluster.halted("kubelet"):
            time.sleep(AWAY_SECONDS)
        check_end(place, sightings, ended(driver), LOGS)


def test_a_node_that_takes_no_pods_any_more(place: Place) -> None:
    """A taint drives the pod away, and with it what it has done: it is done again elsewhere.

    That it waits for its files to be fetched, an hour if need be, keeps nobody waiting.
    """
    driver = begun(place, SLOW, "make")
    with tainted(place):
        wait_for("the pod's end", lambda: not running(place), timeout=60)
    record = ended(driver)
    assert record["status"]["phase"] == "Succeeded", record["status"]
    make, use = record["status"]["steps"]
    assert [step.get("failures", 0) for step in (make, use)] == [0, 0]
    name = record["metadata"]["name"]
    assert place.log(name, "make", make["attempts"]) == LOGS["make"]
    assert place.log(name, "use", use["attempts"]) == LOGS["use"]


def test_logs_that_are_rotated_while_they_are_written(place: Place) -> None:
    """Each some times over: no line is lost, and none comes twice."""
    settings = place.cluster.pod_logs.with_name("kubelet.json")
    usual = settings.read_text()
    small = {
        "containerLogMaxSize": "1Mi",
        "containerLogMaxFiles": 5,
        "containerLogMonitorInterval": "3s",
    }
    settings.write_text(json.dumps({**json.loads(usual), **small}))
    place.cluster.restart("kubelet")
    try:
        lines = 60_000
        script = (
            f"awk 'BEGIN {{ for (i = 1; i <= {lines}; i++) {{"
            ' printf "%06d and so many words that a file of them is soon full\\n", i;'
            ' if (i % 500 == 0) { fflush(); system("sleep 0.1") } } }\''
        )
        text = order_of([{"name": "much", "commands": [script]}])
        driver = begun(place, text, "much")
        wait_for("a rotated log", lambda: rotated(place), timeout=60)
        words = b" and so many words that a file of them is soon full\n"
        whole = b"".join(b"%06d%b" % (number, words) for number in range(1, lines + 1))
        check_end(place, None, ended(driver), {"much": whole})
    finally:
        settings.write_text(usual)
        place.cluster.restart("kubelet")


def test_a_node_that_is_deleted_and_comes_back(place: Place) -> None:
    """Nothing can be heard of its pods any more: what they did is done again."""
    api = place.cluster.api()
    pods = f"/api/v1/namespaces/{place.namespace}/pods"
    with gate(place.cluster.host_address) as closed:
        wait = {"name": "wait", "commands": ["echo begun", closed.wait, "echo done"]}
        driver = begun(place, order_of([wait]), "wait")
        (pod,) = api.get(pods)["items"]
        api.delete(f"/api/v1/nodes/{pod['spec']['nodeName']}")
        try:
            name = pod["metadata"]["name"]
            wait_for("the pod's end", lambda: not api.find(f"{pods}/{name}"), timeout=150)
        finally:
            closed.open()
            place.cluster.restart("kubelet")
        record = ended(driver)
    assert record["status"]["phase"] == "Succeeded", record["status"]
    (step,) = record["status"]["steps"]
    assert step.get("failures", 0) == 0, step
    log = place.log(record["metadata"]["name"], "wait", step["attempts"])
    assert log == b"begun\ndone\n"


def rotated(place: Place) -> bool:
    files = place.cluster.pod_logs.glob(f"{place.namespace}_*/step/*")
    return sum(1 for _file in files) >= 2


@contextmanager
def tainted(place: Place) -> Iterator[None]:
    """No pod may be on the node in here."""
    (node,) = place.cluster.api().get("/api/v1/nodes")["items"]
    path = f"/api/v1/nodes/{node['metadata']['name']}"
    taint(place, path, [{"key": "test", "effect": "NoExecute"}])
    try:
        yield
    finally:
        taint(place, path, [])


def taint(place: Place, node: str, taints: list[dict[str, Any]]) -> None:
    api = place.cluster.api()

    def done() -> bool:
        found = api.get(node)
        found["spec"]["taints"] = taints
        api.text("PUT", node, found)
        return True

    wait_for("the node's taint", done, timeout=10)


def running(place: Place) -> list[str]:
    pods = place.cluster.api().get(f"/api/v1/namespaces/{place.namespace}/pods")["items"]
    return [pod["metadata"]["name"] for pod in pods if pod["status"].get("phase") == "Running"]
