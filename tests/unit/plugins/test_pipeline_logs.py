"""The module c8s.ci.pipeline_logs."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

PIPELINE = """version: v1alpha1
name: demo
steps:
  - name: count
    image: none:1
    commands: ["echo one; echo two; echo three"]
  - name: bytes
    image: none:1
    commands: ["printf '\\\\377 end'"]
  - name: never
    image: none:1
    when: {branch: main}
    commands: ["true"]
"""


@pytest.fixture
def run(call, tmp_path: pathlib.Path) -> dict[str, Any]:
    place = {"store": str(tmp_path / "store")}
    call("pipeline_run", content=PIPELINE, name="one", **place)
    return {"name": "one", **place}


@pytest.mark.parametrize("check", [True, False])
def test_logs_are_returned(call, run: dict[str, Any], check: bool):
    done = call("pipeline_logs", check=check, **run)
    assert (done.code, done.result["changed"]) == (0, False)
    assert done.result["logs"] == [
        {"run": "one", "step": "count", "attempt": 1, "phase": "Succeeded", "truncated": False,
         "lines": ["one", "two", "three"]},
        {"run": "one", "step": "bytes", "attempt": 1, "phase": "Succeeded", "truncated": False,
         "lines": ["\ufffd end"]},
    ]  # fmt: skip


def test_lines_are_picked(call, run: dict[str, Any]):
    done = call("pipeline_logs", step=["count"], tail=2, grep="^t.o", **run)
    assert [log["lines"] for log in done.result["logs"]] == [["two"]]
    assert call("pipeline_logs", since="1h", **run).result["logs"]
    assert not call("pipeline_logs", since="2100-01-01T00:00:00Z", **run).result["logs"]


def test_a_file_is_written_where_it_differs(call, run: dict[str, Any], tmp_path: pathlib.Path):
    target = tmp_path / "target"
    seen = []
    for check in (True, True, False, False, True):
        done = call(
            "pipeline_logs", check=check, diff=True, step=["bytes"], dest=str(target), **run
        )  # fmt: skip
        diff = done.result["diff"]
        seen.append((done.result["changed"], target.exists(), diff["before"] == diff["after"]))
        assert done.result["size"] == 5
        assert "lines" not in done.result["logs"][0]
    assert seen == [
        (True, False, False), (True, False, False), (True, True, False),
        (False, True, True), (False, True, True),
    ]  # fmt: skip
    assert target.read_bytes() == b"\xff end"
    call("pipeline_logs", dest=str(target), **run)
    assert target.read_bytes().startswith(b"==> one/count <==\none\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "gone"}, "no run is named 'gone'"),
        ({"name": "../one"}, "cannot be the name of a run"),
        ({"step": ["gone"]}, "has no step 'gone'; it has count, bytes, never"),
        ({"step": ["never"]}, "has no log for attempt 1 (Skipped"),
        ({"grep": "("}, "is no regular expression"),
        ({"since": "now"}, "neither a duration"),
        ({"dest": "/nowhere/file"}, "dest: '/nowhere/file'"),
        ({"dest": "/tmp"}, "dest: '/tmp' is a folder"),
    ],
)
def test_what_cannot_be_is_said(call, run: dict[str, Any], options: dict[str, Any], said: str):
    for check in (True, False):
        done = call("pipeline_logs", check=check, **{**run, **options})
        assert done.failed
        assert said in done.result["msg"]


@pytest.mark.parametrize("dest", [False, True])
def test_a_log_that_is_in_another_store_is_told_of(
    call, run: dict[str, Any], tmp_path: pathlib.Path, dest: bool
):
    folder = tmp_path / "store" / "runs" / "one"
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    kept = f"s3://builds/{dest}/one/count.log"  # A process shows a warning once.
    record["status"]["steps"][0]["logURL"] = kept
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "logs" / "count.log").unlink()
    more = {"dest": str(tmp_path / "all.log")} if dest else {}
    done = call("pipeline_logs", **run, **more)
    assert [log["step"] for log in done.result["logs"]] == ["bytes"]
    assert f"no log of count of run 'one' is here; it was kept in {kept}" in done.warned
    done = call("pipeline_logs", step=["count"], **run)
    assert done.failed
    assert f"it was kept in {kept}" in done.result["msg"]
