"""A driver that is killed at any of its writes, and called again: nothing lost, nothing twice."""

from __future__ import annotations

import functools
import itertools
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3_settings import (
    VARIABLES,
    S3Settings,
    s3_settings,
)

from faults.api_proxy import ApiProxy
from faults.driving import Place, check_end, ended, order_of, side_by_side
from faults.fault import Answer, Asked, Fault
from faults.sightings import Sightings, watching
from kube.cluster import Cluster
from kube.fixtures import own_namespace
from kube.stages import FAKE_LOG
from s3_server import s3_server

SIDE_BY_SIDE = 6
# Two in order and one that carries files, with logs whose every line can be told from the others.
CARRYING = order_of(
    [
        {
            "name": "make",
            "commands": ["seq 1 300 | sed 's/^/made /'", "mkdir out", "seq 1 100 > out/numbers"],
            "artifacts": ["out/*"],
        },
        {"name": "use", "dependsOn": ["make"], "commands": ["cat out/numbers", "echo used"]},
        {"name": "last", "dependsOn": ["use"], "commands": ["echo the end"]},
    ]
)
CARRYING_LOGS = {
    "make": b"".join(b"made %d\n" % number for number in range(1, 301)),
    "use": b"".join(b"%d\n" % number for number in range(1, 101)) + b"used\n",
    "last": b"the end\n",
}
PLAYED = order_of(
    [
        {"name": "one", "commands": ["true"]},
        {"name": "two", "dependsOn": ["one"], "commands": ["true"]},
        {"name": "aside", "commands": ["true"]},
    ]
)
PLAYED_LOGS = {name: FAKE_LOG.split(" ", 3)[3].encode() for name in ("one", "two", "aside")}


class Trial:
    """One run whose driver is killed at one of its writes, in a namespace of its own."""

    def __init__(
        self,
        cluster: Cluster,
        agent: str,
        folder: Path,
        text: bytes,
        sightings: Sightings,
        objects: S3Settings | None = None,
    ) -> None:
        self.cluster = cluster
        self.agent = agent
        self.objects = objects
        self.folder = folder
        self.sightings = sightings
        folder.mkdir()
        self.file = folder / "pipeline.yaml"
        self.file.write_bytes(text)

    def clean(self, logs: Mapping[str, bytes]) -> list[Asked]:
        """What a driver writes whom nothing befalls."""
        with ExitStack() as stack:
            place, proxy = self._place(stack)
            check_end(place, self.sightings, ended(place.begin(self.file)), logs)
            return proxy.of_sort("write")

    def killed(self, number: int, moment: str, logs: Mapping[str, bytes]) -> bool:
        """Kill the driver at that write, `before` or `after` it hears the answer, call again and
        look; whether it came to that write at all.

        With `before`, what it had to say of the run since it was made is lost too, as it is when
        that was held back for some seconds: there are but the Jobs to tell.
        """
        with ExitStack() as stack:
            place, proxy = self._place(stack)
            victims: list[subprocess.Popen[bytes]] = []
            reached: list[Asked] = []

            def judge(asked: Asked) -> Fault | None:
                if asked.sort != "write" or asked.number != number:
                    told = asked.resource == "configmaps" and asked.method == "PATCH"
                    if told and moment == "before" and asked.number < number:
                        return Fault(times=0, answer=Answer(200))
                    return None
                reached.append(asked)
                if moment == "before":
                    return Fault(before=victims[0].kill, lost=True)
                return Fault(after=victims[0].kill)

            proxy.judge = judge
            victims.append(place.begin(self.file))
            victims[0].communicate(timeout=120)
            proxy.judge = lambda _asked: None
            record = ended(place.begin(self.file))
            check_end(place, self.sightings, record, logs)
            assert all("ttlSecondsAfterFinished" in job["spec"] for job in place.jobs())
            return bool(reached)

    def _place(self, stack: ExitStack) -> tuple[Place, ApiProxy]:
        namespace = stack.enter_context(own_namespace(self.cluster))
        folder = self.folder / namespace
        folder.mkdir()
        proxy = stack.enter_context(ApiProxy(self.cluster.kubeconfig, folder / "pki"))
        kubeconfig = proxy.kubeconfig(folder / "kubeconfig")
        store = folder / "store"
        place = Place(self.cluster, namespace, store, kubeconfig, self.agent, self.objects)
        return place, proxy


def kill_everywhere(trial: Trial, logs: Mapping[str, bytes], least: int) -> None:
    writes = trial.clean(logs)
    assert len(writes) >= least, [str(asked) for asked in writes]
    points = list(itertools.product(range(1, len(writes) + 1), ("before", "after")))
    reached = side_by_side(
        {
            f"killed {moment} the answer to write {number}": functools.partial(
                trial.killed, number, moment, logs
            )
            for number, moment in points
        },
        SIDE_BY_SIDE,
    )
    # How often a record is written depends on how long a run takes: the last ones may be spared.
    assert sum(reached.values()) >= len(points) - 4, reached


def test_at_every_write_of_a_run_whose_pods_are_played(
    control_plane: Cluster, tmp_path: Path
) -> None:
    with watching(control_plane) as sightings:
        trial = Trial(control_plane, "none", tmp_path / "trial", PLAYED, sightings)
        # The record, three Jobs, the record's end, three Jobs that may expire.
        kill_everywhere(trial, PLAYED_LOGS, least=8)


def test_at_every_write_of_a_run_whose_steps_hand_on_files(
    cluster: Cluster, agent: str, tmp_path: Path
) -> None:
    with watching(cluster) as sightings:
        trial = Trial(cluster, agent, tmp_path / "trial", CARRYING, sightings)
        # Also: files packed and fetched, brought and restored.
        kill_everywhere(trial, CARRYING_LOGS, least=12)


def test_at_every_write_of_a_run_whose_files_travel_by_an_object_store(
    cluster: Cluster, agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was told to a pod by a driver that has died is told once more, and done as if once."""
    with (
        watching(cluster) as sightings,
        s3_server(tmp_path / "s3", cluster.host_address) as server,
    ):
        named = {VARIABLES[name]: value for name, value in server.options().items()}
        for name, value in {**server.credentials, **named}.items():
            monkeypatch.setenv(name, value)
        objects = s3_settings({}, named)
        trial = Trial(cluster, agent, tmp_path / "trial", CARRYING, sightings, objects)
        kill_everywhere(trial, CARRYING_LOGS, least=14)
