"""Containers that are made to end: by time, by wish, by the death of whoever started them."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.runs.host import isolated_python, processes
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.containers import warden

from host_yard import alive, pipeline, wait_for
from integration.engines.engine_yard import DEFAULTS, IMAGE, EngineYard, Launch

PR_SET_CHILD_SUBREAPER = 36
LAUNCHER = Path(__file__).with_name("launcher.py")
WAITING = ["touch mark", "until test -e go; do sleep 0.05; done"]


def test_time_is_over_term_comes_first_then_kill(yard: EngineYard):
    yard.grace = 1.5
    steps = {
        "willing": {
            "commands": ["trap 'echo bye; exit 9' TERM", "while :; do sleep 0.05; done"],
            "timeout": "1s",
            "allowFailure": True,
        },
        "child": {
            "commands": [
                "sh -c 'trap \"echo child; exit 9\" TERM; while :; do sleep 0.05 || :; done'"
            ],
            "timeout": "1s",
            "allowFailure": True,
        },
        "deaf": {
            "commands": ["trap 'echo no' TERM", "while :; do sleep 0.05 || :; done"],
            "timeout": "1s",
            "allowFailure": True,
        },
    }
    run = yard.run(steps)
    ends = {step.name: (step.phase, step.exit_code, step.reason) for step in run.status.steps}
    assert ends["willing"] == ("Failed", 9, "Timeout")
    assert ends["deaf"] == ("Failed", 137, "Timeout")
    assert ends["child"][2] == "Timeout"
    for step, word in ("willing", "bye"), ("child", "child"), ("deaf", "no"):
        assert word in yard.log(run.name, step).splitlines()


def test_what_a_step_leaves_running_ends_with_it(yard: EngineYard):
    began = time.monotonic()
    marker = f"left-{uuid.uuid4().hex}"
    daemon = f"(setsid sh -c 'sleep 300; : {marker}' >/dev/null 2>&1 </dev/null &)"
    run = yard.run({"only": [daemon, f"sh -c 'echo late; touch told; sleep 300; : {marker}' &",
                             "until [ -e told ]; do sleep 0.1; done", "echo done"]})  # fmt: skip
    assert run.status.phase == "Succeeded", run.status
    assert sorted(yard.log(run.name).split()) == ["done", "late"]
    assert time.monotonic() - began < 20
    assert alive(marker) == []


def test_a_cancel_ends_what_runs(yard: EngineYard):
    launch = Launch(yard, {"only": WAITING, "after": {"commands": ["true"], "dependsOn": ["only"]}})
    yard.mark("only")
    launch.runs.interrupt("a test")
    run = launch.ended()
    assert run.status.phase == "Cancelled"
    assert {step.phase for step in run.status.steps} == {"Cancelled"}


@pytest.mark.parametrize("killed_first", [False, True], ids=["at-once", "killed-first"])
def test_a_container_removed_by_hand_is_a_disruption(yard: EngineYard, killed_first: bool):
    """podman does it in two moves itself: for a moment the container is killed and still there."""
    launch = Launch(yard, {"only": WAITING})
    yard.mark("only")
    (container,) = yard.containers("c8s.dev/step=only")
    name = yard.ask("container", "inspect", "--format", "{{.Name}}", container).strip("/\n")
    if killed_first:
        yard.ask("kill", container)
        wait_for(lambda: not alive(f"--attach\0{name}"), "the step is seen to have ended")
    yard.ask("rm", "--force", container)
    yard.mark("only", attempt=2).with_name("go").touch()
    run = launch.ended()
    status = run.status.step("only")
    assert (status.phase, status.attempts, status.failures) == ("Succeeded", 2, 0)


def test_a_killed_launcher_leaves_nothing_and_the_run_is_resumed(yard: EngineYard):
    service = {"name": "idle", "image": DEFAULTS["image"], "commands": ["exec sleep 300"]}
    steps = {
        "first": ["echo once"],
        "second": {"commands": WAITING, "dependsOn": ["first"], "services": [service]},
    }
    file = yard.folder / "pipeline.yaml"
    file.write_bytes(pipeline(steps, clone=False, defaults=DEFAULTS))
    arguments = [sys.executable, LAUNCHER, yard.engine, yard.folder, file, "the-key"]
    folders = [str(Path(__file__).parents[2])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}

    launcher = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE)
    yard.mark("second")
    assert len(yard.containers()) == 2
    launcher.send_signal(signal.SIGKILL)
    launcher.communicate()
    wait_for(lambda: not yard.containers(), "the warden removes the containers")

    launcher = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE)
    yard.mark("second", attempt=2).with_name("go").touch()
    output, _none = launcher.communicate(timeout=60)
    assert launcher.returncode == 0
    ended = json.loads(output)
    assert ended["phase"] == "Succeeded"
    assert ended["steps"] == {"first": ["Succeeded", 1], "second": ["Succeeded", 2]}
    assert ended["logs"]["first"] == "once\n"
    assert list(yard.workspaces.iterdir()) == []


def test_nothing_is_left_in_the_folder_of_the_caller(
    yard: EngineYard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """podman's monitor notes there that memory has run out, if it is let."""
    folder = tmp_path / "caller"
    folder.mkdir()
    monkeypatch.chdir(folder)
    bounds = {"cpu": "100m", "memory": "8Mi", "limits": {"memory": "16Mi"}}
    hungry = ["x=$(head -c 200000000 /dev/zero | tr '\\0' x)"]
    assert yard.step({"commands": hungry, "resources": bounds}).reason == "OOMKilled"
    assert list(folder.iterdir()) == []


def test_the_warden_spares_what_the_next_driver_of_the_run_has_made(yard: EngineYard):
    """It may be late: the run may have been resumed before it has looked for the last time."""
    names = {driver: f"c8s-{driver}-{uuid.uuid4().hex}" for driver in ("dead", "next")}
    for driver, name in names.items():
        labels = ["--label", "c8s.dev/run-id=one", "--label", f"c8s.dev/driver-id={driver}"]
        yard.ask("create", "--name", name, *labels, IMAGE, "sleep", "300")
    try:
        subprocess.run(
            isolated_python.command(warden, yard.engine, "dead"),
            stdin=subprocess.DEVNULL, check=True, timeout=60,
        )  # fmt: skip
        left = yard.ask("ps", "--all", "--format", "{{.Names}}", "--filter",
                        "label=c8s.dev/run-id=one").split()  # fmt: skip
        assert left == [names["next"]]
    finally:
        yard.ask("rm", "--force", names["next"])


@pytest.mark.parametrize("steps", [6])
def test_no_monitor_stays_as_a_zombie(yard: EngineYard, steps: int):
    """Also where this process inherits podman's monitors, as the first of a container does."""
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    began = time.monotonic()
    run = yard.run({f"step-{number}": ["true"] for number in range(steps)})
    assert run.status.phase == "Succeeded"
    assert time.monotonic() - began < 15
    names = [Path(f"/proc/{child}/comm").read_text().strip() for child in processes.children()]
    assert names.count("conmon") <= 1
