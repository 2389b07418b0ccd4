"""Signals, kills and second terminals: nothing is left running, and the record tells the truth."""

from __future__ import annotations

import json
import os
import signal
import uuid

import pytest

STUBBORN = "trap '' TERM; echo stubborn; sleep 600 & while :; do sleep 600; done"


def pipeline(mark: str, *commands: str) -> str:
    """A step for each command, side by side, whose processes carry a mark; then a last one."""
    common = {"image": "busybox:1.36", "env": {"MARK": mark}}
    steps: list[dict[str, object]] = [
        {**common, "name": f"s{number}", "commands": [command]}
        for number, command in enumerate(commands)
    ]
    steps.append({**common, "name": "last", "commands": ["true"], "dependsOn": ["s0"]})
    return json.dumps({"version": "v1alpha1", "name": "demo", "steps": steps})


@pytest.fixture
def mark() -> str:
    return uuid.uuid4().hex


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels(project, mark, nothing_left, number: signal.Signals):
    project.commit({".c8s.yaml": pipeline(mark, "sleep 600", "setsid sleep 600 & sleep 600")})
    with project.start("run", "-o", "json") as process:
        project.wait_for_step("demo-1", "s1")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    status = json.loads(out)["status"]
    assert status["phase"] == "Cancelled"
    assert number.name in status["message"]
    assert {step["phase"] for step in status["steps"]} == {"Cancelled"}
    assert "Interrupted: demo-1 is Cancelled; nothing of it runs any more." in err
    nothing_left(mark)
    assert project.record("demo-1")["status"] == status


def test_a_second_signal_takes_the_time_to_end_well(project, mark, nothing_left):
    project.commit({".c8s.yaml": pipeline(mark, STUBBORN)})
    with project.start("run") as process:
        project.wait_for_step("demo-1", "s0")
        process.send_signal(signal.SIGINT)
        assert "stopping" in _line_with(process, "stopping")
        _line_with(process, "demo-1/last")
        process.send_signal(signal.SIGINT)
        # Without the second it would be ten seconds.
        process.communicate(timeout=8)
    assert process.returncode == 130
    assert project.record("demo-1")["status"]["phase"] == "Cancelled"
    nothing_left(mark)


def _line_with(process, text: str) -> str:
    for line in process.stderr:
        if text in line:
            return str(line)
    pytest.fail(f"nothing was said of {text!r}")


def _ignore_hang_ups() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def test_to_hang_up_is_nothing_to_who_ignores_it(project, mark):
    project.commit({".c8s.yaml": pipeline(mark, "sleep 600")})
    with project.start("run", preexec_fn=_ignore_hang_ups) as run:
        project.wait_for_step("demo-1", "s0")
        run.send_signal(signal.SIGHUP)
        done = project.c8s("cancel", "demo-1", "--wait")
        run.communicate(timeout=60)
    assert done.code == 0
    assert "SIGHUP" not in project.record("demo-1")["status"]["message"]


def test_a_kill_and_the_same_again(project, mark, nothing_left, tmp_path):
    counted = f"echo once >> {tmp_path}/count"
    waits = f"echo try >> {tmp_path}/tries; test -e {tmp_path}/go || sleep 600"
    project.commit({".c8s.yaml": pipeline(mark, counted, waits)})
    with project.start("run", "--name", "mine") as process:
        project.wait_for_step("mine", "s1")
        project.wait_for_step("mine", "last", "Succeeded")
        process.kill()
        process.communicate(timeout=60)
    nothing_left(mark)
    shown = project.c8s("get", "runs", "mine", "-o", "json").record["status"]
    assert (shown["phase"], shown["reason"]) == ("Running", "Interrupted")
    assert "Interrupted" in project.c8s("get", "runs").out
    (tmp_path / "go").touch()
    done = project.c8s("run", "--name", "mine", "-o", "json")
    assert done.code == 0, done.err
    assert "run mine was interrupted; it goes on now" in done.err
    assert done.record["status"]["phase"] == "Succeeded"
    assert (tmp_path / "count").read_text() == "once\n"
    assert (tmp_path / "tries").read_text() == "try\ntry\n"


def test_a_run_that_was_killed_can_be_cancelled(project, mark):
    project.commit({".c8s.yaml": pipeline(mark, "sleep 600")})
    with project.start("run") as process:
        project.wait_for_step("demo-1", "s0")
        process.kill()
        process.communicate(timeout=60)
    done = project.c8s("cancel", "demo-1")
    assert (done.code, done.err) == (0, "demo-1 is Cancelled\n")
    assert project.record("demo-1")["status"]["phase"] == "Cancelled"
    again = project.c8s("cancel", "demo-1")
    assert again.code == 1
    assert "has ended already: Cancelled" in again.err


def test_cancelled_from_another_terminal(project, mark, nothing_left):
    project.commit({".c8s.yaml": pipeline(mark, "sleep 600")})
    with project.start("run") as process:
        project.wait_for_step("demo-1", "s0")
        assert project.c8s("cancel", "demo-1").err == "demo-1 was asked to end\n"
        process.communicate(timeout=60)
    assert process.returncode == 1
    assert "cancelled by" in project.record("demo-1")["status"]["message"]
    nothing_left(mark)


def test_the_same_run_in_two_terminals(project, mark, tmp_path):
    waits = f"echo once >> {tmp_path}/count; while [ ! -e {tmp_path}/go ]; do sleep 0.1; done"
    project.commit({".c8s.yaml": pipeline(mark, waits)})
    words = ("run", "--idempotency-key", "one", "-o", "json")
    with project.start(*words) as first:
        project.wait_for_step("demo-1", "s0")
        with project.start(*words) as second:
            assert "is driven by another process" in _line_with(second, "demo-1")
            (tmp_path / "go").touch()
            out, _err = second.communicate(timeout=60)
        first.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert json.loads(out) == project.record("demo-1")
    assert (tmp_path / "count").read_text() == "once\n"


def test_to_stop_looking_at_another_terminals_run(project, mark):
    project.commit({".c8s.yaml": pipeline(mark, "sleep 600")})
    with project.start("run", "--name", "mine") as first:
        project.wait_for_step("mine", "s0")
        with project.start("run", "--name", "mine") as second:
            _line_with(second, "is driven by another process")
            second.send_signal(signal.SIGINT)
            _out, err = second.communicate(timeout=60)
        assert second.returncode == 130
        assert "goes on in another process; 'c8s cancel' ends it." in err
        assert project.phases("mine")["s0"] == "Running"
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)


def test_nobody_reads_what_is_said(project, mark):
    project.commit({".c8s.yaml": pipeline(mark, "sleep 0.5")})
    reader, writer = os.pipe()
    os.close(reader)
    with project.start("run", stdout=writer, stderr=writer) as process:
        os.close(writer)
        process.wait(60)
    assert project.record("demo-1")["status"]["phase"] == "Succeeded"


def test_interrupted_before_anything_runs(project, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with project.start("run", fifo) as process, open(fifo, "w"):
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
