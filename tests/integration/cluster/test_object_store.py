"""What is known of an object store without a run: by a plan, and of logs that are not in it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import to_record
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.records import ConfigMapRecords
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.runs import cluster_folder
from ansible_collections.c8s.ci.plugins.module_utils.storage.run_directory import RunDirectory

from integration.cluster.conftest import Command
from integration.cluster.planning import TWO, Plan, only
from s3_server import S3Server, s3_server
from sample_runs import ended, in_phase, pipeline_text, run_of
from unit.plugins.conftest import Call


@pytest.fixture(params=[False], ids=["http"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[S3Server]:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    with s3_server(tmp_path / "s3", tls=request.param) as found:
        for name, value in found.credentials.items():
            monkeypatch.setenv(name, value)
        yield found


def test_a_store_that_answers_is_no_problem_and_gets_nothing(plan: Plan, server: S3Server) -> None:
    told = only(plan(content=TWO, **server.options()))
    assert told["problems"] == []
    (unchecked,) = told["unchecked"]
    assert unchecked.startswith(f"whether s3://builds/ci/ at {server.endpoint} may be written to")
    assert server.objects() == {}


def test_a_bucket_that_is_not_there(plan: Plan, server: S3Server) -> None:
    done = plan(content=TWO, **{**server.options(), "object_store": "s3://elsewhere/ci"})
    (problem,) = only(done)["problems"]
    assert problem.startswith("there is no bucket 'elsewhere' in s3://elsewhere/ci/")
    assert "would be refused: there is no bucket" in done.warned
    assert "it would be refused:\n  there is no bucket" in done.result["diff"][0]["after"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("AWS_ACCESS_KEY_ID", "the service answered InvalidAccessKeyId"),
        ("AWS_SECRET_ACCESS_KEY", "the service answered SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_key(
    plan: Plan, server: S3Server, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setenv(name, "a-key-that-is-wrong")
    done = plan(content=TWO, **server.options())
    (problem,) = only(done)["problems"]
    assert said in problem
    assert "check the credentials' rights" in problem
    assert "a-key-that-is-wrong" not in done.text


def test_a_server_that_is_away(plan: Plan, server: S3Server) -> None:
    server.stop()
    (problem,) = only(plan(content=TWO, **server.options()))["problems"]
    assert problem.startswith("s3://builds/ci/ cannot be looked into: ")
    assert server.endpoint in problem


@pytest.mark.parametrize("server", [True], ids=["https"], indirect=True)
def test_a_certificate_that_is_not_trusted(plan: Plan, server: S3Server) -> None:
    trusted = server.options()
    assert only(plan(content=TWO, **trusted))["problems"] == []
    trusted.pop("object_store_ca_cert")
    (problem,) = only(plan(content=TWO, **trusted))["problems"]
    assert f"the certificate of {server.endpoint} is not trusted" in problem
    assert "object_store_ca_cert" in problem


def test_where_nothing_would_be_done_nobody_looks(
    plan: Plan, server: S3Server, control: Client, control_namespace: str, tmp_path: Path
) -> None:
    server.stop()
    records = ConfigMapRecords(control, control_namespace, RunDirectory(tmp_path / "records"))
    run = in_phase(run_of(pipeline_text({"a": []}), ended("a"), name="over"), Phase.SUCCEEDED)
    records.create_all([to_record(run)])
    text = json.dumps(run.document)
    told = only(
        plan(content=text, name="over", commit=run.trigger.commit, branch="main",
             **server.options())
    )  # fmt: skip
    assert (told["act"], told["problems"]) == ("nothing", [])


def test_the_command_looks_too(
    c8s: Command, control_namespace: str, server: S3Server, tmp_path: Path
) -> None:
    (c8s.folder / ".c8s.yaml").write_text(TWO)
    words = ["plan", "-n", control_namespace, "--object-store-endpoint", server.endpoint]
    done = c8s(*words, "--object-store", "s3://builds/ci", **server.credentials)
    assert done.code == 0, done.err
    assert "could not be checked:\n    whether s3://builds/ci/" in done.out
    done = c8s(*words, "--object-store", "s3://elsewhere", **server.credentials)
    assert done.code == 1
    assert "it would be refused:\n    there is no bucket 'elsewhere'" in done.out


def test_logs_of_before_a_switch_are_told_of(
    c8s: Command,
    call: Call,
    place: dict[str, Any],
    control: Client,
    control_namespace: str,
    server: S3Server,
    tmp_path: Path,
) -> None:
    """Both ways: a run that was kept on this host, and one that was kept in the store."""
    folder = RunDirectory(cluster_folder(tmp_path / "store", control.server, control_namespace))
    records = ConfigMapRecords(control, control_namespace, folder)
    own = folder.log("here", "a", 1)
    own.parent.mkdir(parents=True)
    own.write_text("kept here\n")
    key = f"{control_namespace}/there/a.log"
    stored = server.folder / "buckets" / "builds" / "ci" / key
    stored.parent.mkdir(parents=True)
    stored.write_text("kept there\n")
    born = datetime.datetime.now(datetime.UTC)
    for name, url in (("here", own.as_uri()), ("there", f"s3://builds/ci/{key}")):
        step = ended("a", log_url=url)
        run = run_of(pipeline_text({"a": []}), step, name=name, created_at=born)
        records.create_all([to_record(in_phase(run, Phase.SUCCEEDED))])
    bucket = {**server.credentials, "C8S_STORAGE_ENDPOINT": server.endpoint}
    bucket |= {"C8S_STORAGE_BUCKET": "s3://builds/ci"}
    where = ("-n", control_namespace)
    assert c8s("logs", "here", *where).out == "==> here/a <==\nkept here\n"
    assert c8s("logs", "there", *where, **bucket).out == "==> there/a <==\nkept there\n"
    switched = f"it was kept in {own} on the host that launched it: read it there, without an"
    for name, environment, said in (
        ("here", bucket, switched),
        ("there", {}, f"it was kept in s3://builds/ci/{key}: name that object store"),
    ):
        all_steps = c8s("logs", name, *where, **environment)
        assert (all_steps.code, all_steps.out) == (0, "")
        assert f"warning: no log of a of run {name!r} is here; {said}" in all_steps.err
        one_step = c8s("logs", name, "--step", "a", *where, **environment)
        assert one_step.code == 3
        assert said in one_step.err
        options = {**place, **(server.options() if environment else {})}
        assert said in call("pipeline_logs", name=name, **options).warned
        assert said in call("pipeline_logs", name=name, step=["a"], **options).result["msg"]
