"""Commands that go to a pod as words, and come back in its log: the agent itself plays the pod."""

from __future__ import annotations

import datetime
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    Timeout,
    Unavailable,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client, connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.exec import OutputTooLarge
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import pod_channel
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.pod_channel import WordChannel

from unit.kube.fake_api import FakeApi, Reply, Request, fake_api, status

POD = {"metadata": {"name": "p"}}
PATIENCE = 20.0


class Node:
    """A pod with one container, that of the agent, as an API server shows it.

    `lost`: how many words come to nothing; `hole`: a piece of output that the node does not keep.
    """

    def __init__(self, folder: Path, verb: str = "await") -> None:
        self.lost = 0
        self.hole = -1
        self.gone = False
        self.door, self._words = folder / "door", folder / "words"
        self._words.touch()
        self._log: list[bytes] = []
        self._news = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            [sys.executable, "-m", "c8s.agent", verb, str(self.door), str(self._words)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        moment = datetime.datetime(2026, 1, 1)
        with self.process.stdout or io.BytesIO() as stream:
            for number, line in enumerate(stream):
                if json.loads(line).get("piece") == self.hole:
                    continue
                stamp = moment + datetime.timedelta(milliseconds=number)
                with self._news:
                    self._log.append(f"{stamp:%Y-%m-%dT%H:%M:%S.%f}000Z ".encode() + line)
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def __call__(self, request: Request) -> Reply:
        if self.gone:
            return status(404, "pods p not found", "NotFound")
        if request.method == "PATCH":
            word = request.json()["metadata"]["annotations"]["c8s.dev/word-for-keeper"]
            if self.lost:
                self.lost -= 1
            else:
                self.take(word.encode())
            return Reply(body=POD)
        if request.path.endswith("/log"):
            return Reply(blocks=self._lines(follow=request.params["follow"] == "true"))
        state: dict[str, Any] = {"terminated": {}} if self._ended else {"running": {}}
        found = {"status": {"containerStatuses": [{"name": "keeper", "state": state}]}, **POD}
        return Reply(body={"metadata": {"resourceVersion": "1"}, "items": [found]})

    def take(self, word: bytes) -> None:
        draft = self._words.with_name("draft")
        draft.write_bytes(word)
        draft.rename(self._words)

    def _lines(self, *, follow: bool) -> Iterator[bytes]:
        sent = 0
        over = False
        while not over:
            with self._news:
                if follow and len(self._log) == sent and not self._ended:
                    self._news.wait(PATIENCE)
                lines = self._log[sent:]
                over = self._ended or not follow
            yield from lines
            sent += len(lines)

    def end(self) -> None:
        self.door.write_text("\n")
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    yield made
    made.end()


@pytest.fixture
def api(node: Node) -> Iterator[FakeApi]:
    with fake_api(node) as served:
        yield served


@pytest.fixture
def client(api: FakeApi) -> Iterator[Client]:
    with connect(connection_options({"host": api.url}, {}), {}) as made:
        yield made


@pytest.fixture
def channel(client: Client) -> WordChannel:
    return WordChannel(client, "n")


def test_a_command_gets_its_input_and_gives_its_output_and_code(channel: WordChannel) -> None:
    done = channel.run(POD, "keeper", ["sh", "-c", "cat; echo no >&2; exit 3"], stdin=b"given\n")
    assert (done.exit_code, done.stdout, done.stderr) == (3, b"given\n", b"no\n")
    done = channel.run(POD, "keeper", ["true"])
    assert (done.exit_code, done.stdout, done.stderr) == (0, b"", b"")


def test_a_command_that_is_killed_or_does_not_exist(channel: WordChannel) -> None:
    assert channel.run(POD, "keeper", ["sh", "-c", "kill -9 $$"]).exit_code == 137
    assert channel.run(POD, "keeper", ["/no/such/program"]).exit_code == 127


def test_what_it_writes_comes_whole_and_may_be_much(channel: WordChannel, tmp_path: Path) -> None:
    content = os.urandom(1_000_003)
    (tmp_path / "content").write_bytes(content)
    found = io.BytesIO()
    command = ["cat", str(tmp_path / "content")]
    assert channel.run(POD, "keeper", command, stdout=found.write).exit_code == 0
    assert found.getvalue() == content
    with pytest.raises(OutputTooLarge, match="more than the 1000 bytes"):
        channel.run(POD, "keeper", command, output_limit=1000)
    assert channel.run(POD, "keeper", ["echo", "next"]).stdout == b"next\n"


def test_a_log_with_a_hole_is_no_answer(channel: WordChannel, node: Node) -> None:
    node.hole = 1
    command = [sys.executable, "-c", "import os; print(os.urandom(10000).hex()[:20000])"]
    with pytest.raises(Unavailable, match="lost some of its answer"):
        channel.run(POD, "keeper", command)
    node.hole = -1
    assert len(channel.run(POD, "keeper", command).stdout) == 20001


def test_a_word_that_was_written_over_is_said_again(
    channel: WordChannel, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_channel, "AGAIN_SECONDS", 0.3)
    node.lost = 2
    assert channel.run(POD, "keeper", ["echo", "heard"]).stdout == b"heard\n"


def test_a_word_that_is_said_twice_is_run_once(
    channel: WordChannel, api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_channel, "AGAIN_SECONDS", 0.05)
    script = f"echo once >>{tmp_path}/count; sleep 0.5"
    assert channel.run(POD, "keeper", ["sh", "-c", script]).exit_code == 0
    assert (tmp_path / "count").read_text() == "once\n"


def test_another_driver_reads_its_own_answers_only(channel: WordChannel, client: Client) -> None:
    assert channel.run(POD, "keeper", ["echo", "first"]).stdout == b"first\n"
    other = WordChannel(client, "n")
    assert other.run(POD, "keeper", ["echo", "second"]).stdout == b"second\n"
    assert channel.run(POD, "keeper", ["echo", "third"]).stdout == b"third\n"


def test_who_waits_too_long_is_told(channel: WordChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_channel, "AGAIN_SECONDS", 0.1)
    with pytest.raises(Timeout, match="cannot run sleep in n/p/keeper: no end after 1 seconds"):
        channel.run(POD, "keeper", ["sleep", "3"], timeout=1)


def test_a_container_that_ends_meanwhile(channel: WordChannel, node: Node) -> None:
    with pytest.raises(Conflict, match="the container has ended"):
        channel.run(POD, "keeper", ["sh", "-c", f"kill -9 {node.process.pid}"])


def test_a_pod_that_is_gone(channel: WordChannel, node: Node) -> None:
    node.gone = True
    with pytest.raises(NotFound):
        channel.run(POD, "keeper", ["true"])


def test_a_pod_on_its_way_out_is_reached_where_it_was_told_to_look(
    channel: WordChannel, node: Node
) -> None:
    leaving = {"metadata": {**POD["metadata"], "deletionTimestamp": "2026-01-02T10:00:00Z"}}
    assert channel.reaches(POD)
    assert not channel.reaches(leaving)
    channel.redirect(leaving, node.take)
    assert channel.reaches(leaving)
    node.lost = 1  # what comes by an annotation
    assert channel.run(leaving, "keeper", ["echo", "there"]).stdout == b"there\n"
    channel.redirect_no_more(leaving)
    assert not channel.reaches(leaving)


def test_files_are_not_sent_by_a_word(channel: WordChannel) -> None:
    with pytest.raises(InvalidInput, match="files cannot be sent"):
        channel.run(POD, "keeper", ["cat"], stdin=io.BytesIO(b"much"))


def test_one_that_keeps_outlives_a_signal_and_still_answers(tmp_path: Path) -> None:
    node = Node(tmp_path, "keep")
    try:
        with (
            fake_api(node) as api,
            connect(connection_options({"host": api.url}, {}), {}) as client,
        ):
            channel = WordChannel(client, "n")
            assert channel.run(POD, "keeper", ["true"]).exit_code == 0
            node.process.send_signal(signal.SIGTERM)
            assert channel.run(POD, "keeper", ["echo", "there"]).stdout == b"there\n"
    finally:
        node.end()
