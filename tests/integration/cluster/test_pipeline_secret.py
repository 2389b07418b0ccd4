"""The module c8s.ci.pipeline_secret on a real API server."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.kube.kinds import SECRET
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources

from kube.accounts import kubeconfig_with_rights
from kube.cluster import Cluster
from unit.plugins.conftest import Call, Done

VALUE = "hunter2-very-secret"
OTHER = "correct-horse-battery"


@pytest.fixture
def place(control_plane: Cluster, control_namespace: str) -> dict[str, Any]:
    """The options that say where."""
    return {"kubeconfig": str(control_plane.kubeconfig), "namespace": control_namespace}


class Held:
    """What the API server holds in one namespace."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.resources = Resources(client)
        self.namespace = namespace

    def secret(self, name: str) -> dict[str, Any] | None:
        return self.resources.find(SECRET, name, self.namespace)

    def values(self, name: str) -> dict[str, bytes] | None:
        found = self.secret(name)
        if found is None:
            return None
        data = found.get("data") or {}
        return {key: base64.b64decode(value) for key, value in data.items()}

    def make(self, name: str, labels: dict[str, str] | None = None, **more: Any) -> None:
        metadata = {"name": name, "labels": labels or {}}
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **more}
        self.resources.create(manifest, self.namespace)


@pytest.fixture
def held(control: Client, control_namespace: str) -> Held:
    return Held(control, control_namespace)


def hidden(done: Done) -> None:
    """No value is in anything that the module printed, plain or as the API holds it."""
    for value in (VALUE, OTHER):
        assert value not in done.text
        assert base64.b64encode(value.encode()).decode() not in done.text


def test_made_changed_and_removed_each_foretold_and_done_twice(
    call: Call, place: dict[str, Any], held: Held
) -> None:
    """Twelve steps: three wishes, each in check mode and for real, each twice."""
    wishes: list[tuple[dict[str, Any], dict[str, bytes] | None, tuple[str, str]]] = [
        (
            {"literals": {"TOKEN": VALUE}},
            {"TOKEN": VALUE.encode()},
            ("", "managed by: c8s\nkeys:\n  TOKEN: (hidden)\n"),
        ),
        (
            {"literals": {"TOKEN": OTHER, "USER_NAME": "somebody"}},
            {"TOKEN": OTHER.encode(), "USER_NAME": b"somebody"},
            (
                "managed by: c8s\nkeys:\n  TOKEN: (hidden, old value)\n",
                "managed by: c8s\nkeys:\n  TOKEN: (hidden, new value)\n  USER_NAME: (hidden)\n",
            ),
        ),
        (
            {"state": "absent"},
            None,
            ("managed by: c8s\nkeys:\n  TOKEN: (hidden)\n  USER_NAME: (hidden)\n", ""),
        ),
    ]
    before: dict[str, bytes] | None = None
    for options, after, texts in wishes:
        for check in (True, True, False, False):
            again = not check and held.values("deploy") == after
            done = call(
                "pipeline_secret", name="deploy", check=check, diff=True, **options, **place
            )
            assert not done.failed, done.result
            assert done.result["changed"] is not again
            told = (done.result["diff"]["before"], done.result["diff"]["after"])
            if again:
                assert told[0] == told[1]
            else:
                assert told == texts
            assert held.values("deploy") == (before if check else after)
            hidden(done)
        before = after


