"""Following a log: when it asks again, what from, and when it is done."""

from __future__ import annotations

import datetime
import functools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    Denied,
    InvalidInput,
    NotFound,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.logs import (
    LogFollower,
    LogSource,
    container_ended,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options

from unit.kube.fake_api import Reply, Request, Responder, fake_api, in_turn, status

SOURCE = LogSource("n", "p", "step")


def line(second: float, text: str) -> bytes:
    moment = datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=second)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}000Z {text}\n".encode()


class Pod:
    """Answers for a pod: `logs` in turn, and whether its container has ended."""

    def __init__(self, *logs: Reply | Responder, ended: bool = True) -> None:
        self.ended = ended
        self.gone = False
        self.asked: list[dict[str, str]] = []
        self._logs = in_turn(*logs)

    def __call__(self, request: Request) -> Reply:
        if request.path.endswith("/log"):
            self.asked.append(dict(request.params))
            return self._logs(request)
        if self.gone:
            return status(404, "no pod", "NotFound")
        state: dict[str, Any] = {"terminated": {"exitCode": 0}} if self.ended else {"running": {}}
        return Reply(body={"status": {"containerStatuses": [{"name": "step", "state": state}]}})


@contextmanager
def followed(pod: Pod, **options: Any) -> Iterator[LogFollower]:
    with fake_api(pod) as api:
        client = connect(connection_options({"host": api.url}, {}), {})
        follower = LogFollower(client, options.pop("source", SOURCE), **options)
        try:
            yield follower
        finally:
            follower.stop()
            client.close()


def log(*lines: bytes, cut: bool = False, silent: bool = False) -> Reply:
    return Reply(blocks=list(lines), cut=cut, silent=silent)


class TestTheEnd:
    def test_a_container_that_has_ended_is_read_once(self) -> None:
        pod = Pod(log(line(1, "a"), line(2, "b")))
        with followed(pod) as follower:
            assert b"".join(follower.blocks()) == b"a\nb\n"
        assert pod.asked == [{"container": "step", "timestamps": "true", "follow": "false"}]

    def test_after_a_follow_the_rest_is_asked_for(self) -> None:
        pod = Pod(log(line(1, "a")), log(line(1, "a"), line(2, "b")), ended=False)

        def ended() -> bool:
            return len(pod.asked) > 0

        with followed(pod, ended=ended) as follower:
            assert b"".join(follower.blocks()) == b"a\nb\n"
        assert [asked["follow"] for asked in pod.asked] == ["true", "false"]

    def test_an_end_of_stream_is_not_the_end_of_the_container(self) -> None:
        pod = Pod(
            log(line(1, "a")), log(line(1, "a")), log(line(1, "a"), line(2, "b")), ended=False
        )
        with followed(pod, ended=lambda: len(pod.asked) > 2) as follower:
            assert b"".join(follower.blocks()) == b"a\nb\n"
        assert [asked["follow"] for asked in pod.asked] == ["true", "true", "true", "false"]

    def test_a_pod_that_is_gone(self) -> None:
        pod = Pod(log(line(1, "a"), cut=True), status(404, "no pod", "NotFound"), ended=False)
        with followed(pod, ended=lambda: False) as follower:
            blocks = follower.blocks()
            assert next(blocks) == b"a\n"
            pod.gone = True
            assert list(blocks) == []
            assert follower.gone
            assert not follower.complete

    def test_what_was_read_to_its_end_lacks_nothing_when_the_node_puts_it_away(self) -> None:
        put_away = log(b"unable to retrieve container logs for containerd://1\n")
        for last in (put_away, status(404, "no pod", "NotFound")):
            pod = Pod(log(line(1, "a")), last, ended=False)
            pod.gone = last is not put_away
            pod_is_over = functools.partial(lambda pod: len(pod.asked) > 0, pod)
            with followed(pod, ended=pod_is_over) as follower:
                assert b"".join(follower.blocks()) == b"a\n"
                assert follower.complete

    @pytest.mark.parametrize("fault", [log(cut=True), status(500, "kubelet is away")])
    def test_behind_a_fault_it_may_lack_something(self, fault: Reply) -> None:
        put_away = log(b"unable to retrieve container logs for containerd://1\n")
        pod = Pod(log(line(1, "a")), fault, put_away, ended=False)
        with followed(pod, ended=lambda: len(pod.asked) > 1) as follower:
            assert b"".join(follower.blocks()) == b"a\n"
            assert not follower.complete
            assert follower.notice.startswith("unable to retrieve")

    def test_a_log_that_was_never_there_is_not_complete(self) -> None:
        pod = Pod(log(b"unable to retrieve container logs for containerd://1\n"))
        with followed(pod) as follower:
            assert list(follower.blocks()) == []
            assert not follower.complete

    def test_finishing_wakes_a_quiet_follow(self) -> None:
        pod = Pod(log(line(1, "a"), silent=True), log(line(1, "a"), line(2, "b")), ended=False)
        with followed(pod) as follower:
            timer = threading.Timer(0.3, follower.finish)
            timer.start()
            begun = time.monotonic()
            assert b"".join(follower.blocks()) == b"a\nb\n"
            assert time.monotonic() - begun < 3
            timer.join()
        assert [asked["follow"] for asked in pod.asked] == ["true", "false"]

    def test_finishing_while_lines_still_come(self) -> None:
        def lines() -> Iterator[bytes]:
            for i in range(20):
                if i == 3:
                    follower.finish()
                yield line(i, str(i))
                threading.Event().wait(0.02)

        whole = [line(i, str(i)) for i in range(20)]
        pod = Pod(lambda _: Reply(blocks=lines()), log(*whole), ended=False)
        with followed(pod) as follower:
            got = b"".join(follower.blocks())
        assert got == b"".join(b"%d\n" % i for i in range(20))

    def test_stopping(self) -> None:
        pod = Pod(log(line(1, "a"), silent=True), ended=False)
        with followed(pod) as follower:
            timer = threading.Timer(0.2, follower.stop)
            timer.start()
            assert b"".join(follower.blocks()) == b"a\n"
            timer.join()

    def test_a_container_that_never_started(self) -> None:
        waits = status(400, 'container "step" in pod "p" is waiting to start: ContainerCreating')
        pod = Pod(waits)
        with followed(pod) as follower:
            assert list(follower.blocks()) == []
        assert len(pod.asked) == 1


