"""Check mode of pipeline_run, and `c8s plan`, against a real API server: what it would say."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import document
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import to_record
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Trigger
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.records import (
    ConfigMapRecords,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage.run_directory import RunDirectory

from integration.cluster.conftest import Command
from integration.cluster.planning import HEAD, TWO, Plan, only, there
from sample_runs import ended, in_phase, run_of
from unit.plugins.conftest import Call


def test_the_jobs_are_shown_and_none_is_made(plan: Plan, control_namespace: str) -> None:
    done = plan(content=TWO)
    told = only(done)
    assert done.result["changed"] is True
    assert (told["act"], told["problems"], told["notes"], told["unchecked"]) == (
        "launch", [], [], [],
    )  # fmt: skip
    assert [(job["step"], job["first"]) for job in told["jobs"]] == [("a", True), ("b", False)]
    manifest = told["jobs"][0]["manifest"]
    assert (manifest["kind"], manifest["metadata"]["namespace"]) == ("Job", control_namespace)
    assert told["jobs"][1]["like"] == "p/a"
    after = done.result["diff"][0]["after"]
    assert "  c: skipped, when.branch" in after
    assert "  p/a: step alpine:3, begins at once\n" in after
    shown = after.partition("the job of p/a:\n")[2]
    assert yaml.safe_load(shown) == manifest


def test_a_hundred_runs_take_hardly_more_requests_than_one(
    plan: Plan, call: Call, place: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    answer = Client.answer

    def counted(self: Client, method: str, path: str, *rest: Any, **more: Any) -> Any:
        asked.append(f"{method} {path}")
        return answer(self, method, path, *rest, **more)

    monkeypatch.setattr(Client, "answer", counted)
    text = TWO.replace('commands: ["true"]', "commands: [make], secrets: [{secretRef: s, key: K}]")
    call("pipeline_run", check=True, content=text, **place)
    one = len(asked)
    asked.clear()
    runs = [{"name": f"run-{number}", "branch": f"branch-{number}"} for number in range(100)]
    done = call("pipeline_run", check=True, content=text, runs=runs, **place)
    assert len(done.result["plan"]) == 100
    # That there are none of these names yet is one more.
    assert len(asked) <= one + 1
    assert one <= 25
    assert sum(line.endswith("/jobs") for line in asked) == 1


def test_so_do_runs_that_there_are(
    plan: Plan,
    control: Client,
    control_namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records = ConfigMapRecords(control, control_namespace, RunDirectory(tmp_path / "records"))
    text = json.dumps(yaml.safe_load(TWO))
    plain = {"trigger": Trigger(), "document": document(text.encode(), "p.yaml")}
    names = [f"old-{number}" for number in range(10)]
    records.create_all([to_record(run_of(text, name=name, **plain)) for name in names])
    read: list[str] = []
    answer = Client.answer

    def counted(self: Client, method: str, path: str, *rest: Any, **more: Any) -> Any:
        if "/configmaps" in path and method == "GET":
            read.append(path)
        return answer(self, method, path, *rest, **more)

    before = len(names)
    monkeypatch.setattr(Client, "answer", counted)
    done = plan(content=text, runs=[{"name": name} for name in names])
    acts = {one["act"] for one in done.result["plan"]}
    assert len(acts) == 1
    assert acts <= {"resume", "follow"}
    # One for the plan; the rest is the look at each run that check mode returns as it is, and the
    # looks of this test before and after.
    assert len(read) <= 1 + 2 + 2 * before


def test_what_is_missing_is_told_at_once(plan: Plan) -> None:
    text = f"""{HEAD}priority: high
steps:
  - name: a
    image: alpine:3
    commands: ["true"]
    secrets: [{{secretRef: gone, key: K}}]
