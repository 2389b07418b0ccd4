"""Two processes that drive one run at one time, on one host and as on two: nothing is doubled."""

from __future__ import annotations

import dataclasses
import datetime
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import claims

from e2e.gate import gate
from faults.api_proxy import ApiProxy
from faults.driving import Place, check_end, ended, order_of
from faults.fault import Asked, Fault, refusal
from faults.field import Judge
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
NINE = b"".join(b"%d\n" % number for number in range(1, 10))
ALONE = order_of([{"name": "alone", "commands": ["seq 1 100", "sleep 4", "echo the end"]}])
ALONE_LOGS = {"alone": b"".join(b"%d\n" % number for number in range(1, 101)) + b"the end\n"}
LOGS = {
    "make": b"".join(b"made %d\n" % number for number in range(1, 301)),
    "use": NINE + b"used\n",
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


# The command, with claims that run out soon: a minute and a half is long for a test.
HASTY = f"""
import datetime, sys
import {claims.__name__}
_claims = sys.modules[{claims.__name__!r}]
_claims.CLAIM, _claims.RENEWAL = datetime.timedelta(seconds=3), datetime.timedelta(seconds=1)
from c8s.cli.main import main
sys.exit(main())
"""


def test_a_driver_that_was_cut_off_leaves_its_run_to_the_one_that_has_taken_it_over(
    cluster: Cluster, namespace: str, agent: str, tmp_path: Path
) -> None:
    """The step ends when both can reach it, and the new driver is slow to fetch its files: the
    old one must not let the pod go meanwhile."""
    file, hasty = tmp_path / "pipeline.yaml", (sys.executable, "-c", HASTY)
    with ExitStack() as stack:
        ways = [stack.enter_context(ApiProxy(cluster.kubeconfig, tmp_path / n)) for n in "ab"]
        closed = stack.enter_context(gate(cluster.host_address))
        sightings = stack.enter_context(watching(cluster))
        cut_off, taking = (
            Place(
                cluster,
                namespace,
                tmp_path / f"{n}-store",
                way.kubeconfig(tmp_path / f"{n}"),
                agent,
            )
            for n, way in zip("12", ways, strict=True)
        )
        make = ["echo begun", closed.wait, "mkdir out", "seq 9 > out/it"]
        steps = [
            {"name": "make", "commands": make, "artifacts": ["out/*"]},
            {"name": "use", "dependsOn": ["make"], "commands": ["cat out/it"]},
        ]
        file.write_bytes(order_of(steps))
        first = cut_off.begin(file, program=hasty)
        wait_for(
            "its log", lambda: any(log.stat().st_size for log in cut_off.store.rglob("make.log"))
        )
        ways[0].judge = lambda _asked: Fault(times=0, lost=True)
        ways[0].cut()
        holder = claim_of(cut_off)[0]
        wait_for("its claim to run out", lambda: claim_of(cut_off)[1] < now(), timeout=30)
        ways[1].judge = slow_to_fetch()
        second = taking.begin(file, program=hasty)
        wait_for("the other's claim", lambda: claim_of(taking)[0] != holder, timeout=30)
        # It reaches its pods first, and cannot ask yet whose the run is.
        ways[0].judge = without_claiming
        closed.open()
        records = [ended(second)]
        ways[0].judge = lambda _asked: None
        records.append(ended(first))
        assert records[0] == records[1]
        check_end(taking, sightings, records[0], {"make": b"begun\n", "use": NINE})


def without_claiming(asked: Asked) -> Fault | None:
    if asked.resource == "configmaps" and asked.method == "PATCH":
        return Fault(times=0, lost=True)
    return None


def slow_to_fetch() -> Judge:
    """The first command that packs files gets its answer late, and a bad one."""
    met: list[Asked] = []

    def judge(asked: Asked) -> Fault | None:
        if asked.resource != "exec" or asked.query["container"] != "keeper" or met:
            return None
        met.append(asked)
        time.sleep(3)
        return Fault(times=0, answer=refusal(500, "InternalError", "error dialing backend: EOF"))

    return judge


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat()


def claim_of(place: Place) -> tuple[str, str]:
    """Who has claimed the run, and until when."""
    annotations = kept(place)["metadata"]["annotations"]
    return annotations["c8s.dev/driver"], annotations["c8s.dev/driven-until"]


def kept(place: Place) -> dict[str, Any]:
    """The ConfigMap of the one run there is."""
    path = f"/api/v1/namespaces/{place.namespace}/configmaps"
    found = place.cluster.api().get(path)["items"]
    (record,) = [one for one in found if one["metadata"]["name"].startswith("c8s-p-")]
    return record


def let_claim_run_out(place: Place) -> None:
    record = kept(place)
    record["metadata"]["annotations"]["c8s.dev/driven-until"] = "2026-01-01T00:00:00Z"
    path = f"/api/v1/namespaces/{place.namespace}/configmaps"
    place.cluster.api().text("PUT", f"{path}/{record['metadata']['name']}", record)
