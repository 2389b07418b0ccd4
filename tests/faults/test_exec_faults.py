"""What befalls the commands by which files come into pods and out: the run ends as it would."""

from __future__ import annotations

import functools
import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.kube import channels
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import to_record
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import executor

from faults.api_proxy import ApiProxy
from faults.driving import Place, check_end, order_of, side_by_side
from faults.fault import Asked, Cut, Fault, refusal
from faults.field import Judge
from faults.sightings import Sightings, watching
from kube.cluster import Cluster
from kube.fixtures import own_namespace

SIDE_BY_SIDE = 5
NUMBERS = b"".join(b"%d\n" % number for number in range(1, 200_001))
# Enough to fill what connections hold on their way, and told apart by its sum.
CARRYING = order_of(
    [
        {
            "name": "make",
            "commands": ["mkdir out", "seq 1 200000 > out/numbers", "echo made"],
            "artifacts": ["out/*"],
        },
        {
            "name": "use",
            "dependsOn": ["make"],
            "commands": ["sha256sum < out/numbers", "ls out"],
        },
        {"name": "last", "dependsOn": ["use"], "commands": ["echo the end"]},
    ]
)
LOGS = {
    "make": b"made\n",
    "use": hashlib.sha256(NUMBERS).hexdigest().encode() + b"  -\nnumbers\n",
    "last": b"the end\n",
}
DEAD_SECONDS = 3.0
EXECS = 4
"""Packed, fetched, brought, restored."""


def broken() -> None:
    raise Cut


def silent(seconds: float) -> Callable[[], None]:
    return functools.partial(time.sleep, seconds)


FAULTS = {
    "the connection breaks before it": Fault(times=0),
    "it is answered 500": Fault(
        times=0, answer=refusal(500, "InternalError", "error dialing backend: EOF")
    ),
    "it is answered 429": Fault(
        times=0, answer=refusal(429, "TooManyRequests", "try again", retryAfterSeconds=1)
    ),
    "it breaks when it has begun": Fault(halfway=broken, halfway_out=0),
    "it breaks in the middle of what it reads": Fault(halfway=broken, halfway_in=500_000),
    "it breaks in the middle of what it says": Fault(halfway=broken, halfway_out=500_000),
    "how it ended is lost": Fault(lost=True),
    "it is silent for a while": Fault(halfway=silent(DEAD_SECONDS / 3), halfway_out=0),
    "it is silent for too long": Fault(halfway=silent(DEAD_SECONDS * 2), halfway_out=0),
}


def at_each_first(fault: Fault, met: set[tuple[str, ...]]) -> Judge:
    """Every command in every container meets it, but when it is tried again."""

    def judge(asked: Asked) -> Fault | None:
        if asked.resource != "exec":
            return None
        what = (asked.path, asked.query["container"], asked.query["command"])
        if what in met:
            return None
        met.add(what)
        return fault

    return judge


class Trial:
    """Runs whose steps hand on files, each in a namespace and behind a proxy of its own."""

    def __init__(self, cluster: Cluster, agent: str, folder: Path, sightings: Sightings) -> None:
        self.cluster = cluster
        self.agent = agent
        self.folder = folder
        self.sightings = sightings

    def ends_well(self, fault: Fault) -> None:
        met: set[tuple[str, ...]] = set()
        with ExitStack() as stack:
            namespace = stack.enter_context(own_namespace(self.cluster))
            folder = self.folder / namespace
            folder.mkdir()
            proxy = stack.enter_context(ApiProxy(self.cluster.kubeconfig, folder / "pki"))
            proxy.judge = at_each_first(fault, met)
            kubeconfig = proxy.kubeconfig(folder / "kubeconfig")
            place = Place(self.cluster, namespace, folder / "store", kubeconfig, self.agent)
            record = to_record(place.launch(CARRYING))
            check_end(place, self.sightings, record, LOGS)
            (kept,) = place.store.rglob("numbers")
            assert kept.read_bytes() == NUMBERS
            assert len(met) >= EXECS, met


def test_a_transfer_that_hangs_keeps_no_step_from_its_release(
    cluster: Cluster, agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many of them as there are carriers; it goes on when the step let go has ended."""
    monkeypatch.setattr(executor, "CARRIERS", 1)
    steps = [
        {"name": "make", "commands": ["mkdir out", "echo 1 > out/it"], "artifacts": ["out/*"]},
        {"name": "first", "commands": ["sleep 5"]},
        {"name": "then", "dependsOn": ["first"], "commands": ["echo then"]},
    ]
    over = threading.Event()
    released: list[str] = []

    gave_up = threading.Event()

    def hang() -> None:
        if not over.wait(20):
            gave_up.set()

    def judge(asked: Asked) -> Fault | None:
        if asked.resource == "exec" and asked.query["container"] == "keeper":
            return Fault(halfway=hang, halfway_out=0)
        if asked.method == "PATCH" and asked.resource == "pods":
            released.append("late" if gave_up.is_set() else "in time")
            over.set()
        return None

    with ExitStack() as stack:
        namespace = stack.enter_context(own_namespace(cluster))
        proxy = stack.enter_context(ApiProxy(cluster.kubeconfig, tmp_path / "pki"))
        proxy.judge = judge
        kubeconfig = proxy.kubeconfig(tmp_path / "kubeconfig")
        place = Place(cluster, namespace, tmp_path / "store", kubeconfig, agent)
        run = place.launch(order_of(steps, prepareAhead=True))
        assert run.status.phase is Phase.SUCCEEDED, run.status
        assert released == ["in time"]


def test_at_every_command(
    cluster: Cluster, agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "_PING_SECONDS", DEAD_SECONDS / 2)
    monkeypatch.setattr(channels, "_DEAD_SECONDS", DEAD_SECONDS)
    with watching(cluster) as sightings:
        trial = Trial(cluster, agent, tmp_path, sightings)
        side_by_side(
            {name: functools.partial(trial.ends_well, fault) for name, fault in FAULTS.items()},
            SIDE_BY_SIDE,
        )
