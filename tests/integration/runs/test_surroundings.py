"""What a step finds around it: environment, folders, and nothing of anybody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from host_yard import Yard, git


def test_nothing_of_the_callers_environment_but_what_programs_need(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "/outside/own")
    monkeypatch.setenv("KUBECONFIG", "/outside/own")
    monkeypatch.setenv("C8S_STORE", "/outside/own")
    printed = yard.output(["env"])
    assert "/outside" not in printed
    names = {line.partition("=")[0] for line in printed.splitlines()}
    assert {"PATH", "HOME", "CI", "C8S_RUN", "C8S_STEP", "COMMIT_SHA", "WORKSPACE"} <= names


def test_what_describes_the_run_is_in_the_environment(yard: Yard, project: Path):
    commit = git(project, "rev-parse", "HEAD")
    printed = yard.output(
        ["echo $CI $C8S $C8S_RUN $C8S_STEP $C8S_PIPELINE $C8S_COMMIT $C8S_BRANCH $C8S_EVENT"],
        {"repository": str(project), "branch": "main", "name": "mine"},
    )
    assert printed == f"true true mine only demo {commit} main push\n"


def test_the_steps_own_variables_win(yard: Yard):
    step = {"commands": ["echo $A $B"], "env": {"B": "step"}}
    assert yard.output(step, env={"A": "pipeline", "B": "pipeline"}) == "pipeline step\n"


def test_each_step_has_a_workspace_a_home_and_a_temporary_folder_of_its_own(yard: Yard):
    shown = ["pwd; echo $HOME; echo $TMPDIR; echo $WORKSPACE; ls -A . $HOME $TMPDIR; touch mine"]
    run = yard.run({"one": shown, "two": {"commands": shown, "dependsOn": ["one"]}})
    first, second = (yard.log(run.name, step).splitlines() for step in ("one", "two"))
    assert not set(first[:4]) & set(second[:4])
    assert first[0] == first[3]
    assert "mine" not in yard.log(run.name, "two")


def test_nothing_is_left_of_the_workspaces(yard: Yard):
    yard.run({"ok": ["touch a"], "bad": ["touch b; mkdir -p c/d; chmod 0 c; exit 1"]})
    assert list(yard.workspaces.iterdir()) == []


def test_others_may_not_look_into_a_workspace(yard: Yard):
    printed = yard.output(["stat -c %a .. ."])
    assert printed.split() == ["700", "700"]


def test_limits_of_memory_hold(yard: Yard):
    step = {
        "shell": ["python3", "-c"],
        "commands": ["x = bytearray(512 << 20)"],
        "resources": {"limits": {"memory": "256Mi"}},
    }
    run = yard.run({"only": step})
    assert run.status.phase == "Failed"
    assert "MemoryError" in yard.log(run.name)


def test_limits_of_file_sizes_hold(yard: Yard):
    step = {
        "commands": ["head -c 3000000 /dev/zero >big"],
        "resources": {"limits": {"ephemeralStorage": "1Mi"}},
    }
    assert yard.step(step).phase == "Failed"


def test_services_take_containers_and_it_is_said_which_executor_has_them(yard: Yard):
    step = {"commands": ["true"], "services": [{"name": "db", "image": "postgres"}]}
    status = yard.step(step)
    assert status.phase == "Failed"
    assert "services" in status.message
    assert "docker" in status.message


def test_the_program_search_path_is_the_callers(yard: Yard):
    assert yard.output(["echo $PATH"]).strip() == os.environ["PATH"]
