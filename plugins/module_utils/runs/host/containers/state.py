"""What an engine says of containers, and how they are removed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import time
from collections.abc import Sequence
from typing import Any

from ....core.errors import Unavailable
from ....images.engine_client import EngineClient
from .. import processes

_NEVER = "0001-01-01"
_GONE = ("no such", "no container with")
# An engine stumbles over what changes just while it looks.
_TRIES, _PAUSE_SECONDS = 5, 0.1


@dataclasses.dataclass(frozen=True, slots=True)
class ContainerState:
    """What the engine says of a container."""

    status: str
    exit_code: int
    oom_killed: bool
    error: str
    started: bool
    process: int = 0

    @property
    def removed(self) -> bool:
        """Whether somebody is removing it, or has tried to."""
        return self.status in ("removing", "dead")

    @property
    def running(self) -> bool:
        return self.status in ("running", "paused", "stopping")


def state_of(found: dict[str, Any]) -> ContainerState:
    """From the `State` that `inspect` shows."""
    return ContainerState(
        status=found["Status"],
        exit_code=found["ExitCode"],
        oom_killed=bool(found.get("OOMKilled")),
        error=found.get("Error") or "",
        started=not found["StartedAt"].startswith(_NEVER),
        process=found.get("Pid") or 0,
    )


def inspect(client: EngineClient, names: Sequence[str]) -> list[ContainerState]:
    """The states of containers, in order; Unavailable where the engine does not tell."""
    for number in range(_TRIES):
        if number:
            time.sleep(_PAUSE_SECONDS)
        answer = client.call("container", "inspect", "--format", "{{json .State}}", *names)
        if answer.ok:
            return [state_of(json.loads(line)) for line in answer.output.splitlines() if line]
        if any(words in answer.words.lower() for words in _GONE):
            break
    raise Unavailable(f"{client.program} does not tell of a container: {answer.words}")


def remove(client: EngineClient, names: Sequence[str]) -> str:
    """End and remove containers with their volumes, in this order; what the engine objected.

    What shares the network of another one has to come before it.
    """
    if not names:
        return ""
    answer = client.call("rm", "--force", "--volumes", *names)
    reap_monitors()
    return "" if answer.ok else answer.words


def reap_monitors() -> None:
    """Take the exit status of podman's monitors, which this process inherits as a subreaper."""
    for process in processes.children():
        with contextlib.suppress(OSError):
            name = pathlib.Path(f"/proc/{process}/comm").read_text().strip()
            if name == "conmon":
                processes.reap([process])
