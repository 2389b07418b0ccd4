"""What an informer holds, whatever its list and its watches go through."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Denied, Timeout
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.informer import Informer, Informers
from ansible_collections.c8s.ci.plugins.module_utils.kube.kinds import JOB, POD
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options

from unit.kube.fake_api import FakeApi, Reply, Request, Responder, fake_api, in_turn, status


def pod(name: str, version: int, uid: str = "", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "namespace": "n",
            "uid": uid or name,
            "resourceVersion": str(version),
            "labels": labels,
            "managedFields": ["much"],
        }
    }


def listed(version: int, *items: dict[str, Any], more: str = "") -> Reply:
    metadata = {"resourceVersion": str(version), "continue": more}
    return Reply(body={"kind": "PodList", "metadata": metadata, "items": list(items)})


def event(kind: str, found: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": found}).encode() + b"\n"


def bookmark(version: int) -> bytes:
    return event("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})


def watched(*blocks: bytes, cut: bool = False) -> Reply:
    """A watch that stays open after these blocks (or is cut)."""
    return Reply(blocks=list(blocks), cut=cut, silent=not cut)


class Script:
    """Lists and watches answered in turn, each last one for good."""

    def __init__(self, lists: list[Reply | Responder], watches: list[Reply | Responder]) -> None:
        self._lists = in_turn(*lists)
        self._watches = in_turn(*watches)
        self.watched: list[Request] = []
        self.listed: list[Request] = []

    def __call__(self, request: Request) -> Reply:
        if request.params.get("watch"):
            self.watched.append(request)
            return self._watches(request)
        self.listed.append(request)
        return self._lists(request)


@contextmanager
def informed(script: Script, idle: float = 30.0, **more: Any) -> Iterator[Informer]:
    with fake_api(script) as api:
        client = connect(connection_options({"host": api.url}, {}), {})
        informer = Informer(client, POD, "n", idle=idle, group_label="run", **more)
        informer.start()
        try:
            yield informer
        finally:
            informer.stop()
            client.close()


def wait(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Wait until the condition holds; what was waited for is named when it does not."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"waited {seconds} s for {what}"
        time.sleep(0.005)


def names(informer: Informer, group: str | None = None) -> list[str]:
    return sorted(found["metadata"]["name"] for found in informer.objects(group))


def versions(informer: Informer) -> dict[str, str]:
    return {
        found["metadata"]["name"]: found["metadata"]["resourceVersion"]
        for found in informer.objects()
    }


class TestTheUsualWay:
    def test_list_then_watch(self) -> None:
        changes = watched(
            event("ADDED", pod("c", 12)),
            event("MODIFIED", pod("a", 13)) + event("DELETED", pod("b", 14)),
            bookmark(20),
        )
        script = Script([listed(10, pod("a", 3), pod("b", 4))], [changes])
        with informed(script) as informer:
            informer.wait_synced(5)
            wait(lambda: versions(informer) == {"a": "13", "c": "12"}, "the changes")
            assert informer.fault is None
        assert script.watched[0].params["resourceVersion"] == "10"
        assert script.watched[0].params["allowWatchBookmarks"] == "true"
        assert "managedFields" not in informer.objects()[0]["metadata"]

    def test_long_lists_come_in_pieces(self) -> None:
        script = Script([listed(10, pod("a", 3), more="x"), listed(11, pod("b", 4))], [watched()])
        with informed(script) as informer:
            informer.wait_synced(5)
            assert names(informer) == ["a", "b"]
            wait(lambda: script.watched, "the watch")
        assert script.listed[1].params["continue"] == "x"
        assert script.watched[0].params["resourceVersion"] == "10"

    def test_groups(self) -> None:
        script = Script(
            [listed(10, pod("a", 1, run="x"), pod("b", 2, run="y"), pod("c", 3, run="x"))],
            [watched(event("DELETED", pod("a", 11, run="x")))],
        )
        with informed(script) as informer:
            wait(lambda: names(informer, "x") == ["c"], "the group")
            assert names(informer, "y") == ["b"]
            assert names(informer, "z") == []

    def test_events_split_anywhere(self) -> None:
        text = event("ADDED", pod("ü", 11)) + event("ADDED", pod("b", 12))
        script = Script([listed(10)], [watched(*[text[i : i + 1] for i in range(len(text))])])
        with informed(script) as informer:
            wait(lambda: names(informer) == ["b", "ü"], "both objects")


class TestFaults:
    def test_a_cut_watch_goes_on_where_it_was(self) -> None:
        script = Script(
            [listed(10)],
            [
                watched(event("ADDED", pod("a", 11)), b'{"type": "ADDED", "obj', cut=True),
                watched(event("ADDED", pod("b", 12))),
            ],
        )
        with informed(script) as informer:
            wait(lambda: names(informer) == ["a", "b"], "what came after the cut")
        assert script.watched[1].params["resourceVersion"] == "11"
        assert len(script.listed) == 1

    def test_a_silent_watch_is_opened_anew(self) -> None:
        script = Script(
            [listed(10)], [watched(bookmark(15)), watched(event("ADDED", pod("a", 16)))]
        )
        with informed(script, idle=0.2) as informer:
            wait(lambda: names(informer) == ["a"], "the second watch")
        assert script.watched[1].params["resourceVersion"] == "15"

    @pytest.mark.parametrize(
        "gone",
        [
            status(410, "too old"),
            watched(event("ERROR", {"kind": "Status", "code": 410, "message": "too old"})),
        ],
    )
    def test_too_old_a_version_is_listed_anew(self, gone: Reply) -> None:
        script = Script(
            [listed(10, pod("a", 1), pod("b", 2)), listed(90, pod("a", 80), pod("c", 81))],
            [gone, watched()],
        )
        with informed(script) as informer:
            wait(lambda: versions(informer) == {"a": "80", "c": "81"}, "the second list")

    def test_garbage_is_not_swallowed(self) -> None:
        script = Script(
            [listed(10)],
            [
                watched(
                    event("ADDED", pod("a", 11)) + b"}garbage{\n" + event("ADDED", pod("b", 12))
                ),
                watched(event("ADDED", pod("b", 12))),
            ],
        )
        with informed(script) as informer:
            wait(lambda: names(informer) == ["a", "b"], "what the garbage hid")
        assert script.watched[1].params["resourceVersion"] == "11"

    def test_throttling_is_obeyed(self) -> None:
        late = status(429, "slow")
        late.headers = {"Retry-After": "1"}
        script = Script([listed(10)], [late, watched(event("ADDED", pod("a", 11)))])
        begun = time.monotonic()
        with informed(script) as informer:
            wait(lambda: names(informer) == ["a"], "the second watch")
        assert time.monotonic() - begun >= 1.0

    def test_a_list_that_fails_at_first(self) -> None:
        script = Script([status(500, "no etcd"), listed(10, pod("a", 1))], [watched()])
        with informed(script) as informer:
            informer.wait_synced(5)
            assert names(informer) == ["a"]

    def test_a_watch_that_ends_at_once_is_not_asked_at_full_speed(self) -> None:
        script = Script([listed(10)], [Reply(blocks=[])])
        with informed(script) as informer:
            informer.wait_synced(5)
            threading.Event().wait(0.6)
        assert len(script.watched) < 8


class TestNeverBackInTime:
    def test_repeated_and_shuffled_events(self) -> None:
        script = Script(
            [listed(10, pod("a", 3))],
            [
                watched(
                    event("MODIFIED", pod("a", 15)),
                    event("MODIFIED", pod("a", 12)),
                    event("ADDED", pod("b", 13)),
                    event("DELETED", pod("b", 14)),
                    event("ADDED", pod("b", 13)),
                    event("MODIFIED", pod("a", 15)),
                    event("ADDED", pod("end", 16)),
                )
            ],
        )
        with informed(script) as informer:
            wait(lambda: "end" in names(informer), "the last event")
            assert versions(informer) == {"a": "15", "end": "16"}

    def test_an_old_list_is_asked_again(self) -> None:
        script = Script(
            [listed(10), listed(5, pod("old", 4)), listed(30, pod("a", 20))],
            [watched(event("ADDED", pod("a", 20)), cut=True), status(410), watched()],
        )
        with informed(script) as informer:
            wait(lambda: len(script.listed) == 3, "the third list")
            wait(lambda: len(script.watched) == 3, "the third watch")
            assert names(informer) == ["a"]

    def test_a_store_that_went_back_is_believed_in_the_end(self) -> None:
        script = Script(
            [listed(100, pod("a", 90)), listed(5, pod("b", 4))], [status(410), watched()]
        )
        with informed(script) as informer:
            wait(lambda: names(informer) == ["b"], "the restored store", 20)

    def test_what_a_request_brought_is_seen_at_once(self) -> None:
        script = Script([listed(10)], [watched()])
        with informed(script) as informer:
            informer.wait_synced(5)
            informer.observe(pod("mine", 11))
            assert names(informer) == ["mine"]
            informer.observe(pod("mine", 9))
            assert versions(informer) == {"mine": "11"}

    def test_a_missed_event_is_found_by_asking(self) -> None:
        def answer(request: Request) -> Reply:
            if request.path.endswith("/pods/gone"):
                return status(404, "not found", "NotFound")
            if request.path.endswith("/pods/a"):
                return Reply(body=pod("a", 50))
            return script(request)

        script = Script([listed(10, pod("a", 1), pod("gone", 2))], [watched()])
        with fake_api(answer) as api:
            client = connect(connection_options({"host": api.url}, {}), {})
            with Informers(client) as informers:
                informer = informers.of(POD, "n")
                informer.wait_synced(5)
                assert informer.refresh("gone") is None
                fresh = informer.refresh("a")
            assert fresh is not None
            assert versions(informer) == {"a": "50"}
            client.close()

    def test_all_is_listed_anew_from_time_to_time(self) -> None:
        script = Script([listed(10, pod("a", 1)), listed(20)], [Reply(blocks=[bookmark(11)])])
        with informed(script, relist=0.0) as informer:
            wait(lambda: names(informer) == [], "the loss that no event told of")


class TestWhoWaits:
    def test_denied_is_told_at_once(self) -> None:
        script = Script([status(403, "User x cannot list pods", "Forbidden")], [watched()])
        with informed(script) as informer, pytest.raises(Denied, match="cannot list"):
            informer.wait_synced(10)

    def test_a_dead_server_is_told_in_time(self) -> None:
        script = Script([status(500, "etcd is gone")], [watched()])
        with informed(script) as informer, pytest.raises(Timeout, match="etcd is gone"):
            informer.wait_synced(0.5)

    def test_changes_of_all_kinds_are_counted_together(self) -> None:
        go = threading.Event()

        def later(request: Request) -> Reply:
            go.wait(10)
            run = "x" if "pods" in request.path else "y"
            return watched(event("ADDED", pod("new", 11, run=run)))

        script = Script([listed(10)], [later])
        with fake_api(script) as api:
            client = connect(connection_options({"host": api.url}, {}), {})
            with Informers(client, group_label="run") as informers:
                pods, jobs = informers.of(POD, "n"), informers.of(JOB, "n")
                assert informers.of(POD, "n") is pods
                pods.wait_synced(5)
                jobs.wait_synced(5)
                mark, _each = informers.changes.since(0)
                assert not informers.changes.wait(mark, 0.05)
                go.set()
                assert informers.changes.wait(mark, 5)
                wait(lambda: informers.changes.since(mark)[1] == {"x", "y"}, "both groups")
                assert informers.changes.since(informers.changes.count)[1] == frozenset()
            client.close()
        assert len(script.listed) == 2

    def test_stopping_is_quick(self) -> None:
        with fake_api(Script([listed(10)], [watched()])) as api:
            assert isinstance(api, FakeApi)
            client = connect(connection_options({"host": api.url}, {}), {})
            informers = Informers(client)
            informers.of(POD, "n").wait_synced(5)
            begun = time.monotonic()
            informers.close()
            assert time.monotonic() - begun < 1
            client.close()