def test_values_come_from_everywhere(
    call: Call,
    place: dict[str, Any],
    held: Held,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = {
        "one-line": b"made by echo\n",
        "crlf": b"made elsewhere\r\n",
        "lines": b"-----BEGIN\nabcdef\n-----END\n",
        "binary": b"\xff\xfe\x00\x01\x02\x03\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("FROM_HERE", "an environment's")
    done = call(
        "pipeline_secret",
        name="deploy",
        literals={"TOKEN": VALUE, "username": "ci"},
        files={name: str(tmp_path / name) for name in files},
        env={"PASSWORD": "FROM_HERE"},
        **place,
    )
    assert held.values("deploy") == {
        "TOKEN": VALUE.encode(),
        "username": b"ci",
        "one-line": b"made by echo",
        "crlf": b"made elsewhere",
        "lines": files["lines"],
        "binary": files["binary"],
        "PASSWORD": b"an environment's",
    }
    assert done.result["secret_keys"] == sorted(held.values("deploy") or {})
    hidden(done)
    for text in ("made by echo", "an environment's", "abcdef"):
        assert text not in done.text
    assert "{secretRef: deploy, key: TOKEN}" in done.result["snippet"]
    assert "{secretRef: deploy, key: one-line, envVar: ONE_LINE}" in done.result["snippet"]
    assert "'one-line' cannot be the name of a variable" in done.warned
    assert "'TOKEN' cannot" not in done.warned


def test_other_keys_stay_unless_they_are_to_go(
    call: Call, place: dict[str, Any], held: Held
) -> None:
    call("pipeline_secret", name="deploy", literals={"A": VALUE, "B": OTHER}, **place)
    wanted = {"name": "deploy", "literals": {"A": VALUE}, **place}
    assert not call("pipeline_secret", **wanted).result["changed"]
    done = call("pipeline_secret", purge=True, diff=True, **wanted)
    assert done.result["removed"] == ["B"]
    assert "  B: (hidden)\n" in done.result["diff"]["before"]
    assert "B:" not in done.result["diff"]["after"]
    assert held.values("deploy") == {"A": VALUE.encode()}
    assert not call("pipeline_secret", purge=True, **wanted).result["changed"]


def test_what_somebody_else_made_is_left_alone_unless_told(
    call: Call, place: dict[str, Any], held: Held
) -> None:
    held.make("theirs", {"team": "other"}, stringData={"KEY": OTHER})
    wanted = {"name": "theirs", "literals": {"TOKEN": VALUE}, **place}
    for options in (wanted, {"name": "theirs", "state": "absent", **place}):
        done = call("pipeline_secret", **options)
        assert done.failed
        assert "was not made by c8s" in done.result["msg"]
    assert held.values("theirs") == {"KEY": OTHER.encode()}
    done = call("pipeline_secret", force=True, diff=True, **wanted)
    assert (done.result["changed"], done.result["added"]) == (True, ["TOKEN"])
    assert done.result["diff"]["before"].startswith("managed by: somebody else\n")
    assert held.values("theirs") == {"KEY": OTHER.encode(), "TOKEN": VALUE.encode()}
    found = held.secret("theirs")
    assert found is not None
    assert found["metadata"]["labels"]["team"] == "other"
    assert not call("pipeline_secret", **wanted).result["changed"]


def test_an_immutable_secret_is_said(call: Call, place: dict[str, Any], held: Held) -> None:
    held.make("fixed", {"app.kubernetes.io/managed-by": "c8s"}, immutable=True)
    done = call("pipeline_secret", name="fixed", literals={"TOKEN": VALUE}, **place)
    assert "is immutable: remove it" in done.result["msg"]


def test_a_change_between_look_and_write_is_looked_at_again(
    call: Call, place: dict[str, Any], held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("pipeline_secret", name="deploy", literals={"A": VALUE}, **place)
    find, meddled = Resources.find, []

    def meddling(self: Resources, *words: Any) -> Any:
        found = find(self, *words)
        if not meddled:
            meddled.append(True)
            body = {"data": {"THEIRS": base64.b64encode(OTHER.encode()).decode()}}
            held.resources.patch(SECRET, "deploy", body, held.namespace)
        return found

    monkeypatch.setattr(Resources, "find", meddling)
    done = call("pipeline_secret", name="deploy", literals={"B": VALUE}, **place)
    assert not done.failed, done.result
    assert sorted(held.values("deploy") or {}) == ["A", "B", "THEIRS"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"literals": {"TOKEN": "tiny"}}, "value of key 'TOKEN' is shorter than 6 bytes"),
        ({"literals": {"TOKEN": ""}}, "shorter than 6 bytes"),
        ({"literals": {"a b": VALUE}}, "'a b' cannot be a key"),
        ({"literals": {"..": VALUE}}, "'..' cannot be a key"),
        ({"literals": {"x" * 254: VALUE}}, "cannot be a key"),
        ({"literals": {"TOKEN": 123456}}, "expected a string; put it in quotes"),
        ({"literals": {"A": VALUE}, "env": {"A": "PATH"}}, "key 'A' is given twice"),
        ({"files": {"A": "/nowhere/file"}}, "there is no file '/nowhere/file'"),
        ({"env": {"A": "NOT_SET_ANYWHERE"}}, "has no variable 'NOT_SET_ANYWHERE'"),
        ({"name": "Big_Name", "literals": {"A": VALUE}}, "cannot be the name of a secret"),
        ({}, "literals, files, env"),
    ],
)
def test_what_cannot_be_is_said(
    call: Call, place: dict[str, Any], held: Held, options: dict[str, Any], said: str
) -> None:
    for check in (True, False):
        done = call("pipeline_secret", check=check, **{"name": "deploy", **options}, **place)
        assert done.failed
        assert said in done.result["msg"]
        hidden(done)
    assert held.secret("deploy") is None


def test_the_size_is_judged_as_the_server_does(
    call: Call, place: dict[str, Any], held: Held, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    whole.write_bytes(b"x" * (1024 * 1024))
    done = call("pipeline_secret", name="full", files={"A": str(whole)}, **place)
    assert not done.failed, done.result
    done = call("pipeline_secret", name="full", literals={"B": VALUE}, **place)
    assert f"would hold {1024 * 1024 + len(VALUE)} bytes" in done.result["msg"]
    done = call("pipeline_secret", name="full", literals={"B": VALUE}, purge=True, **place)
    assert not done.failed, done.result
    assert held.values("full") == {"B": VALUE.encode()}


def test_exactly_the_documented_rights_are_enough(
    call: Call, control_plane: Cluster, control_namespace: str, tmp_path: Path, held: Held
) -> None:
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "get", "patch"]}
    path = kubeconfig_with_rights(
        control_plane, control_namespace, "keeper", [rule], tmp_path / "keeper.yaml"
    )
    place = {"kubeconfig": str(path)}
    assert not call("pipeline_secret", name="a", literals={"A": VALUE}, **place).failed
    done = call("pipeline_secret", name="a", literals={"A": OTHER}, **place)
    assert done.result["replaced"] == ["A"]
    assert done.result["namespace"] == control_namespace
    done = call("pipeline_secret", name="a", state="absent", **place)
    assert done.failed
    assert 'cannot delete resource "secrets"' in done.result["msg"]


def test_check_mode_tells_what_the_server_would_refuse(
    call: Call, place: dict[str, Any], control_plane: Cluster
) -> None:
    options = {**place, "namespace": "not-there"}
    done = call("pipeline_secret", name="a", literals={"A": VALUE}, check=True, **options)
    assert done.failed
    assert 'namespaces "not-there" not found' in done.result["msg"]
    assert "Traceback" not in json.dumps(done.result)
