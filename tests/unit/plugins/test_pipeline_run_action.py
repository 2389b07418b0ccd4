"""The action plugin beside c8s.ci.pipeline_run: which way it goes, and what it shows."""

from __future__ import annotations

import json
import pathlib
import types
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.action import pipeline_run
from ansible_collections.c8s.ci.plugins.action.pipeline_run import ActionModule

FAILURE = {
    "run": "r", "step": "s", "phase": "Failed", "reason": "", "message": "no", "lines": ["end"],
}  # fmt: skip


def event(step: str) -> str:
    told = {"event": "step", "run": "r", "step": step, "phase": "Running", "before": "Pending"}
    return json.dumps({"time": "2026-01-01T00:00:00Z", **told}) + "\n"


class Stage:
    """An action plugin whose modules and commands are played; `calls` are those of modules."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **task: Any) -> None:
        self.calls: list[dict[str, Any]] = []
        self.shown: list[str] = []
        self.commands: list[str] = []
        self.file = ""
        self.play: Callable[[dict[str, Any]], dict[str, Any]] = lambda _call: {}
        self.task = types.SimpleNamespace(
            **{"async_val": 0, "check_mode": False, "action": "c8s.ci.pipeline_run", **task}
        )
        transport, become = task.get("transport", "local"), task.get("become")
        shell = types.SimpleNamespace(tmpdir="/tmp/x")
        connection = types.SimpleNamespace(
            transport=transport, become=become, has_native_async=False, _shell=shell
        )
        self.action = ActionModule(self.task, connection, None, None, None, None)
        display = types.SimpleNamespace(display=self._display)
        monkeypatch.setattr(self.action, "_display", display)
        monkeypatch.setattr(self.action, "_execute_module", self._execute)
        monkeypatch.setattr(self.action, "_low_level_execute_command", self._command)
        monkeypatch.setattr(pipeline_run, "LOOK_SECONDS", 0)

    def _display(self, text: str, *, stderr: bool, color: str | None = None) -> None:
        assert stderr, (
            "what goes to standard output is shown late, or spoils what others write there"
        )
        self.shown.append(text)

    def _execute(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        return self.play(call)

    def _command(self, command: str) -> dict[str, Any]:
        self.commands.append(command)
        if command.startswith("rm "):
            return {"stdout": ""}
        offset = int(command.split("+")[1].split()[0]) - 1
        return {"stdout": self.file[offset:].replace("\n", "\r\n")}

    def run(self) -> dict[str, Any]:
        return self.action.run(task_vars={})


@pytest.mark.parametrize(
    "task",
    [
        {"args": {}},
        {"args": {"follow": False}},
        {"args": {"follow": "no"}},
        {"args": {"follow": True}, "check_mode": True},
        {"args": {"follow": True}, "transport": "ssh", "check_mode": True},
        {"args": {}, "transport": "ssh"},
    ],
)
def test_without_follow_the_module_runs_as_it_is(monkeypatch, task: dict[str, Any]):
    stage = Stage(monkeypatch, **task)
    stage.play = lambda _call: {"changed": True, "failures": [FAILURE]}
    assert stage.run()["changed"]
    assert [call["module_args"] for call in stage.calls] == [task["args"]]
    assert not stage.calls[0]["wrap_async"]
    assert stage.shown == []


def test_a_task_in_the_background_stays_there(monkeypatch):
    stage = Stage(monkeypatch, args={"follow": True}, async_val=60)
    stage.play = lambda _call: {"ansible_job_id": "j1"}
    assert stage.run() == {"ansible_job_id": "j1"}
    assert stage.calls[0]["wrap_async"]


@pytest.mark.parametrize("follow", [True, "yes"])
def test_here_events_are_read_from_a_file(monkeypatch, tmp_path: pathlib.Path, follow: Any):
    monkeypatch.setattr(pipeline_run.C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    stage = Stage(monkeypatch, args={"follow": follow, "name": "r"})

    def play(call: dict[str, Any]) -> dict[str, Any]:
        path = pathlib.Path(call["module_args"]["progress_file"])
        path.write_text(event("a") + event("b"), encoding="utf-8")
        return {"changed": True, "failures": [FAILURE], "failed": True}

    stage.play = play
    assert stage.run()["failed"]
    assert stage.calls[0]["module_args"]["name"] == "r"
    assert [line.split()[-1] for line in stage.shown] == ["r/a", "r/b", "end"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_asked_for_is_used_and_kept(monkeypatch, tmp_path: pathlib.Path):
    monkeypatch.setattr(pipeline_run.C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    path = tmp_path / "events"
    path.write_text(event("old"), encoding="utf-8")
    stage = Stage(monkeypatch, args={"follow": True, "progress_file": str(path)})

    def play(_call: dict[str, Any]) -> dict[str, Any]:
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(event("new"))
        return {}

    stage.play = play
    stage.run()
    assert [line.split()[-1] for line in stage.shown] == ["r/new"]
    assert path.exists()


@pytest.mark.parametrize("task", [{"transport": "ssh"}, {"become": object()}])
def test_elsewhere_a_job_is_asked_for_news(monkeypatch, task: dict[str, Any]):
    stage = Stage(monkeypatch, args={"follow": True}, **task)
    answers = iter([{"finished": 0}, {"finished": 0}, {"finished": 1, "changed": True, "x": 1}])
    pieces = iter([event("a"), event("b")[:20], event("b")[20:] + event("c")])

    def play(call: dict[str, Any]) -> dict[str, Any]:
        if call.get("module_name") is None:
            return {"ansible_job_id": "j1", "results_file": "/home/.ansible_async/j1"}
        if call["module_args"]["mode"] == "cleanup":
            return {}
        stage.file += next(pieces)
        return {"ansible_job_id": "j1", "started": 1, **next(answers)}

    stage.play = play
    assert stage.run() == {"changed": True, "x": 1}
    assert stage.calls[0]["wrap_async"]
    assert all(call["module_args"].get("_async_dir") == "/home/.ansible_async"
               for call in stage.calls[1:])  # fmt: skip
    assert stage.calls[-1]["module_args"]["mode"] == "cleanup"
    path = stage.calls[0]["module_args"]["progress_file"]
    assert stage.commands[-1] == f"rm -f {path}"
    assert [line.split()[-1] for line in stage.shown] == ["r/a", "r/b", "r/c"]
    assert stage.task.async_val == 0


def test_a_job_that_does_not_begin_is_told(monkeypatch):
    stage = Stage(monkeypatch, args={"follow": True}, transport="ssh")
    stage.play = lambda _call: {"failed": True, "msg": "no python"}
    assert stage.run() == {"failed": True, "msg": "no python"}
    assert stage.commands == []


def test_a_job_that_is_lost_is_told_and_cleaned_up(monkeypatch):
    stage = Stage(monkeypatch, args={"follow": True}, transport="ssh")
    job = {"ansible_job_id": "j1", "results_file": "/x/j1"}
    answers = iter([job, {"failed": True, "msg": "could not find job"}, {}])
    stage.play = lambda _call: next(answers)
    assert stage.run() == {"failed": True, "msg": "could not find job"}
    assert stage.calls[-1]["module_args"]["mode"] == "cleanup"
