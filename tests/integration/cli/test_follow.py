"""`c8s logs --follow` while a run goes on."""

from __future__ import annotations

import json
import os

import pytest

STEPS = """\
version: v1alpha1
name: demo
backoffSeconds: 1
steps:
  - name: talk
    image: busybox:1.36
    commands:
      - echo begin
      - while [ ! -e GO ]; do sleep 0.05; done
      - printf 'no newline'
  - name: retried
    image: busybox:1.36
    dependsOn: [talk]
    retries: 1
    commands:
      - echo attempt
      - if [ -e TRIED ]; then exit 0; fi
      - touch TRIED
      - while [ -e HOLD ]; do sleep 0.05; done
      - exit 1
""".replace("backoffSeconds: 1\n", "retryPolicy: {backoffSeconds: 1}\n")


@pytest.fixture
def go(project, tmp_path):
    """Lets the step `talk` go on."""
    text = STEPS
    for name in ("go", "tried", "hold"):
        text = text.replace(name.upper(), f"{tmp_path}/{name}")
    project.commit({".c8s.yaml": text})
    return (tmp_path / "go").touch


@pytest.fixture
def seen(tmp_path):
    """Lets the first attempt of the step `retried` fail, which waits for that."""
    (tmp_path / "hold").touch()
    return (tmp_path / "hold").unlink


def read(stream, count: int) -> bytes:
    """So many bytes, as they come."""
    got = b""
    while len(got) < count and (piece := os.read(stream.fileno(), count - len(got))):
        got += piece
    return got


def test_a_step_as_it_prints(project, go):
    with project.start("run", "-q") as run:
        project.wait_for_step("demo-1", "talk")
        with project.start("logs", "demo-1", "--step", "talk", "-f", text=False) as logs:
            assert read(logs.stdout, 6) == b"begin\n"
            assert logs.poll() is None
            go()
            assert logs.stdout.read() == b"no newline"
            assert logs.wait(60) == 0
        run.communicate(timeout=60)
    stored = project.store / "runs" / "demo-1" / "logs" / "talk.log"
    assert stored.read_bytes() == b"begin\nno newline"


def test_a_step_from_before_it_began_to_its_last_attempt(project, go, seen):
    with project.start("run", "-q") as run:
        project.wait_for_step("demo-1", "talk")
        with project.start("logs", "demo-1", "--step", "retried", "-f") as logs:
            go()
            assert logs.stdout.readline() == "attempt\n"
            seen()
            out, err = logs.communicate(timeout=60)
        run.communicate(timeout=60)
    assert (logs.returncode, out, err) == (0, "attempt\n", "")


def test_all_steps_to_the_end_of_the_run(project, go, seen):
    with project.start("run", "-q") as run:
        project.wait_for_step("demo-1", "talk")
        with project.start("logs", "demo-1", "-f") as logs:
            go()
            begun = [logs.stdout.readline() for _line in range(2)]
            seen()
            out, _err = logs.communicate(timeout=60)
        run.communicate(timeout=60)
    assert logs.returncode == 0
    lines = [tuple(line.split(" | ")) for line in "".join([*begun, out]).splitlines()]
    assert [(name.strip(), text) for name, text in lines] == [
        ("talk", "begin"),
        ("retried", "attempt"),
        ("retried", "attempt"),
        ("talk", "no newline"),
    ]


def test_the_tail_and_what_follows(project, go):
    with project.start("run", "-q") as run:
        project.wait_for_step("demo-1", "talk")
        words = ("logs", "demo-1", "--step", "talk", "-f", "--tail", "1")
        with project.start(*words, text=False) as logs:
            assert read(logs.stdout, 6) == b"begin\n"
            go()
            assert logs.stdout.read() == b"no newline"
        run.communicate(timeout=60)


def test_a_driver_that_is_killed_ends_it(project, go):
    with project.start("run", "-q") as run:
        project.wait_for_step("demo-1", "talk")
        with project.start("logs", "demo-1", "--step", "talk", "-f", text=False) as logs:
            assert read(logs.stdout, 6) == b"begin\n"
            run.kill()
            run.communicate(timeout=60)
            _out, err = logs.communicate(timeout=60)
    assert logs.returncode == 1
    assert b"was interrupted" in err


def test_ctrl_c_ends_the_look_and_not_the_run(project, go):
    with project.start("run", "-q") as run:
        project.wait_for_step("demo-1", "talk")
        with project.start("logs", "demo-1", "-f", text=False) as logs:
            read(logs.stdout, 1)
            logs.send_signal(2)
            _out, err = logs.communicate(timeout=60)
        assert (logs.returncode, err) == (130, b"")
        go()
        run.communicate(timeout=60)
    assert run.returncode == 0


def test_a_matrix_while_its_runs_come(project, tmp_path):
    waits = f"echo $C8S_MATRIX_OS; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
    step = {"name": "a", "image": "busybox:1.36", "commands": [waits]}
    matrix = {"dimensions": {"os": ["linux", "mac"]}, "maxParallel": 1}
    document = {"version": "v1alpha1", "name": "grid", "matrix": matrix, "steps": [step]}
    project.commit({".c8s.yaml": json.dumps(document)})
    with project.start("run", "-q") as run, project.start("get", "runs") as first:
        first.communicate(timeout=60)
        while not project.record("grid-1").get("status", {}).get("matrix", {}).get("children"):
            assert run.poll() is None
        with project.start("logs", "grid-1", "-f") as logs:
            (tmp_path / "go").touch()
            out, _err = logs.communicate(timeout=60)
        run.communicate(timeout=60)
    assert sorted(line.split(" | ")[1] for line in out.splitlines()) == ["linux", "mac"]
