"""The command as people have it: a program of its own, on real git repositories."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60.0
# A checkout that is tested beside the installed one is found by its path.
_KEPT = ("PATH", "HOME", "TMPDIR", "PYTHONPATH")
IDENTITY = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]


def wait_for(what: str, seen: Callable[[], Any]) -> Any:
    """The first thing that is seen; fails, saying what was missed, when it does not come."""
    deadline = time.monotonic() + PATIENCE
    while not (found := seen()):
        if time.monotonic() > deadline:
            pytest.fail(f"it never came about: {what}")
        time.sleep(0.05)
    return found


@dataclasses.dataclass(frozen=True)
class Done:
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """What a call with `-o json` printed."""
        document: dict[str, Any] = json.loads(self.out)
        return document


@dataclasses.dataclass(frozen=True)
class Project:
    """A git repository, and a store of runs beside it."""

    folder: Path
    store: Path

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *IDENTITY, *words], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str], message: str = "change") -> str:
        """Write and commit files; the commit."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return {**kept, "C8S_STORE": str(self.store), "LANG": "C.UTF-8", "COLUMNS": "80"}

    def start(self, *words: str | Path, **options: Any) -> subprocess.Popen[str]:
        """The command on its way."""
        settings: dict[str, Any] = {
            "cwd": self.folder, "env": self.environment, "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
        }  # fmt: skip
        command = [sys.executable, "-m", "c8s", *map(str, words)]
        return subprocess.Popen(command, **{**settings, **options})

    def c8s(self, *words: str | Path, **options: Any) -> Done:
        """The command, done."""
        with self.start(*words, **options) as process:
            out, err = process.communicate(timeout=PATIENCE)
        assert "Traceback" not in err
        return Done(process.returncode, out, err)

    def record(self, name: str) -> dict[str, Any]:
        """The record of a run as the store holds it now; empty before there is one."""
        path = self.store / "runs" / name / "record.json"
        document: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
        return document

    def phases(self, name: str) -> dict[str, str]:
        """The phase of every step of a run."""
        steps = self.record(name).get("status", {}).get("steps", [])
        return {step["name"]: step["phase"] for step in steps}

    def wait_for_step(self, name: str, step: str, phase: str = "Running") -> None:
        wait_for(f"{name}/{step} is {phase}", lambda: self.phases(name).get(step) == phase)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project", tmp_path / "store")
    project.folder.mkdir()
    project.git("init", "--quiet", "--initial-branch", "main")
    return project


@pytest.fixture
def nothing_left() -> Callable[[str], None]:
    """A check that no process has a text in its environment or command line any more."""

    def check(text: str) -> None:
        wait_for(f"no process with {text} is left", lambda: not processes_with(text))

    return check


def processes_with(text: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue  # It has ended, or is somebody else's.
        if text.encode() in told and entry.name != str(os.getpid()):
            found.append(entry.name)
    return found
