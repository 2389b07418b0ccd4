"""`c8s run`: what it does with real repositories, and what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

PIPELINE = """\
version: v1alpha1
name: demo
steps:
  - name: build
    image: busybox:1.36
    commands:
      - echo building $C8S_COMMIT of $C8S_BRANCH
      - cat source > built
    artifacts: [built]
  - name: test
    image: busybox:1.36
    dependsOn: [build]
    commands: ["grep -q fine built", "echo tested"]
  - name: release
    image: busybox:1.36
    dependsOn: [test]
    when: {event: tag}
    commands: ["echo released"]
"""
TEST_BEGUN = [("test", "Running"), ("test", "Succeeded")]
MATRIX = """\
matrix:
  dimensions: {os: [linux, mac]}
"""


@pytest.fixture
def commit(project) -> str:
    return project.commit({".c8s.yaml": PIPELINE, "source": "fine\n"}, "Make it fine")


def phases(record: dict) -> dict[str, str]:
    return {step["name"]: step["phase"] for step in record["status"]["steps"]}


def test_a_checkout(project, commit):
    done = project.c8s("run", "--output", "json")
    assert done.code == 0, done.err
    record = done.record
    assert (record["kind"], record["apiVersion"]) == ("PipelineRun", "c8s.dev/v1alpha1")
    assert record["metadata"]["name"] == "demo-1"
    spec = record["spec"]
    assert (spec["commit"], spec["branch"], spec["event"]) == (commit, "main", "push")
    assert spec["commitMessage"] == "Make it fine"
    assert record["status"]["phase"] == "Succeeded"
    assert phases(record) == {"build": "Succeeded", "test": "Succeeded", "release": "Skipped"}
    assert f"Running main@{commit[:7]} of {project.folder} (push)" in done.err
    assert "warning" not in done.err


def test_the_record_is_the_same_ever_after(project, commit):
    record = project.c8s("run", "-o", "json").record
    assert project.c8s("get", "runs", "demo-1", "-o", "json").record == record
    assert yaml.safe_load(project.c8s("get", "runs", "demo-1", "-o", "yaml").out) == record
    assert project.c8s("logs", "demo-1", "--step", "build").out == f"building {commit} of main\n"
    assert project.c8s("logs", "demo-1", "--step", "test").out == "tested\n"
    stored = project.store / "runs" / "demo-1" / "logs" / "build.log"
    assert stored.read_text() == f"building {commit} of main\n"


def test_its_name_is_for_scripts(project, commit):
    done = project.c8s("run")
    assert done.out == "demo-1\n"
    assert project.c8s("run", "-q").out == "demo-2\n"
    assert project.c8s("run", "--quiet").err == ""


def test_as_lines(project, commit):
    lines = [
        line.split("  ", 1)[1] for line in project.c8s("run").err.splitlines() if ":" in line[:3]
    ]
    told = [tuple(line.split()[:2]) for line in lines]
    expected = [
        ("demo-1", "Pending"),
        ("demo-1/release", "Skipped"),
        ("demo-1", "Running"),
        ("demo-1/build", "Running"),
        ("demo-1/build", "Succeeded"),
        ("demo-1/test", "Running"),
        ("demo-1/test", "Succeeded"),
        ("demo-1", "Succeeded"),
    ]
    # So short a step may end before it is seen to run.
    brief = {("demo-1/build", "Running"), ("demo-1/test", "Running")} - set(told)
    assert told == [line for line in expected if line not in brief]


def test_as_lines_for_programs(project, commit):
    done = project.c8s("run", "-o", "jsonl")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert events[-1]["event"] == "result"
    assert events[-1]["record"] == project.record("demo-1")
    steps = [(event["step"], event["phase"]) for event in events if event["event"] == "step"]
    begun = next(n for n, step in enumerate(steps) if step in TEST_BEGUN)
    assert steps.index(("build", "Succeeded")) < begun
    assert done.err.splitlines() == [done.err.strip()]  # what it runs, and nothing else


def test_a_failure(project, commit):
    project.commit({"source": "broken\n"})
    done = project.c8s("run")
    assert done.code == 1
    assert project.phases("demo-1") == {
        "build": "Succeeded",
        "test": "Failed",
        "release": "Skipped",
    }
    tail = done.err.split("\n\n", 1)[1]
    assert tail.startswith("test ended with exit code 1\n")
    assert "c8s logs demo-1 --step test" in tail
    assert "c8s rerun demo-1 --failed" in tail


def test_the_end_of_the_log_of_what_failed(project):
    noise = "for n in $(seq 100); do echo line $n; done; printf '\\033[2Jlast\\r\\n'; exit 4"
    text = PIPELINE.replace("cat source > built", noise).replace("    artifacts: [built]\n", "")
    project.commit({".c8s.yaml": text, "source": ""})
    done = project.c8s("run")
    assert done.code == 1
    assert "build ended with exit code 4\n" in done.err
    assert "| line 100\n| last\n" in done.err
    assert "line 70\n" not in done.err
    assert "\033" not in done.err
    assert "\033[2J" in project.c8s("logs", "demo-1", "--step", "build").out


def test_only_what_is_committed(project, commit):
    (project.folder / "source").write_text("broken\n")
    (project.folder / "new").write_text("x")
    done = project.c8s("run")
    assert done.code == 0
    assert "warning: changes that are not committed are not in the run: source, new" in done.err


def test_the_file_as_it_is_here_or_as_it_was_committed(project, commit):
    later = PIPELINE.replace("name: demo", "name: later")
    (project.folder / ".c8s.yaml").write_text(later)
    assert project.c8s("run", "-q").out == "later-1\n"
    assert project.c8s("run", "-q", "--branch", "main").out == "demo-1\n"
    assert project.c8s("run", "-q", "--commit", commit[:12]).out == "demo-2\n"
    assert project.c8s("run", "-q", "--repository", project.folder).out == "demo-3\n"
    assert project.c8s("run", ".c8s.yaml", "-q", "--branch", "main").out == "later-2\n"


def test_a_repository_that_is_named(project, commit, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "ci.yaml").write_text(PIPELINE)
    words = ["run", "--repository", project.folder, "--commit", commit, "--branch", "main"]
    done = project.c8s(*words, "ci.yaml", "-o", "json", cwd=elsewhere)
    assert done.code == 0, done.err
    assert done.record["spec"]["repository"] == str(project.folder)
    # Flags may stand before the file and behind it.
    assert project.c8s("run", "ci.yaml", *words[1:], cwd=elsewhere).code == 0


def test_a_checkout_that_is_named_is_as_the_one_the_file_is_in(project, commit, tmp_path: Path):
    words = ["run", "--repository", project.folder, "-o", "json"]
    spec = project.c8s(*words, cwd=tmp_path).record["spec"]
    assert (spec["commit"], spec["branch"], spec["event"]) == (commit, "main", "push")
    spec = project.c8s(*words, "--event", "manual", cwd=tmp_path).record["spec"]
    assert (spec["branch"], spec["event"]) == ("main", "manual")
    spec = project.c8s(*words, "--commit", commit, cwd=tmp_path).record["spec"]
    assert ("branch" in spec, spec["event"]) == (False, "manual")
    project.git("checkout", "--quiet", "--detach")
    for asked in (words, ["run", "-o", "json"]):
        spec = project.c8s(*asked).record["spec"]
        assert (spec["commit"], "branch" in spec, spec["event"]) == (commit, False, "manual")


def test_a_tag(project, commit):
    project.git("tag", "v1.0")
    project.commit({"source": "broken\n"})
    record = project.c8s("run", "--tag", "v1.0", "-o", "json").record
    assert (record["spec"]["commit"], record["spec"]["event"]) == (commit, "tag")
    assert phases(record)["release"] == "Succeeded"


def test_without_a_repository(project, tmp_path: Path):
    step = {"name": "a", "image": "busybox:1.36", "commands": ["ls -A | wc -l"]}
    alone = {"version": "v1alpha1", "name": "alone", "steps": [step]}
    (tmp_path / "alone.yaml").write_text(json.dumps(alone))
    done = project.c8s("run", tmp_path / "alone.yaml", cwd=tmp_path)
    assert done.code == 0
    assert "empty workspace" in done.err
    assert project.c8s("logs", "alone-1", "--step", "a").out.strip() == "0"


def test_a_matrix(project, commit, tmp_path: Path):
    failing = MATRIX + PIPELINE.replace('"echo tested"', "test $C8S_MATRIX_OS = linux")
    (tmp_path / "matrix.yaml").write_text(failing)
    with open(tmp_path / "matrix.yaml") as stdin:
        done = project.c8s("run", "-", "-o", "json", stdin=stdin)
    assert done.code == 1
    parent = done.record
    assert "steps" not in parent["status"]
    matrix = parent["status"]["matrix"]
    assert (matrix["succeeded"], matrix["failed"]) == (1, 1)
    children = {name: project.record(name) for name in matrix["children"]}
    outcome = {
        child["spec"]["matrixIndex"]["os"]: child["status"]["phase"] for child in children.values()
    }
    assert outcome == {"linux": "Succeeded", "mac": "Failed"}
    assert "test (os=mac) ended with exit code 1" in done.err
    assert project.c8s("get", "runs", "-o", "name").out == "demo-1\n"
    assert len(project.c8s("get", "runs", "-o", "name", "--all").out.splitlines()) == 3
    assert project.c8s("logs", "demo-1").out.count("<==\n") == 4
    again = project.c8s("rerun", "demo-1", "--failed", "-o", "json").record
    assert again["spec"]["rerunOf"] == "demo-1"
    taken = project.record(again["status"]["matrix"]["children"][0])["status"]["steps"]
    assert [step.get("reason") for step in taken[:2]] == ["Reused", "Reused"]
    shown = project.c8s("logs", again["status"]["matrix"]["children"][0], "--step", "build")
    assert shown.out.startswith("building")


def test_one_key_one_run(project, commit):
    first = project.c8s("run", "--idempotency-key", "a key", "-o", "json").record
    again = project.c8s("run", "--idempotency-key", "a key", "-o", "json")
    assert again.record == first
    assert "has run before" in again.err
    assert project.c8s("get", "runs", "-o", "name").out == "demo-1\n"


def test_one_name_one_run(project, commit):
    assert project.c8s("run", "--name", "mine").out == "mine\n"
    again = project.c8s("run", "--name", "mine")
    assert (again.code, again.out) == (0, "mine\n")
    project.commit({"source": "fine too\n"})
    other = project.c8s("run", "--name", "mine")
    assert other.code == 1
    assert "run 'mine' exists already with another commit; choose another name" in other.err
    project.git("checkout", "--quiet", "-b", "aside", "HEAD~")
    other = project.c8s("run", "--name", "mine")
    assert "run 'mine' exists already with another branch; choose another name" in other.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["gone.yaml"], 3, "there is no file 'gone.yaml'"),
        (["--repository", "/nowhere"], 2, "is no git repository"),
        (["--repository", "ext::sh -c id"], 2, "remote helpers are not allowed"),
        (["--repository", "--upload-pack=x"], 2, "would be an option"),
        (["--branch", "$(id)"], 2, "has no branch '$(id)'"),
        (["--branch", "-rf"], 2, "no valid branch name"),
        (["--branch", "../../x"], 2, "no valid branch name"),
        (["--branch", "b" * 300], 2, "at most 255 are possible"),
        (["--commit", "xyz"], 2, "is no commit"),
        (["--commit", "f" * 40], 2, "has no commit"),
        (["--tag", "v9"], 2, "has no tag 'v9'"),
        (["--name", "Not A Name"], 2, "cannot name a run"),
        (["--event", "merge"], 2, "'merge' is not one of"),
        (["--secrets", "gone"], 3, "'gone'"),
    ],
)
def test_what_cannot_be_starts_nothing(project, commit, words: list[str], code: int, said: str):
    done = project.c8s("run", *words)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert project.c8s("get", "runs").err == "No runs found\n"


def test_an_invalid_file_starts_nothing(project):
    project.commit({".c8s.yaml": PIPELINE.replace("[build]", "[biuld]")})
    done = project.c8s("run")
    assert done.code == 2
    assert ".c8s.yaml:12:17: steps[1].dependsOn[0]: no step is named 'biuld'" in done.err
    assert not project.store.exists()


def test_a_repository_without_a_commit(project):
    (project.folder / ".c8s.yaml").write_text(PIPELINE)
    done = project.c8s("run")
    assert done.code == 2
    assert "no commit yet" in done.err


def test_a_store_that_may_not_be_written(project, commit, tmp_path: Path):
    (tmp_path / "file").write_text("")
    done = project.c8s("run", "--store", tmp_path / "file")
    assert done.code in (4, 5)
    assert str(tmp_path / "file") in done.err
