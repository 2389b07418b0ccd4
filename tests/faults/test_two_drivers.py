"""Two processes that drive one run at one time, on one host and as on two: nothing is doubled."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from faults.driving import Place, check_end, ended, order_of
from faults.sightings import watching
from kube.cluster import Cluster
from kube.waiting import wait_for

STEPS = order_of(
    [
        {
            "name": "make",
            "commands": ["seq 1 300 | sed 's/^/made /'", "sleep 2", "mkdir out", "seq 9 > out/it"],
            "artifacts": ["out/*"],
        },
        {"name": "use", "dependsOn": ["make"], "commands": ["cat out/it", "sleep 1", "echo used"]},
        {"name": "aside", "commands": ["sleep 1", "echo aside"]},
    ]
)
ALONE = order_of([{"name": "alone", "commands": ["seq 1 100", "sleep 4", "echo the end"]}])
ALONE_LOGS = {"alone": b"".join(b"%d\n" % number for number in range(1, 101)) + b"the end\n"}
LOGS = {
    "make": b"".join(b"made %d\n" % number for number in range(1, 301)),
    "use": b"".join(b"%d\n" % number for number in range(1, 10)) + b"used\n",
    "aside": b"aside\n",
}


@pytest.mark.parametrize("hosts", [1, 2])
def test_both_come_to_the_same_end(
    cluster: Cluster, namespace: str, agent: str, tmp_path: Path, hosts: int
) -> None:
    """With a store of its own each, as on two hosts: one drives, the other one follows."""
    file = tmp_path / "pipeline.yaml"
    file.write_bytes(STEPS)
    one = Place(cluster, namespace, tmp_path / "store-1", cluster.kubeconfig, agent)
    other = dataclasses.replace(one, store=tmp_path / f"store-{hosts}")
    with watching(cluster) as sightings:
        drivers = [place.begin(file) for place in (one, other)]
        records = [ended(driver) for driver in drivers]
        assert [driver.returncode for driver in drivers] == [0, 0]
        assert records[0] == records[1]
        (kept,) = {place.store for place in (one, other) if list(place.store.rglob("make.log"))}
        check_end(dataclasses.replace(one, store=kept), sightings, records[0], LOGS)


def test_a_driver_on_another_host_goes_on_when_the_claim_of_a_lost_one_has_run_out(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_bytes(ALONE)
    one = Place(cluster, namespace, tmp_path / "store-1", cluster.kubeconfig)
    other = dataclasses.replace(one, store=tmp_path / "store-2")
    with watching(cluster) as sightings:
        lost = one.begin(file)
        wait_for("the Job", lambda: sightings.of("jobs", namespace))
        lost.kill()
        lost.communicate()
        follower = other.begin(file)
        assert follower.stderr is not None
        said = b""
        while b"driven by another process; following it" not in said:
            said = follower.stderr.readline()
            assert said, "it follows nobody"
        # Its host does not come back: time goes by.
        let_claim_run_out(one)
        _output, told = follower.communicate(timeout=60)
        assert follower.returncode != 0
        assert b"the process that drove run" in told, told
        assert b"call again to go on with it" in told
        check_end(other, sightings, ended(other.begin(file)), ALONE_LOGS)


def test_the_claim_of_a_killed_driver_does_not_keep_its_own_host_waiting(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_bytes(ALONE)
    place = Place(cluster, namespace, tmp_path / "store", cluster.kubeconfig)
    with watching(cluster) as sightings:
        killed = place.begin(file)
        wait_for("the Job", lambda: sightings.of("jobs", namespace))
        killed.kill()
        killed.communicate()
        check_end(place, sightings, ended(place.begin(file)), ALONE_LOGS)


def let_claim_run_out(place: Place) -> None:
    api = place.cluster.api()
    path = f"/api/v1/namespaces/{place.namespace}/configmaps"
    (record,) = [
        found for found in api.get(path)["items"] if found["metadata"]["name"].startswith("c8s-p-")
    ]
    claim = json.loads(record["metadata"]["annotations"]["c8s.dev/driver"])
    claim["until"] = "2026-01-01T00:00:00Z"
    record["metadata"]["annotations"]["c8s.dev/driver"] = json.dumps(claim)
    api.text("PUT", f"{path}/{record['metadata']['name']}", record)
