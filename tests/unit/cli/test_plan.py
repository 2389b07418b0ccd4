"""`c8s plan`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

PIPELINE = """\
version: v1alpha1
name: demo
branches: [main, "feature/*"]
steps:
  - name: lint
    image: ruff:1
    commands: [x]
  - name: test
    image: python:3.12
    commands: [x]
    resources: {cpu: "2", memory: 512Mi}
  - name: docs
    image: python:3.12
    dependsOn: [lint]
    when: {paths: "docs/**"}
    commands: [x]
  - name: release
    image: python:3.12
    dependsOn: [lint, test]
    when: {event: tag}
    commands: [x]
"""
MATRIX = """\
matrix:
  dimensions: {os: [linux, mac], python: ["3.11", "3.12"]}
  exclude: [{os: mac, python: "3.11"}]
"""


@pytest.fixture(autouse=True)
def file(folder: Path) -> Path:
    path = folder / ".c8s.yaml"
    path.write_text(PIPELINE)
    return path


def planned(c8s, *words: str) -> dict:
    done = c8s("plan", *words, "-o", "json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def skipped(document: dict) -> dict[str, str]:
    return {entry["step"]: entry["reason"] for entry in document["skipped"]}


def test_layers_and_demand(c8s):
    document = planned(c8s, "--branch", "main", "--changed-path", "docs/a.md")
    assert document["layers"] == [["lint", "test"], ["docs", "release"]]
    assert skipped(document) == {"release": "when.event: 'push' matches none of tag"}
    assert document["peakDemand"]["cpu"] == 2.5
    assert document["peakDemand"]["pods"] == 2
    assert document["totalDemand"]["cpu"] == 3
    assert document["matrix"] == []


def test_the_event_decides(c8s):
    tag = planned(c8s, "--tag", "v1", "--changed-path", "src/a.py")
    assert set(skipped(tag)) == {"docs"}
    assert tag["starts"] is False
    assert "tags" in tag["reason"]
    push = planned(c8s, "--event", "push", "--branch", "wip/x")
    assert push["starts"] is False
    assert planned(c8s, "--branch", "feature/x")["starts"] is True
    assert set(skipped(planned(c8s))) == {"release"}


def test_a_matrix(c8s, file: Path):
    file.write_text(PIPELINE + MATRIX)
    document = planned(c8s)
    assert document["runs"] == 3
    assert document["matrix"] == [
        {"os": "linux", "python": "3.11"},
        {"os": "linux", "python": "3.12"},
        {"os": "mac", "python": "3.12"},
    ]
    text = c8s("plan").out
    assert "3 runs, one for each of" in text
    assert "  os=mac, python=3.12" in text
    assert "in each run" in text


def test_as_text(c8s):
    done = c8s("plan", ".c8s.yaml", "--branch", "main", "--commit", "1a2b3c4d5e")
    assert done.out.splitlines() == [
        "demo: push of main@1a2b3c4",
        "",
        "LAYER  STEP     IMAGE",
        "1      lint     ruff:1",
        "       test     python:3.12",
        "2      docs     python:3.12  after lint",
        "       release  python:3.12  skipped: when.event: 'push' matches none of tag",
        "",
        "At most 2 pods, 2.5 cores, 1.5 GiB at one time; 3 pods, 3 cores, 2.5 GiB for all steps"
        " together.",
    ]


def test_what_starts_nothing_is_said(c8s):
    text = c8s("plan", "--branch", "wip").out
    assert "It starts no run by itself (branches: 'wip' matches none of main, feature/*)" in text


def test_as_yaml(c8s):
    assert yaml.safe_load(c8s("plan", "-o", "yaml").out) == planned(c8s)


def test_of_the_checkout_it_is_in(c8s, folder: Path):
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    (folder / "docs").mkdir()
    (folder / "docs" / "a.md").write_text("a")
    for words in (["init", "-q", "-b", "feature/x"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    assert set(skipped(planned(c8s))) == {"release"}
    assert c8s("plan").out.startswith("demo: push of feature/x@")
    (folder / "other").write_text("b")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "two"], check=True)
    assert set(skipped(planned(c8s))) == {"docs", "release"}
    assert set(skipped(planned(c8s, "--changed-path", "docs/b.md"))) == {"release"}
    # A branch that is not there is a question, not an error; which files it changes is unknown.
    assert c8s("plan", "--branch", "main").out.startswith("demo: push of main\n")
    assert set(skipped(planned(c8s, "--branch", "main"))) == {"release"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--branch", "-rf"], 2, "'-rf' is no valid branch name"),
        (["--branch", "../../x"], 2, "'../../x' is no valid branch name"),
        (["--branch", "x" * 300], 2, "and so on, has 300 bytes; at most 255 are possible"),
        (["--commit", "xyz"], 2, "is no commit"),
        (["--event", "merge"], 2, "'merge' is not one of"),
        (["gone.yaml"], 3, "'gone.yaml'"),
    ],
)
def test_bad_words(c8s, words: list[str], code: int, said: str):
    done = c8s("plan", *words)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_an_invalid_file(c8s, file: Path):
    file.write_text("version: v1alpha1\nname: x\nsteps: []\n")
    done = c8s("plan")
    assert done.code == 2
    assert done.err.startswith("error: .c8s.yaml:3:8: steps: ")
