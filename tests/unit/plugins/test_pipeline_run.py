"""The module c8s.ci.pipeline_run, on every ansible-core: its options, results and errors."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

SECRET = "correct-horse-battery"
PIPELINE = """version: v1alpha1
name: demo
steps:
  - name: show
    image: none:1
    secrets: [{secretRef: door, key: code, envVar: CODE}]
    commands: ["echo the code is $CODE", "test -n $CODE"]
  - name: fail
    image: none:1
    dependsOn: [show]
    secrets: [{secretRef: door, key: code, envVar: CODE}]
    commands: ["echo $CODE because"]
"""
FAILING = PIPELINE.replace('"echo $CODE because"', '"echo $CODE because", "exit 7"')
SECRETS = {"door": {"code": SECRET}}


@pytest.fixture
def options(tmp_path: pathlib.Path) -> dict[str, Any]:
    return {"store": str(tmp_path / "store"), "content": PIPELINE, "secrets": SECRETS}


def test_a_run_is_launched_once_by_its_name(call, options: dict[str, Any]):
    seen = []
    for check in (True, True, False, False, True):
        done = call("pipeline_run", check=check, diff=True, name="one", **options)
        assert not done.failed
        (diff,) = done.result["diff"]
        names = [run["metadata"]["name"] for run in done.result["runs"]]
        seen.append((done.result["changed"], names, diff["before"] == diff["after"]))
    assert seen == [
        (True, [], False), (True, [], False), (True, ["one"], False),
        (False, ["one"], True), (False, ["one"], True),
    ]  # fmt: skip


def test_what_it_returns(call, options: dict[str, Any], tmp_path: pathlib.Path):
    done = call("pipeline_run", **options)
    assert done.result["run"] == done.result["runs"][0]
    assert done.result["run"]["status"]["phase"] == "Succeeded"
    assert (done.result["failures"], done.result["children"]) == ([], [])
    assert done.result["store"] == str(tmp_path / "store")
    assert done.result["table"].splitlines()[1].split()[:3] == ["demo-1", "Succeeded", "2/2"]
    assert done.result["steps_table"].count("Succeeded") == 2


def test_a_failure_is_told_and_everything_returned(call, options: dict[str, Any]):
    done = call("pipeline_run", **{**options, "content": FAILING})
    assert (done.failed, done.result["changed"]) == (True, True)
    assert done.result["msg"].splitlines() == [
        "step 'fail' of run 'demo-1' is Failed (StepFailed: ended with exit code 7);"
        " its log ends with",
        "  ***REDACTED*** because",
    ]
    assert done.result["failures"][0]["lines"] == ["***REDACTED*** because"]
    assert done.result["run"]["status"]["phase"] == "Failed"
    again = call("pipeline_run", name="demo-1", **{**options, "content": FAILING})
    assert (again.failed, again.result["changed"]) == (True, False)


def test_no_secret_is_in_anything(call, options: dict[str, Any], tmp_path: pathlib.Path):
    events = tmp_path / "events"
    for content in (PIPELINE, FAILING):
        for check in (True, False):
            done = call(
                "pipeline_run", check=check, diff=True,
                **{**options, "content": content, "progress_file": str(events)},
            )  # fmt: skip
            assert SECRET not in done.text
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in left if SECRET.encode() in path.read_bytes()] == []
    assert "the code is ***REDACTED***" in (
        tmp_path / "store" / "runs" / "demo-1" / "logs" / "show.log"
    ).read_text(encoding="utf-8")
    assert all(json.loads(line)["run"] for line in events.read_text("utf-8").splitlines())


def test_missing_secrets_are_a_warning_beforehand_and_an_error_then(call, options: dict[str, Any]):
    options["secrets"] = {"door": {"cod": "something"}}
    said = "step 'show': key 'code' is not in secret 'door'; its keys: cod"
    foretold = call("pipeline_run", check=True, **options)
    assert (foretold.failed, foretold.result["changed"]) == (False, True)
    assert said in foretold.result["plan"][0]["problems"]
    assert said in foretold.warned
    done = call("pipeline_run", **options)
    assert said in done.result["msg"]
    assert "something" not in done.text
    assert not pathlib.Path(options["store"]).exists()


def test_a_plan_says_what_would_run_and_why_not(call, options: dict[str, Any]):
    options["content"] = PIPELINE + "    when: {tag: 'v*'}\n"
    (plan,) = call("pipeline_run", check=True, branch="main", **options).result["plan"]
    assert (plan["act"], plan["run"], plan["event"]) == ("launch", "", "push")
    assert plan["skipped"] == [
        {"step": "fail", "reason": "when.tag: the run has no tag, and v* is wanted"}
    ]
    assert [step["runs"] for step in plan["steps"]] == [True, False]


def test_many_runs_are_launched_side_by_side(call, options: dict[str, Any]):
    done = call(
        "pipeline_run", runs=[{"name": f"r{number}"} for number in range(20)], **options
    )  # fmt: skip
    names = [run["metadata"]["name"] for run in done.result["runs"]]
    assert names == [f"r{number}" for number in range(20)]
    assert {run["status"]["phase"] for run in done.result["runs"]} == {"Succeeded"}


def test_a_key_stands_for_one_run(call, options: dict[str, Any]):
    done = [call("pipeline_run", idempotency_key="night 1", **options) for _turn in range(2)]
    assert [one.result["changed"] for one in done] == [True, False]
    assert done[0].result["run"] == done[1].result["run"]


def test_what_failed_is_run_again(call, options: dict[str, Any]):
    call("pipeline_run", **{**options, "content": FAILING})
    rerun = {"name": "demo-1", "rerun": "failed", "store": options["store"], "secrets": SECRETS}
    foretold = call("pipeline_run", check=True, **rerun)
    assert foretold.result["plan"][0]["reused"] == ["show"]
    again = call("pipeline_run", **rerun)
    assert again.result["run"]["spec"]["rerunOf"] == "demo-1"
    reasons = {step["name"]: step["reason"] for step in again.result["run"]["status"]["steps"]}
    assert reasons == {"show": "Reused", "fail": "StepFailed"}
    whole = call("pipeline_run", **{**rerun, "rerun": "all"})
    assert whole.result["run"]["status"]["steps"][0].get("reason", "") == ""


def test_runs_are_cancelled_and_removed(call, options: dict[str, Any]):
    call("pipeline_run", name="one", **options)
    place = {"store": options["store"], "name": "one"}
    for check in (True, False):
        done = call("pipeline_run", check=check, diff=True, state="cancelled", **place)
        assert (done.failed, done.result["changed"]) == (False, False)
    changed = [
        call("pipeline_run", check=check, state="absent", **place).result["changed"]
        for check in (True, True, False, False, True)
    ]
    assert changed == [True, True, True, False, False]
    assert "no run is named 'one'" in call("pipeline_run", state="cancelled", **place).result["msg"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"content": None}, "any of the following are missing"),
        ({"src": "/nowhere"}, "parameters are mutually exclusive: src|content|file"),
        ({"content": None, "src": "/nowhere"}, "there is no file '/nowhere'"),
        ({"content": None, "repository": "ext::sh"}, "remote helpers are not allowed"),
        ({"content": None, "repository": "/nowhere"}, "is no git repository"),
        ({"content": "version: v1alpha1"}, "'name'"),
        ({"wait": False}, "wait: steps of the executor local live as long as the task"),
        ({"name": "Not A Name"}, "cannot name a run"),
        ({"name": "x" * 51}, "cannot name a run"),
        ({"commit": "zzz"}, "is no commit"),
        ({"branch": "-rf"}, "no valid branch name"),
        ({"tag": "../x"}, "no valid tag name"),
        ({"event": "boredom"}, "value of event must be one of"),
        ({"executor": "cloud"}, "value of executor must be one of"),
        ({"state": "absent"}, "any of the following are missing: runs, name"),
        ({"rerun": "failed", "name": "gone"}, "no run is named 'gone'"),
        ({"rerun": "all"}, "cannot be the name of a run"),
        ({"secrets": {"door": "code"}}, "secrets: door: expected a map of keys to values"),
        ({"secrets": {"door": {"code": 123456}}}, "door.code: expected a string"),
        ({"secrets": {"door": {"code": "tiny"}}}, "shorter than 6 bytes"),
        ({"runs": [{"name": "a"}, {"name": "a"}]}, "two runs of this launch are named 'a'"),
        ({"runs": [{"content": "a", "src": "b"}]}, "mutually exclusive"),
        ({"progress_file": "/nowhere/file"}, "/nowhere/file"),
    ],
)
def test_what_cannot_be_is_said_and_leaves_nothing(
    call, options: dict[str, Any], wrong: dict[str, Any], said: str
):
    given = {name: value for name, value in {**options, **wrong}.items() if value is not None}
    done = call("pipeline_run", **given)
    assert done.failed
    assert said in done.result["msg"]
    assert SECRET not in done.text
    assert not pathlib.Path(options["store"], "runs").exists()


def test_all_faults_of_all_files_are_told_at_once(call, options: dict[str, Any]):
    del options["content"]
    done = call("pipeline_run", runs=[{"content": "a: 1"}, {"content": PIPELINE + " x"}], **options)
    assert len({error["message"] for error in done.result["errors"]}) >= 2


def test_no_runs_are_done_at_once(call, options: dict[str, Any]):
    done = call("pipeline_run", runs=[], **options)
    assert (done.failed, done.result["changed"], done.result["runs"]) == (False, False, [])
