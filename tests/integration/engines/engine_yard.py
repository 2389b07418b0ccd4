"""Runs in containers, and what can be seen of them from outside."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.executor import HostSettings
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.runs import HostRuns
from ansible_collections.c8s.ci.plugins.module_utils.runs.launch import Launched
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request

from host_yard import Step, Yard, pipeline, wait_for

IMAGE = "test.local/busybox:1"
DEFAULTS = {"image": IMAGE, "resources": {"cpu": "100m", "memory": "32Mi"}}


@dataclasses.dataclass
class EngineYard(Yard):
    """A yard whose steps run in the containers of an engine."""

    engine: str = ""

    def runs(self) -> HostRuns:
        settings = HostSettings(self.parallel, self.log_cap, self.grace, self.workspaces)
        return HostRuns(
            self.engine, self.store, secrets=self.secrets, settings=settings, report=self.report
        )

    def run(self, steps: dict[str, Step], request: Any = None, **fields: Any) -> Run:
        return super().run(steps, request, **{"clone": False, "defaults": DEFAULTS, **fields})

    def ask(self, *arguments: str) -> str:
        """What the engine's own program answers."""
        done = subprocess.run([self.engine, *arguments], check=True, capture_output=True, text=True)
        return done.stdout

    def containers(self, label: str = "c8s.dev/run-id") -> list[str]:
        """Containers, in whatever state, that carry this label."""
        return self.ask(
            "ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}"
        ).split()

    def inspected(self, step: str) -> dict[str, Any]:
        """The engine's description of a running step's container."""

        def look() -> list[dict[str, Any]]:
            names = self.containers(f"c8s.dev/step={step}")
            # One that is just being made may be listed, and not yet be there to be described.
            with contextlib.suppress(subprocess.CalledProcessError):
                found: list[dict[str, Any]] = json.loads(self.ask("container", "inspect", *names))
                return found
            return []

        (found,) = wait_for(look, f"container of {step}")
        return found

    def mark(self, step: str, name: str = "mark", attempt: int = 1) -> Path:
        """Wait for a file of this name in the workspace of a running step."""
        form = f"c8s-*/{step}-{attempt}/workspace/{name}"
        return wait_for(lambda: next(self.workspaces.glob(form), None), f"{name} of {step}", 60)


class Launch(threading.Thread):
    """A launch that goes on while the test looks at it or interferes."""

    def __init__(self, yard: EngineYard, steps: dict[str, Step], **fields: Any) -> None:
        super().__init__(daemon=True)
        self.runs = yard.runs()
        text = pipeline(steps, **{"clone": False, "defaults": DEFAULTS, **fields})
        self._orders = self.runs.orders([Request(text)])
        self._launched: Sequence[Launched] = ()
        self._error: C8sError | None = None
        self.start()

    def run(self) -> None:
        try:
            self._launched = self.runs.launch(self._orders)
        except C8sError as error:
            self._error = error

    def ended(self, seconds: float = 60) -> Run:
        """The run, once it has ended; or what the launch failed with."""
        self.join(seconds)
        assert not self.is_alive(), f"the launch goes on after {seconds} s"
        if self._error is not None:
            raise self._error
        (launched,) = self._launched
        return launched.run
