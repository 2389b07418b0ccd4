"""Requests: what they carry, when they are tried again, and what errors say."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    C8sError,
    Conflict,
    Denied,
    InvalidInput,
    NotFound,
    Unavailable,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import (
    APPLY_PATCH,
    METADATA,
    Client,
    connect,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.endpoint import Endpoint, Target
from ansible_collections.c8s.ci.plugins.module_utils.kube.faults import (
    AlreadyExists,
    Expired,
    FieldConflict,
    QuotaExceeded,
    Throttled,
    Uncertain,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.login import GivenCredentials, Secrets
from ansible_collections.c8s.ci.plugins.module_utils.kube.network_faults import (
    CutOff,
    NotSent,
    Silent,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options

from unit.kube.fake_api import FakeApi, Reply, Request, Responder, fake_api, in_turn, status


def client_of(api: FakeApi, patience: float = 5.0, **options: Any) -> Client:
    return connect(connection_options({"host": api.url, **options}, {}), {}, patience=patience)


@contextmanager
def served(*replies: Reply | Responder, **options: Any) -> Iterator[tuple[FakeApi, Client]]:
    """A fake API that gives these replies in turn, and a client of it."""
    with fake_api(in_turn(*replies)) as api, client_of(api, **options) as client:
        yield api, client


def nothing(_each: Request) -> Reply:
    return Reply(body={})


class TestWhatIsSent:
    def test_login_impersonation_and_body(self) -> None:
        options = {
            "api_key": "t0ken",
            "impersonate_user": "ann",
            "impersonate_groups": ["dev", "ops"],
        }
        with fake_api(nothing) as api, client_of(api, **options) as client:
            client.request("POST", "/a/b", {"x": 1}, params={"dryRun": "All", "watch": True})
        seen = api.seen[0]
        assert (seen.method, seen.path) == ("POST", "/a/b")
        assert seen.params == {"dryRun": "All", "watch": "true"}
        assert seen.json() == {"x": 1}
        assert seen.header("Authorization") == ["Bearer t0ken"]
        assert seen.header("Impersonate-User") == ["ann"]
        assert seen.header("Impersonate-Group") == ["dev", "ops"]
        assert seen.header("Content-Type") == ["application/json"]
        assert seen.header("Accept") == ["application/json"]

    def test_that_of_an_answer_only_the_metadata_matter(self) -> None:
        with fake_api(nothing) as api, client_of(api) as client:
            client.request("PATCH", "/a/b", {}, accept=METADATA)
        assert api.seen[0].header("Accept") == [METADATA]

    def test_name_and_password(self) -> None:
        with fake_api(nothing) as api, client_of(api, username="u", password="pä") as client:
            client.request("GET", "/")
        assert api.seen[0].header("Authorization") == ["Basic dTpww6Q="]

    def test_a_redirect_is_not_followed(self) -> None:
        with fake_api(nothing) as other:
            away = Reply(302, headers={"Location": f"{other.url}/steal"})
            with served(away, api_key="k") as (_each, client), pytest.raises(Unavailable):
                client.request("GET", "/")
            assert not other.seen

    def test_connections_are_kept_and_bounded(self) -> None:
        here = threading.Semaphore(0)
        most, now = 0, 0
        lock = threading.Lock()

        def answer(_each: Request) -> Reply:
            nonlocal most, now
            with lock:
                now += 1
                most = max(most, now)
            here.acquire(timeout=0.02)
            with lock:
                now -= 1
            return Reply(body={})

        with fake_api(answer) as api:
            client = connect(connection_options({"host": api.url}, {}), {}, connections=3)
            threads = [
                threading.Thread(target=client.request, args=("GET", "/")) for _each in range(20)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            client.close()
        assert len(api.seen) == 20
        assert most == 3


class TestErrors:
    @pytest.mark.parametrize(
        ("reply", "kind", "words"),
        [
            (status(404, 'jobs "x" not found', "NotFound"), NotFound, "cannot look: jobs"),
            (status(409, "there", "AlreadyExists"), AlreadyExists, "there"),
            (status(403, "forbidden: exceeded quota: q, requested"), QuotaExceeded, "quota: q"),
            (status(403, "User cannot"), Denied, "User cannot"),
            (status(401, "Unauthorized"), Denied, "does not accept these credentials"),
            (status(410, "too old"), Expired, "too old"),
            (status(400, "bad"), InvalidInput, "bad"),
            (status(500, "failed to create typed patch object (x)"), InvalidInput, "typed"),
            (Reply(413, body="<html>too much</html>"), InvalidInput, "too much"),
            (Reply(501, body=None), Unavailable, "501"),
        ],
    )
    def test_each_status_has_its_kind(self, reply: Reply, kind: type[C8sError], words: str) -> None:
        with served(reply) as (api, client), pytest.raises(kind) as caught:
            client.request("GET", "/x", doing="look")
        assert caught.type is kind
        assert words in caught.value.message
        assert len(api.seen) == 1

    def test_invalid_fields_are_named(self) -> None:
        causes = [{"reason": "FieldValueInvalid", "message": "too long", "field": "spec.a"}]
        reply = status(422, "many words", "Invalid", details={"causes": causes})
        with served(reply) as (_each, client), pytest.raises(InvalidInput) as caught:
            client.request("POST", "/x", {}, doing="create Job a/b")
        assert [str(problem) for problem in caught.value.problems] == [
            "cannot create Job a/b: the API server refuses it",
            "spec.a: too long",
        ]

    def test_owners_of_fields_are_named(self) -> None:
        causes = [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "kubectl-client" using apps/v1',
                "field": ".spec.replicas",
            }
        ]
        reply = status(409, "Apply failed", "Conflict", details={"causes": causes})
        with served(reply) as (_each, client), pytest.raises(FieldConflict) as caught:
            client.request("PATCH", "/x", {}, content_type=APPLY_PATCH, doing="apply A x")
        assert caught.value.owners == (("kubectl-client", ".spec.replicas"),)
        assert ".spec.replicas (kubectl-client)" in caught.value.message

    def test_what_is_no_json(self) -> None:
        with (
            served(Reply(blocks=[b"<html>"])) as (_each, client),
            pytest.raises(Unavailable, match="is it a Kubernetes API"),
        ):
            client.request("GET", "/x")


class TestTriesAgain:
    def test_throttled_as_long_as_it_was_told(self) -> None:
        late = status(429, "slow down")
        late.headers = {"Retry-After": "1"}
        with served(late, Reply(body={"ok": 1})) as (_each, client):
            begun = time.monotonic()
            assert client.request("POST", "/x", {}) == {"ok": 1}
        assert time.monotonic() - begun >= 1.0

    def test_throttled_for_longer_than_our_patience(self) -> None:
        late = status(429, "slow down")
        late.headers = {"Retry-After": "60"}
        with served(late, patience=2.0) as (_each, client), pytest.raises(Throttled) as caught:
            client.request("GET", "/x")
        assert caught.value.retry_after == 60

    def test_a_failing_server_heals(self) -> None:
        with served(status(500), status(503), Reply(body=[1])) as (api, client):
            assert client.request("GET", "/x") == [1]
        assert len(api.seen) == 3

    def test_patience_begins_with_the_first_failure(self) -> None:
        with served(Reply(silent=True), Reply(body={"a": 1}), patience=0.3) as (api, client):
            assert client.request("GET", "/x", timeout=0.5) == {"a": 1}
        assert len(api.seen) == 2

    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    def test_where_others_were_quicker_it_tries_again(self, method: str) -> None:
        moved = status(409, "Operation cannot be fulfilled on resourcequotas", reason="Conflict")
        with served(moved, Reply(body={"a": 1})) as (_each, client):
            assert client.request(method, "/x", {"metadata": {"name": "x"}}) == {"a": 1}

    @pytest.mark.parametrize(
        ("method", "body"),
        [("PATCH", {"metadata": {"resourceVersion": "7"}}), ("PUT", {}), ("DELETE", None)],
    )
    def test_a_guard_that_holds_is_told(self, method: str, body: dict[str, Any] | None) -> None:
        moved = status(409, "Operation cannot be fulfilled", reason="Conflict")
        with served(moved) as (api, client), pytest.raises(Conflict):
            client.request(method, "/x", body)
        assert len(api.seen) == 1

    def test_a_lost_answer_is_asked_for_again_where_that_is_safe(self) -> None:
        with served(Reply(cut=True), Reply(body={"a": 1})) as (_each, client):
            assert client.request("PATCH", "/x", {}, content_type=APPLY_PATCH) == {"a": 1}

    @pytest.mark.parametrize("reply", [Reply(cut=True), status(500), status(504)])
    def test_a_create_with_a_lost_answer_is_uncertain(self, reply: Reply) -> None:
        with served(reply) as (api, client), pytest.raises(Uncertain):
            client.request("POST", "/x", {})
        assert len(api.seen) == 1

    def test_an_answer_that_does_not_come(self) -> None:
        late = pytest.raises(Uncertain, match="did not answer in time")
        with served(Reply(silent=True)) as (_each, client), late:
            client.request("POST", "/x", {}, timeout=0.1)

    def test_a_closed_client_waits_for_nothing(self) -> None:
        late = status(429, "slow down")
        late.headers = {"Retry-After": "3"}
        with fake_api(in_turn(late)) as api:
            client = client_of(api, patience=30)
            timer = threading.Timer(0.2, client.close)
            timer.start()
            begun = time.monotonic()
            with pytest.raises(Throttled):
                client.request("GET", "/x")
            assert time.monotonic() - begun < 2.5
            with pytest.raises(Unavailable, match="was closed"):
                client.request("GET", "/x")
            timer.join()


class TestDeadServers:
    def test_refused_at_once_when_never_reached(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        client = connect(connection_options({"host": f"http://127.0.0.1:{port}"}, {}), {})
        begun = time.monotonic()
        with pytest.raises(NotSent, match=f"http://127.0.0.1:{port}: connection refused"):
            client.request("GET", "/")
        assert time.monotonic() - begun < 2

    def test_a_name_that_nobody_has(self) -> None:
        client = connect(connection_options({"host": "https://nobody.invalid"}, {}), {})
        with pytest.raises(NotSent, match=r"cannot reach the API server https://nobody\.invalid"):
            client.request("GET", "/")

    def test_waits_for_one_that_was_there(self) -> None:
        last = Reply(body={}, headers={"Connection": "close"})
        with fake_api(in_turn(last)) as api:
            client = client_of(api, patience=0.5)
            client.request("GET", "/")
        begun = time.monotonic()
        with pytest.raises(NotSent, match="connection refused"):
            client.request("POST", "/", {})
        assert 0.1 < time.monotonic() - begun < 2


class TestLoginsRenewed:
    def test_a_rotated_token_is_read_again_once(self, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text("old\n")

        def answer(request: Request) -> Reply:
            good = request.header("Authorization") == ["Bearer new"]
            return Reply(body={"ok": good}) if good else status(401, "Unauthorized")

        with fake_api(answer) as api:
            where = Target(Endpoint(api.url), GivenCredentials(Secrets(token=token)))
            client = Client(where)
            with pytest.raises(Denied):
                client.request("GET", "/")
            assert len(api.seen) == 1
            token.write_text("new\n")
            assert client.request("POST", "/", {}) == {"ok": True}

    def test_a_stream_renews_too(self, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text("old")
        replies = in_turn(status(401), Reply(blocks=[b"x"]))
        with fake_api(replies) as api:
            client = Client(Target(Endpoint(api.url), GivenCredentials(Secrets(token=token))))
            token.write_text("new")
            assert b"".join(client.open("/log", idle=5).blocks()) == b"x"

    def test_a_token_file_is_looked_at_each_minute(self, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text("one")
        now = [0.0]
        credentials = GivenCredentials(Secrets(token=token), clock=lambda: now[0])
        token.write_text("two")
        now[0] = 59
        assert credentials.current().authorization == "Bearer one"
        now[0] = 61
        assert credentials.current().authorization == "Bearer two"


class TestStreams:
    def test_blocks_come_as_they_are_sent(self) -> None:
        with served(Reply(blocks=[b"one", b"two"])) as (_each, client):
            assert b"".join(client.open("/s", idle=5).blocks()) == b"onetwo"

    def test_what_was_read_to_its_end_leaves_its_connection_to_the_next(self) -> None:
        with served(Reply(blocks=[b"one", b"two"])) as (api, client):
            for _each in range(3):
                assert b"".join(client.open("/s", idle=5).blocks()) == b"onetwo"
            assert api.connections == 1

    def test_a_cut_is_told_from_an_end(self) -> None:
        with served(Reply(blocks=[b"one"], cut=True)) as (_each, client):
            blocks = client.open("/s", idle=5).blocks()
            assert next(blocks) == b"one"
            with pytest.raises(CutOff):
                next(blocks)

    def test_silence(self) -> None:
        with served(Reply(blocks=[b"one"], silent=True)) as (_each, client):
            blocks = client.open("/s", idle=0.2).blocks()
            assert next(blocks) == b"one"
            with pytest.raises(Silent):
                next(blocks)

    def test_closing_wakes_the_reader(self) -> None:
        with served(Reply(blocks=[b"one"], silent=True)) as (_each, client):
            stream = client.open("/s", idle=30)
            got: list[bytes] = []
            thread = threading.Thread(target=lambda: got.extend(stream.blocks()))
            thread.start()
            timer = threading.Timer(0.2, stream.close)
            timer.start()
            thread.join(5)
            assert not thread.is_alive()
            assert got == [b"one"]
            timer.join()

    def test_a_refusal_is_an_error(self) -> None:
        with served(status(410, "old")) as (_each, client), pytest.raises(Expired):
            client.open("/s", idle=5)
