"""What befalls the words to pods whose files travel by an object store, and the answers in their
logs: the run ends as it would."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import to_record
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import pod_channel
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3_settings import (
    S3Settings,
    s3_settings,
)

from faults.api_proxy import ApiProxy
from faults.driving import Place, check_end, order_of, side_by_side
from faults.fault import Asked, Cut, Fault, refusal
from faults.field import Judge
from faults.sightings import Sightings, watching
from kube.cluster import Cluster
from kube.fixtures import own_namespace
from s3_server import s3_server

SIDE_BY_SIDE = 4
NUMBERS = b"".join(b"%d\n" % number for number in range(1, 200_001))
CARRYING = order_of(
    [
        {
            "name": "make",
            "commands": [
                "mkdir out",
                "seq 1 200000 > out/numbers",
                "head -c 100000 /dev/zero > out/zeros",
                "echo made",
            ],
            "artifacts": ["out/*"],
        },
        {
            "name": "use",
            "dependsOn": ["make"],
            "commands": ["sha256sum < out/numbers", "wc -c < out/zeros"],
        },
    ]
)
LOGS = {
    "make": b"made\n",
    "use": hashlib.sha256(NUMBERS).hexdigest().encode() + b"  -\n100000\n",
}
WORDS = 5
"""Different ones: texts packed, others uploaded, let go; both downloaded, let begin."""


def cut_after(count: int, lines: Iterator[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        if number == count:
            raise Cut
        yield line


def with_a_hole(lines: Iterator[bytes]) -> Iterator[bytes]:
    """A node that has rotated a piece away before it was read."""
    return (line for line in lines if b'"piece": 3}' not in line)


SAYING = {
    "the connection breaks before it": Fault(times=0, lost=True),
    "it is answered 500": Fault(times=0, answer=refusal(500, "InternalError", "etcd is busy")),
    "it is answered 429": Fault(
        times=0, answer=refusal(429, "TooManyRequests", "try again", retryAfterSeconds=1)
    ),
    "it is said twice": Fault(times=2),
    "the answer to it is lost": Fault(lost=True),
}
HEARING = {
    "nothing is heard": Fault(lines=functools.partial(cut_after, 0)),
    "the log breaks when it has begun": Fault(lines=functools.partial(cut_after, 1)),
    "the log breaks in the middle of the answer": Fault(lines=functools.partial(cut_after, 5)),
    "a piece of the log is lost": Fault(lines=with_a_hole),
    "the log is answered 500": Fault(
        times=0, answer=refusal(500, "InternalError", "error dialing backend: EOF")
    ),
}


def word_of(asked: Asked) -> str:
    """What a pod is told, empty where that is no word."""
    if asked.method != "PATCH" or asked.resource != "pods":
        return ""
    annotations = json.loads(asked.body)["metadata"]["annotations"]
    ((name, word),) = annotations.items()
    return f"{name} {json.loads(word)['command']}"


def at_each_word(fault: Fault, met: set[tuple[str, ...]]) -> Judge:
    """Each word meets it, but when it is said again."""

    def judge(asked: Asked) -> Fault | None:
        word = word_of(asked)
        if not word or (asked.path, word) in met:
            return None
        met.add((asked.path, word))
        return fault

    return judge


def at_each_answer(fault: Fault, met: set[tuple[str, ...]]) -> Judge:
    """The next look into a container's log meets it after each word."""
    told: set[tuple[str, str]] = set()

    def judge(asked: Asked) -> Fault | None:
        word = word_of(asked)
        if word and (asked.path, word) not in met:
            met.add((asked.path, word))
            told.add((asked.path, word.split()[0].rpartition("-")[2]))
        if asked.resource != "log":
            return None
        place = (asked.path.removesuffix("/log"), asked.query["container"])
        if place not in told:
            return None
        told.remove(place)
        return fault

    return judge


class Trial:
    """Runs whose steps hand on files, each in a namespace and behind a proxy of its own."""

    def __init__(
        self,
        cluster: Cluster,
        agent: str,
        folder: Path,
        sightings: Sightings,
        objects: S3Settings | None,
    ) -> None:
        self.cluster = cluster
        self.agent = agent
        self.folder = folder
        self.sightings = sightings
        self.objects = objects

    def ends_well(self, judge: Callable[[set[tuple[str, ...]]], Judge]) -> None:
        met: set[tuple[str, ...]] = set()
        with ExitStack() as stack:
            namespace = stack.enter_context(own_namespace(self.cluster))
            folder = self.folder / namespace
            folder.mkdir()
            proxy = stack.enter_context(ApiProxy(self.cluster.kubeconfig, folder / "pki"))
            proxy.judge = judge(met)
            kubeconfig = proxy.kubeconfig(folder / "kubeconfig")
            place = Place(
                self.cluster, namespace, folder / "store", kubeconfig, self.agent, self.objects
            )
            record = to_record(place.launch(CARRYING))
            check_end(place, self.sightings, record, LOGS)
            assert len(met) >= WORDS, met


@pytest.mark.parametrize(
    ("faults", "where"), [(SAYING, at_each_word), (HEARING, at_each_answer)], ids=["said", "heard"]
)
def test_at_every_word(
    cluster: Cluster,
    agent: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    faults: dict[str, Fault],
    where: Callable[[Fault, set[tuple[str, ...]]], Judge],
) -> None:
    monkeypatch.setattr(pod_channel, "AGAIN_SECONDS", 2.0)
    with (
        watching(cluster) as sightings,
        s3_server(tmp_path / "s3", cluster.host_address) as server,
    ):
        for name, value in server.credentials.items():
            monkeypatch.setenv(name, value)
        trial = Trial(cluster, agent, tmp_path, sightings, s3_settings(server.options(), {}))
        side_by_side(
            {
                name: functools.partial(trial.ends_well, functools.partial(where, fault))
                for name, fault in faults.items()
            },
            SIDE_BY_SIDE,
        )
