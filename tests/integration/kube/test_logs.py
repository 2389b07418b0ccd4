"""Logs of real containers: whole and once, over cuts, rotation, restarts and silence."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import NotFound
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.kube.kinds import POD
from ansible_collections.c8s.ci.plugins.module_utils.kube.log_decoder import LogPosition
from ansible_collections.c8s.ci.plugins.module_utils.kube.logs import (
    LogFollower,
    LogSource,
    container_ended,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources

from integration.kube.reach import client_of, pod_manifest, start_pod, wired
from kube.cluster import Cluster
from kube.fixtures import own_namespace
from kube.waiting import wait_for

# Numbers its lines; a third of them go to stderr.
COUNT = """
i=0
while [ $i -lt %d ]; do
  i=$((i+1))
  if [ $((i %% 3)) = 0 ]; then echo "line $i" >&2; else echo "line $i"; fi
  %s
done
"""
TEXT = " the quick brown fox jumps over the lazy dog and again 0123456789"


def follower(client: Client, namespace: str, pod: str, **options: Any) -> LogFollower:
    return LogFollower(client, LogSource(namespace, pod, "step"), **options)


def whole(client: Client, namespace: str, pod: str, **options: Any) -> bytes:
    return b"".join(follower(client, namespace, pod, **options).blocks())


def counted(lines: int) -> bytes:
    return b"".join(b"line %d\n" % (i + 1) for i in range(lines))


def as_written(log: bytes) -> bytes:
    """The numbered lines in their order: two streams may overtake each other by a hair."""
    return b"".join(sorted(log.splitlines(keepends=True), key=lambda line: int(line.split()[1])))


class TestContent:
    def test_of_a_short_life(self, client: Client, namespace: str) -> None:
        start_pod(client, namespace, "p", "echo one; echo two >&2; printf three")
        # The node may hand on the second stream after the unfinished line of the first.
        assert whole(client, namespace, "p") in (
            b"one\ntwo\nthree",
            b"one\nthreetwo\n",
            b"two\none\nthree",
        )

    def test_of_many_that_end_at_once(self, client: Client, namespace: str) -> None:
        names = [f"p{i}" for i in range(12)]
        resources = Resources(client)
        for name in names:
            script = f"sleep 1; seq 1 2000 | sed s/^/{name}-/"
            resources.create(pod_manifest(name, script), namespace)
        with ThreadPoolExecutor(len(names)) as pool:
            logs = list(pool.map(lambda name: whole(client, namespace, name), names))
        for name, log in zip(names, logs, strict=True):
            assert log == b"".join(b"%s-%d\n" % (name.encode(), i) for i in range(1, 2001))

    def test_of_long_lines_and_any_bytes(self, client: Client, namespace: str) -> None:
        long = "yes \"$(printf '\\377\\376ab\\rc')\" | tr -d '\\n' | head -c 1000000"
        script = f"printf 'begin\\n'; {long}; printf '\\nend\\000\\n'"
        start_pod(client, namespace, "p", script)
        line = (b"\xff\xfeab\rc" * 200_000)[:1_000_000]
        assert whole(client, namespace, "p") == b"begin\n" + line + b"\nend\0\n"

    def test_with_timestamps(self, client: Client, namespace: str) -> None:
        start_pod(client, namespace, "p", "echo one; echo two")
        lines = whole(client, namespace, "p", timestamps=True).splitlines()
        assert [line.split(b" ")[1] for line in lines] == [b"one", b"two"]
        stamps = [line.split(b" ")[0] for line in lines]
        assert stamps == sorted(stamps)
        assert len(stamps[0].split(b".")[1]) == len("123456789Z")

    def test_of_the_container_before(self, client: Client, namespace: str) -> None:
        # It fails once, then waits.
        script = "if [ -e /s/x ]; then sleep 600; fi; touch /s/x; echo first life; exit 1"
        manifest = pod_manifest("p", script, restart="OnFailure")
        manifest["spec"]["volumes"] = [{"name": "s", "emptyDir": {}}]
        mounts = [{"name": "s", "mountPath": "/s"}]
        manifest["spec"]["containers"][0]["volumeMounts"] = mounts
        resources = Resources(client)
        resources.create(manifest, namespace)

        def restarted() -> bool:
            status = resources.get(POD, "p", namespace)["status"].get("containerStatuses", ())
            return any(found["restartCount"] and found["started"] for found in status)

        previous = LogSource(namespace, "p", "step", previous=True)
        wait_for("the restart", restarted)
        assert b"".join(LogFollower(client, previous).blocks()) == b"first life\n"
        start_pod(client, namespace, "q", "sleep 600")
        none = LogFollower(client, LogSource(namespace, "q", "step", previous=True))
        with pytest.raises(NotFound, match="previous terminated container"):
            list(none.blocks())


class TestFollowing:
    def test_from_before_the_container_starts(self, client: Client, namespace: str) -> None:
        Resources(client).create(pod_manifest("p", COUNT % (20, "sleep 0.05")), namespace)
        assert as_written(whole(client, namespace, "p")) == counted(20)

    def test_lines_come_while_the_container_runs(self, client: Client, namespace: str) -> None:
        start_pod(client, namespace, "p", "echo now; sleep 600")
        reader = follower(client, namespace, "p")
        blocks = reader.blocks()
        assert next(blocks) == b"now\n"
        reader.stop()
        assert list(blocks) == []

    def test_a_line_is_here_within_half_a_second(self, client: Client, namespace: str) -> None:
        script = "i=0; while true; do i=$((i+1)); echo $i; sleep 0.3; done"
        start_pod(client, namespace, "p", script)
        reader = follower(client, namespace, "p", timestamps=True)
        late = []
        for block in reader.blocks():
            for line in block.splitlines():
                late.append(time.time() - _seconds(line.split(b" ")[0]))
            if len(late) > 15:
                reader.stop()
        # The first ones were there before we asked.
        assert sorted(late[3:])[len(late[3:]) // 2] < 0.5

    def test_finishing_is_quick(self, client: Client, namespace: str) -> None:
        start_pod(client, namespace, "p", COUNT % (100, ""))
        resources = Resources(client)
        reader = follower(client, namespace, "p", ended=lambda: False)
        wait_for("the end", lambda: container_ended(resources.get(POD, "p", namespace), "step"))
        timer = threading.Timer(0.5, reader.finish)
        timer.start()
        begun = time.monotonic()
        assert as_written(b"".join(reader.blocks())) == counted(100)
        assert time.monotonic() - begun < 3
        timer.join()

    def test_a_pod_that_is_deleted(self, client: Client, namespace: str) -> None:
        start_pod(client, namespace, "p", "echo here; sleep 600")
        reader = follower(client, namespace, "p")
        blocks = reader.blocks()
        assert next(blocks) == b"here\n"
        Resources(client).delete(POD, "p", namespace, grace_seconds=0)
        assert list(blocks) == []


class TestFaults:
    def test_a_wire_that_is_cut_again_and_again(
        self, cluster: Cluster, client: Client, namespace: str
    ) -> None:
        start_pod(client, namespace, "p", COUNT % (600, "sleep 0.01"))
        with wired(cluster) as (broken, line):
            over = threading.Event()

            def cut() -> None:
                while not over.wait(0.37):
                    line.cut()

            thread = threading.Thread(target=cut)
            thread.start()
            try:
                got = whole(broken, namespace, "p")
            finally:
                over.set()
                thread.join()
            assert line.accepted > 5
        assert as_written(got) == counted(600)

    def test_a_silent_wire(self, cluster: Cluster, client: Client, namespace: str) -> None:
        start_pod(client, namespace, "p", COUNT % (100, "sleep 0.05"))
        with wired(cluster) as (broken, line):
            reader = follower(broken, namespace, "p", quiet=1.0)
            blocks = reader.blocks()
            got = next(blocks)
            with line.silent():
                before = line.accepted
                timer = threading.Timer(1.5, line.cut)
                timer.start()
                timer.join()
            got += b"".join(blocks)
            assert line.accepted > before
        assert as_written(got) == counted(100)

    def test_a_reader_that_dies_and_one_that_goes_on(self, client: Client, namespace: str) -> None:
        start_pod(client, namespace, "p", COUNT % (300, "sleep 0.01"))
        got, position = b"", LogPosition()
        while True:
            reader = follower(client, namespace, "p", position=position)
            blocks = reader.blocks()
            pieces = list(itertools.islice(blocks, 40))
            reader.stop()
            position = LogPosition.parse(str(reader.position))
            got += b"".join(pieces)
            if len(pieces) < 40:
                break
        assert as_written(got) == counted(300)

    def test_a_hundred_megabytes_at_full_speed(self, client: Client, namespace: str) -> None:
        lines = 1_400_000
        start_pod(client, namespace, "p", f'seq 1 {lines} | sed "s/$/{TEXT}/"')
        digest, size = hashlib.sha256(), 0
        for block in follower(client, namespace, "p").blocks():
            digest.update(block)
            size += len(block)
        expected = hashlib.sha256()
        total = 0
        for begin in range(1, lines + 1, 10_000):
            text = "".join(f"{i}{TEXT}\n" for i in range(begin, begin + 10_000)).encode()
            expected.update(text)
            total += len(text)
        assert size == total > 100_000_000
        assert digest.digest() == expected.digest()

    def test_a_log_that_is_rotated(self, cluster: Cluster, client: Client, namespace: str) -> None:
        """Two megabytes a second for long enough that the node takes the file away twice."""
        script = (
            f'for s in $(seq 1 26); do seq 1 28000 | sed "s/^/$s-/;s/$/{TEXT}/"; sleep 0.8; done'
        )
        start_pod(client, namespace, "p", script)
        got = whole(client, namespace, "p")
        folders = [path for path in cluster.pod_logs.iterdir() if path.name.startswith(namespace)]
        assert any("." in path.name[5:] for path in (folders[0] / "step").iterdir())
        assert len(got.splitlines()) == 26 * 28000
        expected = "".join(f"{s}-{i}{TEXT}\n" for s in range(1, 27) for i in range(1, 28001))
        assert got == expected.encode()


@pytest.fixture
def place(fragile_node: Cluster) -> Iterator[str]:
    with own_namespace(fragile_node) as name:
        yield name


class TestTheNode:
    def test_the_api_server_starts_anew(self, fragile_node: Cluster, place: str) -> None:
        with client_of(fragile_node) as client:
            start_pod(client, place, "p", COUNT % (400, "sleep 0.02"))
            with ThreadPoolExecutor(1) as pool:
                reading = pool.submit(whole, client, place, "p")
                fragile_node.restart("kube-apiserver")
                assert as_written(reading.result(120)) == counted(400)

    def test_the_kubelet_stands_still(self, fragile_node: Cluster, place: str) -> None:
        with client_of(fragile_node) as client:
            start_pod(client, place, "p", COUNT % (200, "sleep 0.03"))
            reader = follower(client, place, "p", quiet=2.0)
            blocks = reader.blocks()
            got = next(blocks)
            with ThreadPoolExecutor(1) as pool:
                with fragile_node.halted("kubelet"):
                    reading = pool.submit(lambda: b"".join(blocks))
                    begun = time.monotonic()
                    wait_for("time to pass", lambda: time.monotonic() - begun > 5)
                    assert not reading.done()
                got += reading.result(120)
        assert as_written(got) == counted(200)

    def test_the_kubelet_starts_anew(self, fragile_node: Cluster, place: str) -> None:
        with client_of(fragile_node) as client:
            start_pod(client, place, "p", COUNT % (300, "sleep 0.02"))
            with ThreadPoolExecutor(1) as pool:
                reading = pool.submit(whole, client, place, "p")
                fragile_node.stop("kubelet")
                fragile_node.start("kubelet")
                assert as_written(reading.result(120)) == counted(300)


def _seconds(stamp: bytes) -> float:
    """A timestamp of the log in seconds since 1970."""
    return datetime.datetime.fromisoformat(stamp.decode()[:26] + "+00:00").timestamp()