class TestTriesAgain:
    def test_until_the_container_has_started(self) -> None:
        waits = status(400, 'container "step" in pod "p" is waiting to start: PodInitializing')
        pod = Pod(waits, waits, log(line(1, "a")), ended=False)
        with followed(pod, ended=lambda: len(pod.asked) > 2) as follower:
            assert b"".join(follower.blocks()) == b"a\n"

    @pytest.mark.parametrize(
        "fault",
        [
            log(line(1, "a"), b"2026-01-01T00:00:02.000000000Z b", cut=True),
            status(500, "Internal error: dial tcp: connection refused"),
            status(429, "slow"),
            status(404, "the node does not know the pod yet", "NotFound"),
            Reply(cut=True),
        ],
    )
    def test_over_faults(self, fault: Reply) -> None:
        pod = Pod(fault, log(line(1, "a"), line(2, "bc"), line(3, "d")), ended=False)
        with followed(pod, ended=lambda: len(pod.asked) > 1) as follower:
            assert b"".join(follower.blocks()) == b"a\nbc\nd\n"

    def test_a_silent_follow_is_opened_anew(self) -> None:
        """As after a rotation that the node's follow did not see."""
        pod = Pod(log(line(1, "a"), silent=True), log(line(2, "b")), ended=False)
        with followed(pod, quiet=0.2, ended=lambda: len(pod.asked) > 1) as follower:
            assert b"".join(follower.blocks()) == b"a\nb\n"
            assert follower.rotations == 1

    def test_what_brought_much_is_looked_after_sooner(self) -> None:
        much = [line(i / 1000, "x" * 1000) for i in range(5000)]
        pod = Pod(log(b"".join(much), silent=True), log(line(60, "b")), ended=False)
        with followed(pod, quiet=30, ended=lambda: len(pod.asked) > 1) as follower:
            begun = time.monotonic()
            assert len(b"".join(follower.blocks())) == 5000 * 1001 + 2
            assert time.monotonic() - begun < 15

    def test_it_asks_from_a_whole_second_on(self) -> None:
        lines = [line(i / 100, str(i)) for i in range(2000)]
        pod = Pod(log(b"".join(lines), cut=True), log(*lines[1000:]), ended=False)
        with followed(pod, ended=lambda: len(pod.asked) > 1) as follower:
            assert b"".join(follower.blocks()).count(b"\n") == 2000
        assert pod.asked[1]["sinceTime"].startswith("2026-01-01T00:00:1")
        assert pod.asked[1]["sinceTime"].endswith("Z")

    def test_another_follower_goes_on(self) -> None:
        lines = [line(i, str(i)) for i in range(10)]
        with followed(Pod(log(*lines[:5]))) as follower:
            assert b"".join(follower.blocks()) == b"0\n1\n2\n3\n4\n"
            position = follower.position
        with followed(Pod(log(*lines)), position=position) as follower:
            assert b"".join(follower.blocks()) == b"5\n6\n7\n8\n9\n"


class TestRefusals:
    def test_denied(self) -> None:
        pod = Pod(status(403, "cannot get pods/log"))
        with followed(pod) as follower, pytest.raises(Denied, match="cannot get pods/log"):
            list(follower.blocks())

    def test_what_cannot_be_asked(self) -> None:
        pod = Pod(status(400, "container x is not valid for pod p"))
        with followed(pod) as follower, pytest.raises(InvalidInput, match="is not valid"):
            list(follower.blocks())

    def test_no_previous_container(self) -> None:
        pod = Pod(status(400, 'previous terminated container "step" in pod "p" not found'))
        source = LogSource("n", "p", "step", previous=True)
        with followed(pod, source=source) as follower, pytest.raises(NotFound, match="previous"):
            list(follower.blocks())
        assert pod.asked[0]["previous"] == "true"


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ({}, False),
        ({"phase": "Failed"}, True),
        ({"containerStatuses": [{"name": "other", "state": {"terminated": {}}}]}, False),
        ({"containerStatuses": [{"name": "step", "state": {"waiting": {}}}]}, False),
        ({"initContainerStatuses": [{"name": "step", "state": {"terminated": {}}}]}, True),
    ],
)
def test_when_a_container_has_ended(status: dict[str, Any], ended: bool) -> None:
    assert container_ended({"status": status}, "step") is ended
