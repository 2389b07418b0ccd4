"""Instances come and go: fast, side by side, and without a trace."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kube.cluster import Cluster, release, used
from kube.errors import ClusterError
from kube.fixtures import own_namespace
from kube.instance import Instance, home, load, usual_name
from kube.jobs import create, job, run
from kube.namespaces import first_process
from kube.node import running, up
from kube.teardown import down
from kube.traces import Traces, network_of
from kube.waiting import wait_for

COMMAND = Path(__file__).with_name("cluster")


@pytest.fixture
def name() -> Iterator[str]:
    """A name that no other run has; whatever happens, nothing stays under it."""
    name = f"life-{secrets.token_hex(3)}"
    yield name
    down(name)


def network(instance: Instance) -> str:
    first = first_process(instance.name)
    assert first is not None
    return network_of(first)


def with_a_pod(instance: Instance, runtime: str | None = None) -> None:
    """Leave a running pod behind, with all that a node makes for one."""
    api = Cluster.of(instance).api()
    pod = {"runtimeClassName": runtime} if runtime else {}
    name = f"stays-{runtime or 'runc'}"
    create(api, "default", job(name, "busybox", ["sleep", "600"], pod=pod))

    def started() -> bool:
        pods = api.get(f"/api/v1/namespaces/default/pods?labelSelector=job-name={name}")["items"]
        return [pod["status"]["phase"] for pod in pods] == ["Running"]

    wait_for("the pod", started, timeout=30)


def test_twice_in_a_row_and_nothing_stays(name: str) -> None:
    before = Traces.none()
    for attempt in ("first", "second"):
        began = time.monotonic()
        instance = up(name, "full")
        ready = time.monotonic() - began
        with_a_pod(instance)
        with_a_pod(instance, "gvisor")
        inside = network(instance)
        seen = Traces.of(instance, inside)
        assert all((seen.folder, seen.cgroups, seen.links, seen.routes, seen.processes))
        assert (seen.mounts, seen.host) == ((), before.host)
        began = time.monotonic()
        assert down(name)
        gone = time.monotonic() - began
        assert Traces.of(instance, inside) == before
        print(f"{attempt}: ready after {ready:.1f} s, gone after {gone:.2f} s")
        assert ready < 30
        assert gone < 5
    assert not down(name)


@pytest.mark.parametrize("killed", ["first process", "containerd and kubelet", "starter"])
def test_stop_clears_what_a_killed_part_left(name: str, killed: str) -> None:
    before = Traces.none()
    instance = up(name, "full")
    with_a_pod(instance)
    inside = network(instance)
    first = first_process(name)
    assert first is not None
    if killed == "first process":
        os.kill(first, signal.SIGKILL)
    elif killed == "starter":
        status = Path(f"/proc/{first}/status").read_text()
        parent = next(line for line in status.splitlines() if line.startswith("PPid:"))
        os.kill(int(parent.split()[1]), signal.SIGKILL)
    else:
        cluster = Cluster.of(instance)
        for program in ("containerd", "kubelet"):
            cluster.stop(program, signal.SIGKILL)
    assert down(name)
    assert Traces.of(instance, inside) == before


def test_stop_clears_what_dying_programs_make_meanwhile(name: str) -> None:
    folder = home() / name
    folder.mkdir(parents=True)
    began, over = threading.Event(), time.monotonic() + 0.5

    def make() -> None:
        with contextlib.suppress(FileNotFoundError):
            while time.monotonic() < over:
                (folder / secrets.token_hex(8)).mkdir()
                began.set()

    maker = threading.Thread(target=make)
    maker.start()
    began.wait()
    assert down(name)
    maker.join()
    assert not folder.exists()


def test_a_start_clears_what_a_dead_instance_left(name: str) -> None:
    first = first_process(up(name, "control").name)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for("the death", lambda: running(name) is None, timeout=10)
    assert first_process(up(name, "control").name) != first


def test_a_record_that_is_damaged_does_not_keep_it_from_stopping(name: str) -> None:
    instance = up(name, "control")
    inside = network(instance)
    (instance.folder / "instance.json").write_text("{")
    with pytest.raises(ClusterError, match="is damaged"):
        load(name)
    assert down(name)
    assert Traces.of(instance, inside) == Traces.none()


def test_two_sizes_at_once_do_not_meet(name: str) -> None:
    other = f"{name}-b"
    try:
        full, control = up(name, "full"), up(other, "control")
        assert full.index != control.index
        for instance in (full, control):
            with own_namespace(Cluster.of(instance)) as place:
                api = Cluster.of(instance).api()
                assert run(api, place, job("one", "busybox", ["true"])).outcome == "Complete"
                nodes = [each["metadata"]["name"] for each in api.get("/api/v1/nodes")["items"]]
                assert nodes == (["node1"] if instance is full else ["fake-0"])
        down(name)
        assert running(other) == control
    finally:
        down(other)


def test_a_stop_leaves_every_other_instance_alone(name: str) -> None:
    instance = up(name, "full")
    with_a_pod(instance)
    inside = network(instance)
    before = Traces.of(instance, inside)
    assert not down(f"{name}-never-made")
    assert Traces.of(instance, inside) == before
    assert running(name) == instance


def test_what_is_up_is_given_at_once(name: str) -> None:
    instance = up(name, "control")
    began = time.monotonic()
    assert up(name, "control") == instance
    assert time.monotonic() - began < 2
    with pytest.raises(ClusterError, match="stop it first"):
        up(name, "full")
    with pytest.raises(ClusterError, match="without audit log"):
        up(name, "control", audit=True)


def test_the_last_to_leave_stops_it_unless_it_is_kept(name: str) -> None:
    with used("control", name) as outer:
        with used("control", name) as inner:
            assert inner == outer
        assert running(name) is not None
    assert running(name) is None
    kept = up(name, "control")
    with used("control", name) as found:
        assert found.instance == kept
    assert running(name) == kept
    assert not release(name)


def test_a_later_wish_to_keep_it_counts(name: str) -> None:
    with used("control", name) as found:
        assert found.instance is not None
        assert up(name, "control") == replace(found.instance, kept=True)
    assert running(name) is not None


def test_the_command_lets_go_of_the_terminal(name: str) -> None:
    done = subprocess.run(
        [COMMAND, "up", "--size", "control", "--name", name],
        capture_output=True,  # waits until nobody holds these ends any more
        text=True,
        timeout=120,
        check=True,
    )
    kubeconfig = home() / name / "kubeconfig"
    assert done.stdout.splitlines()[-1] == str(kubeconfig)
    assert kubeconfig.stat().st_mode & 0o077 == 0
    status = subprocess.run([COMMAND, "status"], capture_output=True, text=True, check=True)
    assert f"{name}: up" in status.stdout
    subprocess.run([COMMAND, "down", "--name", name], check=True)
    assert not kubeconfig.parent.exists()


def test_a_named_cluster_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("C8S_TEST_KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(ClusterError, match="that is no file"), used("full", "never-made"):
        raise AssertionError
    server = {"name": "given", "cluster": {"server": "https://127.0.0.1:6443"}}
    (tmp_path / "config").write_text(f'{{"clusters": [{server}]}}'.replace("'", '"'))
    with used("full", "never-made") as found:
        assert found.kubeconfig == tmp_path / "config"
        assert found.host_address == "127.0.0.1"
        with pytest.raises(ClusterError, match="not ours to change"):
            found.stop("kubelet")
    assert running("never-made") is None


def test_a_test_run_can_have_clusters_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("C8S_TEST_CLUSTER", raising=False)
    assert usual_name("full") == "full"
    monkeypatch.setenv("C8S_TEST_CLUSTER", "mine")
    assert usual_name("full") == "mine-full"
    monkeypatch.setenv("C8S_TEST_CLUSTER", "Not valid")
    with pytest.raises(ClusterError, match="can't name a cluster"):
        usual_name("full")
