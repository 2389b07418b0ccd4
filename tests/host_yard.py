"""A place where tests run real pipelines on this host: a store, workspaces, repositories."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import StepStatus
from ansible_collections.c8s.ci.plugins.module_utils.runs import inspection
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import Report, ignore
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.executor import HostSettings
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.runs import HostRuns
from ansible_collections.c8s.ci.plugins.module_utils.runs.launch import Launched
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request
from ansible_collections.c8s.ci.plugins.module_utils.storage.run_directory import RunDirectory

Step = list[str] | Mapping[str, Any]
"""A step: its commands, or all of its fields but the name."""


def pipeline(steps: Mapping[str, Step], **fields: Any) -> bytes:
    """A pipeline file. It is JSON, which is YAML."""
    written = []
    for name, step in steps.items():
        own = {"commands": step} if isinstance(step, list) else step
        written.append({"name": name, **own})
    document = {"version": "v1alpha1", "name": "demo", "defaults": {"image": "none"}, **fields}
    return json.dumps({**document, "steps": written}).encode()


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody with a name; its output."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "tag.gpgsign=no"]
    files = ["-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", *identity, *files, *arguments], cwd=folder, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


def repository(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """A new repository with one commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, {"README": "hello\n"} if files is None else files, "first")
    return folder


def commit(folder: Path, files: Mapping[str, str], message: str = "more") -> str:
    """Commit these files; the commit."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 20) -> Any:
    """What `condition` gives once that is true; fails when it is not so in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


def alive(marker: str) -> list[int]:
    """Processes (no zombies) that carry `marker` in their command line or environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            texts = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if marker.encode() in texts and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


@dataclasses.dataclass
class Yard:
    """Runs pipelines with a store and a folder for workspaces of its own."""

    folder: Path
    secrets: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    grace: float = 0.5
    parallel: int = 8
    log_cap: int = 1 << 20
    report: Report = ignore

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def workspaces(self) -> Path:
        path = self.folder / "workspaces"
        path.mkdir(exist_ok=True)
        return path

    @property
    def records(self) -> RunDirectory:
        return RunDirectory(self.store)

    def runs(self) -> HostRuns:
        settings = HostSettings(self.parallel, self.log_cap, self.grace, self.workspaces)
        return HostRuns(
            "local", self.store, secrets=self.secrets, settings=settings, report=self.report
        )

    def launch(self, text: bytes, **request: Any) -> Launched:
        """Launch a pipeline file and see it end."""
        runs = self.runs()
        (launched,) = runs.launch(runs.orders([Request(text, **request)]))
        return launched

    def run(self, steps: Mapping[str, Step], request: Any = None, **fields: Any) -> Run:
        """Run these steps; the run as it ended."""
        return self.launch(pipeline(steps, **fields), **(request or {})).run

    def step(self, step: Step, request: Any = None, **fields: Any) -> StepStatus:
        """Run one step alone; how it ended."""
        return self.run({"only": step}, request, **fields).status.step("only")

    def log(self, name: str, step: str = "only", attempt: int = 0) -> str:
        return inspection.log_of(self.records, name, step, attempt).decode()

    def output(self, step: Step, request: Any = None, **fields: Any) -> str:
        """What one step alone prints, after it succeeded."""
        run = self.run({"only": step}, request, **fields)
        assert run.status.phase == "Succeeded", (run.status, self.log(run.name))
        return self.log(run.name)