"""
    done = plan(
        content=text, runtime_class="none", priority_class_prefix="no-", pull_secrets=["registry"]
    )
    told = only(done)
    problems = "\n".join(told["problems"])
    assert "secret 'gone' does not exist in namespace" in problems
    assert "no PriorityClass with name no-high was found" in problems
    assert any("there is no secret registry to pull images with" in note for note in told["notes"])
    assert "secret 'gone'" in done.warned
    assert "it would be refused:\n  step 'a': secret 'gone'" in done.result["diff"][0]["after"]
    told = only(plan(content=TWO, runtime_class="none"))
    assert told["problems"] == [
        'steps a, b: its pod would be refused: pod rejected: RuntimeClass "none" not found'
    ]


def test_a_secret_and_a_key_that_are_there(
    plan: Plan, control: Client, control_namespace: str
) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    Resources(control).create({**secret, "stringData": {"K": "hunter2-secret"}}, control_namespace)
    text = TWO.replace('commands: ["true"]', "commands: [make], secrets: [{secretRef: s, key: K}]")
    done = plan(content=text)
    assert only(done)["problems"] == []
    assert "hunter2" not in done.text
    problems = only(plan(content=text.replace("key: K", "key: L")))["problems"]
    assert any("key 'L' is not in secret 's'; its keys: K" in problem for problem in problems)


def test_of_a_matrix_only_so_many_begin(plan: Plan) -> None:
    text = f"""{HEAD}matrix: {{dimensions: {{v: [1, 2, 3]}}, maxParallel: 2}}
steps:
  - {{name: a, image: "alpine:${{{{ matrix.v }}}}", commands: ["true"]}}
"""
    told = only(plan(content=text))
    assert [job["first"] for job in told["jobs"]] == [True, True, False]
    images = [
        job["manifest"]["spec"]["template"]["spec"]["containers"][0]["image"]
        for job in told["jobs"]
    ]
    assert images == ["alpine:1", "alpine:2", "alpine:3"]


def test_runs_that_there_are(
    plan: Plan,
    control: Client,
    control_namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = json.dumps(yaml.safe_load(TWO))
    records = ConfigMapRecords(control, control_namespace, RunDirectory(tmp_path / "records"))
    plain = {"trigger": Trigger(), "document": document(text.encode(), "p.yaml")}
    over = in_phase(run_of(text, ended("a"), name="over", **plain), Phase.SUCCEEDED)
    steps = (ended("a"), ended("c", Phase.SKIPPED))
    halfway = in_phase(
        run_of(text, *steps, name="halfway", **plain),
        Phase.RUNNING,
        start_time=datetime.datetime.now(datetime.UTC),
    )
    records.create_all([to_record(over), to_record(halfway)])
    told = only(plan(content=text, name="over"))
    assert (told["act"], told["run"], told["jobs"]) == ("nothing", "over", [])
    for driven, act in ((False, "resume"), (True, "follow")):
        monkeypatch.setattr(ConfigMapRecords, "driven", lambda *_words, driven=driven: driven)
        done = plan(content=text, name="halfway")
        told = only(done)
        assert (told["act"], done.result["changed"]) == (act, act == "resume")
        jobs = [(job["step"], job["first"]) for job in told["jobs"]]
        assert jobs == ([("b", True)] if act == "resume" else [])


def test_the_command_tells_the_same(c8s: Command, control: Client, control_namespace: str) -> None:
    (c8s.folder / "p.yaml").write_text(TWO)
    before = there(control, control_namespace)
    done = c8s("plan", "p.yaml", "-n", control_namespace, "-o", "json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert [job["step"] for job in told["jobs"]] == ["a", "b"]
    text = c8s("plan", "p.yaml", "--executor", "kubernetes", "-n", control_namespace).out
    assert f"In namespace {control_namespace} of https://" in text
    assert "  it would launch a new run\n" in text
    refused = c8s("plan", "p.yaml", "-n", control_namespace, "--runtime-class", "none")
    assert refused.code == 1
    assert 'RuntimeClass "none" not found' in refused.out
    assert there(control, control_namespace) == before
    assert c8s("plan", "p.yaml", "-n", "x", "--context", "gone").code == 2
