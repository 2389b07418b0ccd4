"""What starts a step on this host, and what the step finds there."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Protocol

from ...pipeline.run import Run
from ...pipeline.spec import Step


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """The folders of one attempt below `root`, all thrown away at its end."""

    root: pathlib.Path

    @property
    def workspace(self) -> pathlib.Path:
        return self.root / "workspace"

    @property
    def home(self) -> pathlib.Path:
        return self.root / "home"

    @property
    def temporary(self) -> pathlib.Path:
        return self.root / "tmp"

    @property
    def secrets(self) -> pathlib.Path:
        return self.root / "secrets"

    def make(self) -> None:
        """Make the folders, for this user's eyes alone."""
        self.root.mkdir(parents=True, mode=0o700)
        for folder in (self.workspace, self.home, self.temporary, self.secrets):
            folder.mkdir(mode=0o700)


def _never() -> bool:
    return False


@dataclasses.dataclass(frozen=True, slots=True)
class HostStep:
    """One attempt as an engine needs it. `secret_env` is apart: no command line may show it.

    `given_up` says, while the engine takes its time to start the step, that nobody wants it
    any more.
    """

    run: Run
    step: Step
    attempt: int
    place: Place
    secret_env: Mapping[str, str]
    given_up: Callable[[], bool] = _never


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt's commands ended. `exit_code` is None where they were never run.

    A `reason` makes it a failure whatever the exit code; `disruption` one that is not theirs.
    """

    exit_code: int | None
    reason: str = ""
    message: str = ""
    disruption: bool = False


class Child(Protocol):
    """A step that was begun. `output` is the read end of what it prints, both streams in one."""

    output: int

    def terminate(self) -> None:
        """Ask all of it to end."""

    def kill(self) -> None:
        """End all of it."""

    def wait(self, seconds: float) -> bool:
        """Whether its main process has ended, waiting for it at most that long."""

    def finish(self) -> Ending:
        """After its end: leave nothing of it behind, and say how it ended."""


class Engine(Protocol):
    """Starts steps as processes or as containers of some engine."""

    name: str

    def workspace_path(self, place: Place) -> str:
        """Where the step sees its workspace."""

    def enter(self) -> None:
        """Get ready for runs, unless that is so already.

        Raises Unavailable, saying what to do, where the engine does not work.
        """

    def leave(self) -> None:
        """There are no more runs for the time being."""

    def begin(self, host_step: HostStep) -> Child:
        """Start the step. Raises C8sError where that fails."""

    def sweep(self, run_id: str) -> None:
        """End whatever there still is of a run."""
