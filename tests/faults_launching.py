"""The command in a process of its own, to be killed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from host_yard import Step, Yard, pipeline

PROGRAM = [sys.executable, "-c", "from c8s.cli.main import main; raise SystemExit(main())"]


@dataclasses.dataclass
class Launch:
    """`c8s run` of one pipeline file in a store."""

    yard: Yard
    steps: dict[str, Step]
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    options: tuple[str, ...] = ("--name", "mine")

    def begin(self, **more: Any) -> subprocess.Popen[bytes]:
        """Start it, as the leader of a process group of its own."""
        file = self.yard.folder / "pipeline.yaml"
        file.write_bytes(pipeline(self.steps, **self.fields))
        return self.c8s(
            "run", str(file), "--store", str(self.yard.store), "--output", "json", *self.options,
            **more,
        )  # fmt: skip

    def c8s(self, *arguments: str, **more: Any) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "TMPDIR": str(self.yard.workspaces)}
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            env=environment,
            cwd=self.yard.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **more,
        )

    def whole(self) -> dict[str, Any]:
        """Run it to its end; the record that it prints."""
        return record_of(self.begin())


def record_of(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    output, complaint = process.communicate(timeout=60)
    try:
        return json.loads(output)
    except ValueError:
        raise AssertionError((process.returncode, output, complaint.decode())) from None


def end_for_good(process: subprocess.Popen[bytes], whole_group: bool = False) -> None:
    """Kill it without a chance to clean up, unless it has ended by itself."""
    if whole_group:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()


def phases(record: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["phase"] for step in record["status"]["steps"]}


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []
