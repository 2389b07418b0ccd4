"""`c8s get runs`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.matrix import child_name
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import to_record
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run, Trigger
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import (
    MatrixStatus,
    Phase,
    StepStatus,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage.run_directory import RunDirectory

from sample_runs import ended, in_phase, later, pipeline_text, run_of

TEXT = pipeline_text({"build": [], "test": ["build"]})
GRID = pipeline_text({"build": []}, matrix={"dimensions": {"os": ["linux", "mac"]}})


@pytest.fixture
def store(folder: Path) -> RunDirectory:
    return RunDirectory(folder.parent / "store")


def keep(store: RunDirectory, run: Run, seconds: float = 0) -> None:
    store.write(to_record(dataclasses.replace(run, created_at=later(seconds))))


@pytest.fixture
def runs(store: RunDirectory) -> RunDirectory:
    """One that succeeded, one that failed at a tag, one that nobody drives any more."""
    done = run_of(TEXT, ended("build"), ended("test"))
    keep(store, in_phase(done, Phase.SUCCEEDED))
    failed = run_of(
        TEXT,
        ended("build", Phase.FAILED, exit_code=3, message="ended with exit code 3"),
        StepStatus("test", Phase.SKIPPED, message="'build' is Failed"),
        name="demo-2",
        trigger=Trigger(commit="ffffffff" * 5, tag="v1", branch="main"),
    )
    keep(store, in_phase(failed, Phase.FAILED, message="step 'build': it broke"), 60)
    keep(store, in_phase(run_of(TEXT, name="demo-3", trigger=Trigger()), Phase.RUNNING), 120)
    return store


@pytest.fixture
def grid(store: RunDirectory) -> RunDirectory:
    """A matrix with its two runs."""
    values = [{"os": "linux"}, {"os": "mac"}]
    names = tuple(child_name("grid", one) for one in values)
    parent = run_of(GRID, name="grid")
    matrix = MatrixStatus(names, succeeded=1, failed=1)
    keep(store, in_phase(parent, Phase.FAILED, matrix=matrix, steps=()))
    for name, one, phase in zip(names, values, (Phase.SUCCEEDED, Phase.FAILED), strict=True):
        child = run_of(GRID, name=name, parent="grid", matrix_values=one)
        keep(store, in_phase(child, phase), 1)
    return store


def test_there_are_none(c8s):
    done = c8s("get", "runs")
    assert (done.code, done.out, done.err) == (0, "", "No runs found\n")


@pytest.mark.usefixtures("runs")
def test_as_columns_the_latest_first(c8s):
    done = c8s("get", "runs")
    rows = [line.split() for line in done.out.splitlines()]
    assert rows[0] == ["NAME", "PIPELINE", "COMMIT", "BRANCH", "PHASE", "AGE"]
    assert [row[:5] for row in rows[1:]] == [
        ["demo-3", "demo", "-", "-", "Interrupted"],
        ["demo-2", "demo", "fffffff", "v1", "Failed"],
        ["demo-1", "demo", "1a2b3c4", "main", "Succeeded"],
    ]
    assert rows[1][5].endswith("d")
    assert done.code == 0


@pytest.mark.usefixtures("runs")
def test_in_the_singular_too(c8s):
    assert c8s("get", "run").out == c8s("get", "runs").out


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--phase", "failed"], "demo-2"),
        (["--phase", "Succeeded"], "demo-1"),
        (["--limit", "2"], "demo-3 demo-2"),
        (["--pipeline", "demo"], "demo-3 demo-2 demo-1"),
        (["--pipeline", "other"], ""),
    ],
)
def test_only_some(c8s, words: list[str], names: str):
    assert c8s("get", "runs", "-o", "name", *words).out.split() == names.split()


@pytest.mark.usefixtures("runs")
def test_for_programs(c8s):
    document = json.loads(c8s("get", "runs", "-o", "json").out)
    assert (document["apiVersion"], document["kind"]) == ("c8s.dev/v1alpha1", "PipelineRunList")
    assert [item["metadata"]["name"] for item in document["items"]] == [
        "demo-3",
        "demo-2",
        "demo-1",
    ]
    assert yaml.safe_load(c8s("get", "runs", "-o", "yaml").out) == document
    assert json.loads(c8s("get", "runs", "-o", "json", "--phase", "queued").out)["items"] == []


@pytest.mark.usefixtures("runs")
def test_the_record_of_one(c8s, runs: RunDirectory):
    assert json.loads(c8s("get", "runs", "demo-2", "-o", "json").out) == runs.read("demo-2")
    record = json.loads(c8s("get", "runs", "demo-3", "-o", "json").out)
    assert (record["status"]["phase"], record["status"]["reason"]) == ("Running", "Interrupted")


@pytest.mark.usefixtures("runs")
def test_one_with_its_steps(c8s):
    lines = c8s("get", "runs", "demo-2").out.splitlines()
    assert lines[1].split()[:2] == ["demo-2", "demo"]
    assert lines[3].split() == ["STEP", "PHASE", "TRIES", "EXIT", "TOOK"]
    assert lines[4].split() == "build Failed 1 3 2.0s ended with exit code 3".split()
    assert lines[5].split() == "test Skipped 0 - - 'build' is Failed".split()
    assert lines[7] == "step 'build': it broke"
    assert c8s("get", "runs", "demo-2", "-o", "name").out == "demo-2\n"


@pytest.mark.usefixtures("runs")
def test_wide_tells_more(c8s):
    lines = c8s("get", "runs", "-o", "wide").out.splitlines()
    assert lines[0].split()[-3:] == ["TOOK", "EVENT", "DETAIL"]
    assert lines[2].split()[6:] == "10s manual step 'build': it broke".split()


@pytest.mark.usefixtures("grid")
def test_a_matrix_is_one_run(c8s):
    assert c8s("get", "runs", "-o", "name").out == "grid\n"
    assert len(c8s("get", "runs", "-o", "name", "--all").out.split()) == 3
    assert "1/2 succeeded" in c8s("get", "runs", "-o", "wide").out
    text = c8s("get", "runs", "grid").out
    assert "os=linux" in text
    assert "os=mac" in text


def test_no_such_run_is_3(c8s):
    done = c8s("get", "runs", "gone")
    assert (done.code, done.out) == (3, "")
    assert "no run is named 'gone'" in done.err


@pytest.mark.parametrize("name", ["../x", "/etc", "a\0b", "A", "x" * 300, "-x", ""])
def test_names_that_can_be_none(c8s, name: str):
    done = c8s("get", "runs", "--", name)
    assert done.code in ((0,) if not name else (2, 3))
    assert "fault in c8s" not in done.err


@pytest.mark.usefixtures("runs")
def test_a_damaged_record_is_told(c8s, runs: RunDirectory):
    (runs.run("demo-2") / "record.json").write_bytes(b"{")
    done = c8s("get", "runs", "demo-2")
    assert done.code == 5
    assert "record.json is damaged" in done.err
