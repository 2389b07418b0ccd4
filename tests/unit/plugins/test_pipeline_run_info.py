"""The module c8s.ci.pipeline_run_info."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

PIPELINE = """version: v1alpha1
name: NAME
matrix: {dimensions: {word: [good, bad]}}
steps:
  - name: only
    image: none:1
    commands: ["echo $C8S_MATRIX_WORD", "test $C8S_MATRIX_WORD = good"]
"""


@pytest.fixture
def store(call, tmp_path: pathlib.Path) -> dict[str, Any]:
    """A store with a failed matrix, and with a good run for a branch."""
    place = {"store": str(tmp_path / "store")}
    call("pipeline_run", content=PIPELINE.replace("NAME", "many"), **place)
    single = PIPELINE.replace("NAME", "one").replace("$C8S_MATRIX_WORD", "good")
    single = single.replace("matrix: {dimensions: {word: [good, bad]}}\n", "")
    call("pipeline_run", content=single, branch="main", **place)
    return place


def names(done: Any) -> list[str]:
    assert (done.code, done.result["changed"]) == (0, False)
    return [run["metadata"]["name"] for run in done.result["runs"]]


@pytest.mark.parametrize("check", [True, False])
def test_runs_are_found_by_what_they_are(call, store: dict[str, Any], check: bool):
    def found(**options: Any) -> list[str]:
        return names(call("pipeline_run_info", check=check, **options, **store))

    assert found() == ["many-1", "one-1"]
    assert found(limit=1) == ["one-1"]
    assert found(pipeline="many") == ["many-1"]
    assert found(phase="Succeeded") == ["one-1"]
    assert found(branch="main") == ["one-1"]
    assert found(branch="other") == []
    assert found(name=["one-1", "many-1"]) == ["one-1", "many-1"]
    assert found(name=[]) == []


def test_a_matrix_is_told_with_its_runs(call, store: dict[str, Any]):
    done = call("pipeline_run_info", name="many-1", log_lines=1, **store)
    assert done.result["runs"][0]["status"]["matrix"]["summary"] == "1/2 succeeded"
    assert [child["status"]["phase"] for child in done.result["children"]] == [
        "Succeeded", "Failed"
    ]  # fmt: skip
    assert [failure["lines"] for failure in done.result["failures"]] == [["bad"]]
    assert len(done.result["steps_table"].splitlines()) == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": ["gone"]}, "no run is named 'gone'"),
        ({"name": ["../one-1"]}, "cannot be the name of a run"),
        ({"phase": "Tired"}, "value of phase must be one of"),
        ({"name": ["one-1"], "branch": "main"}, "mutually exclusive"),
    ],
)
def test_what_cannot_be_is_said(call, store: dict[str, Any], options: dict[str, Any], said: str):
    done = call("pipeline_run_info", **options, **store)
    assert done.failed
    assert said in done.result["msg"]


def test_an_empty_store_has_no_runs(call, tmp_path: pathlib.Path):
    assert names(call("pipeline_run_info", store=str(tmp_path / "nothing"))) == []
    assert not (tmp_path / "nothing").exists()
