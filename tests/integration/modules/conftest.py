"""Plays as people start them: ansible-playbook in a folder with a project and a store."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host_yard import alive, git, repository, wait_for

PATIENCE = 60.0
LONGEST_PLAY = 300.0
HERE = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent

PLAY = """\
- name: Play
  hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
"""
PROJECT = """\
version: v1alpha1
name: demo
steps:
  - name: lint
    image: python:3.11
    commands:
      - "echo 'Warning: nothing is perfect'"
      - test -f readme
  - name: build
    image: python:3.11
    dependsOn: [lint]
    commands: ["echo building"]
  - name: publish
    image: python:3.11
    dependsOn: [build]
    when: {tag: "v2*"}
    commands: ["echo publishing"]
"""


@dataclasses.dataclass(frozen=True)
class Entry:
    """What became of a task."""

    task: str
    how: str
    result: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Done:
    """How a play ended, and what became of its tasks."""

    code: int
    text: str
    entries: tuple[Entry, ...]

    def result(self, task: str) -> dict[str, Any]:
        """The result of a task."""
        return next(entry.result for entry in self.entries if entry.task == task)


class Going:
    """A play that goes on."""

    def __init__(self, process: subprocess.Popen[str], journal: Path) -> None:
        self.process = process
        self._lines: list[str] = []
        self._journal = journal
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        if self.process.stdout is not None:
            with self.process.stdout as stream:
                for line in stream:
                    self._lines.append(line.rstrip("\n"))

    def wait_for(self, text: str) -> None:
        """Come back when the play has shown it."""
        wait_for(lambda: text in self.text, f"{text!r} in the output of the play", PATIENCE)

    @property
    def text(self) -> str:
        """What it has shown so far."""
        return "\n".join(self._lines)

    def ended(self) -> Done:
        """Wait for its end."""
        self.process.wait(LONGEST_PLAY)
        self._reader.join(PATIENCE)
        entries = []
        if self._journal.exists():
            for line in self._journal.read_text(encoding="utf-8").splitlines():
                entries.append(Entry(**json.loads(line)))
        return Done(self.process.returncode, self.text, tuple(entries))


class Stage:
    """A folder to play in, with a store of runs, a home and a temporary folder.

    All that is started here carries the folder's path in its environment, so it can be found.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.home = folder / "home"
        self.temporary = folder / "tmp"
        self.home.mkdir(parents=True)
        self.temporary.mkdir()
        self._begun: list[Going] = []

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PWD": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "400",
            "C8S_STORE": str(self.store),
            # Ansible looks for jobs in the home of the user, whatever HOME says.
            "ANSIBLE_ASYNC_DIR": str(self.home / ".ansible_async"),
        }

    def call(self, *words: str) -> str:
        """What a program prints that ends well."""
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def begin(self, playbook: str, *words: str, **environment: str) -> Going:
        """Start a playbook: a file's path, or the name of one of the collection."""
        journal = self.folder / f"journal-{len(self._begun)}"
        env = {
            **self.environment,
            "C8S_TEST_JOURNAL": str(journal),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "journal"),
            "ANSIBLE_CALLBACKS_ENABLED": "journal",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            **environment,
        }
        process = subprocess.Popen(
            [PROGRAMS / "ansible-playbook", playbook, *words],
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._begun.append(Going(process, journal))
        return self._begun[-1]

    def stop(self) -> None:
        """End what a test has left going because it failed."""
        for going in self._begun:
            if going.process.poll() is None:
                going.process.kill()
                going.process.wait()

    def tasks(self, tasks: str) -> str:
        """The path of a playbook with these tasks."""
        path = self.folder / f"play-{len(list(self.folder.glob('play-*')))}.yml"
        path.write_text(PLAY + textwrap.indent(textwrap.dedent(tasks), "    "), encoding="utf-8")
        return str(path)

    def play(self, tasks: str, *words: str, **environment: str) -> Done:
        """Play tasks to their end."""
        return self.begin(self.tasks(tasks), *words, **environment).ended()

    def record(self, name: str) -> dict[str, Any]:
        """The record of a run; empty while there is none."""
        path = self.store / "runs" / name / "record.json"
        with contextlib.suppress(FileNotFoundError):
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return record
        return {}

    def phase(self, name: str, step: str = "") -> str:
        """That of a run, or of its step; empty while there is none."""
        status = self.record(name).get("status", {})
        phases = {known["name"]: known["phase"] for known in status.get("steps", ())}
        return str(phases.get(step, "") if step else status.get("phase", ""))

    def wait_for_step(self, name: str, step: str) -> None:
        """Come back when a step runs."""
        wait_for(lambda: self.phase(name, step) == "Running", f"{name}/{step} runs", PATIENCE)

    def wait_for_silence(self) -> None:
        """Come back when nothing that was started here is left."""
        wait_for(lambda: not alive(str(self.folder)), "all processes have ended", PATIENCE)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A place of its own for each test; the test fails where a process of it stays."""
    made = Stage(tmp_path)
    yield made
    made.stop()
    try:
        made.wait_for_silence()
    finally:
        for process in alive(str(tmp_path)):
            os.kill(process, signal.SIGKILL)


@pytest.fixture
def project(stage: Stage) -> Path:
    """A repository with two branches and a tag, and a pipeline that succeeds."""
    folder = repository(stage.folder / "project", {".c8s.yaml": PROJECT, "readme": "read me\n"})
    git(folder, "tag", "v1.0")
    git(folder, "branch", "feature/faster")
    return folder
