"""How long a log waits before it is asked for: it depends on how many others go on."""

from __future__ import annotations

import concurrent.futures
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.masking.masker import Secrets
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import pod_logs
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.pod_logs import (
    CROWD,
    MOST_PATIENCE_SECONDS,
    PATIENCE_SECONDS,
    PodLogs,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage.log_spool import LogSpool

COUNT = CROWD + 10
POD = {"metadata": {"name": "p", "uid": "u"}}


class Node:
    """Logs of containers that end when the gate opens; notes how long each waited to be asked."""

    def __init__(self) -> None:
        self.gate, self.all_asked = threading.Event(), threading.Event()
        self.patience: list[float] = []

    def follower(
        self, _client: object, _source: object, *, patience: float, **_more: object
    ) -> Any:
        self.patience.append(patience)
        if len(self.patience) == COUNT:
            self.all_asked.set()

        def blocks() -> list[bytes]:
            self.gate.wait(10)
            return []

        return SimpleNamespace(
            blocks=blocks,
            gone=False,
            complete=True,
            notice="",
            finish=lambda: None,
            reads_rest=True,
        )


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    made = Node()
    monkeypatch.setattr(pod_logs, "LogFollower", made.follower)
    return made


@pytest.fixture
def logs(tmp_path: Path) -> PodLogs:
    def begin(_run: object, step: str, *_more: object, **_options: object) -> LogSpool:
        return LogSpool(tmp_path / f"{step}.log", "u")

    kept: Any = SimpleNamespace(begin=begin, ended=lambda _run: None)
    client: Any = None
    return PodLogs(client, "ns", kept)


def follow(logs: PodLogs, number: int) -> concurrent.futures.Future[None]:
    run: Any = SimpleNamespace(uid="one")
    masks = Secrets([])
    return logs.follow(run, f"step-{number}", 1, POD, masks, lambda: None).kept


def test_one_after_the_other_they_are_asked_for_soon(logs: PodLogs, node: Node) -> None:
    node.gate.set()
    for number in range(COUNT):
        follow(logs, number).result(10)
    assert node.patience == [PATIENCE_SECONDS] * COUNT


def test_in_a_crowd_each_waits_for_its_end(logs: PodLogs, node: Node) -> None:
    waiting = [follow(logs, number) for number in range(COUNT)]
    assert node.all_asked.wait(10)
    node.gate.set()
    concurrent.futures.wait(waiting, 10)
    crowded = [patience for patience in node.patience if patience != PATIENCE_SECONDS]
    assert len(crowded) > COUNT - CROWD
    assert all(2.0 <= patience <= MOST_PATIENCE_SECONDS for patience in crowded)
    assert crowded[-1] > crowded[0], "the more there are, the longer"
