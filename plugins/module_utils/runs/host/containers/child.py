"""A step's container that was begun, as its attempt sees it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Sequence

from ....core.errors import Unavailable
from ....core.quantities import format_bytes
from ....images.engine_client import EngineClient
from ....pipeline.spec import Step
from ..engine import Ending
from .attachment import Attachment
from .state import ContainerState, inspect, reap_monitors, remove

ENGINE_FAILED = "EngineFailed"
START_FAILED = "StartFailed"
OOM_KILLED = "OOMKilled"

_KILLED = 137
_NOT_FOUND = 127
_REMOVAL_SECONDS, _REMOVAL_LOOK_SECONDS = 3.0, 0.2
# What is added to the output has to fit into the pipe, for its reader is the one who adds it.
_ADDED_LIMIT = 16 * 1024


class ContainerChild:
    """A step's container, attached to by the engine's program, and the services beside it.

    `containers`: the names of all, the step's last. `last_words`: gives what is added to the
    output after a failure; None where there is nothing to add.
    """

    def __init__(
        self,
        client: EngineClient,
        step: Step,
        containers: Sequence[str],
        attachment: Attachment,
        last_words: Callable[[], str] | None,
        cgroup_version: int,
    ) -> None:
        self.output = attachment.output
        self._client = client
        self._step = step
        self._containers = containers
        self._process = attachment.process
        self._write = attachment.write
        self._last_words = last_words
        self._cgroup_version = cgroup_version
        self._killed = False
        if last_words is None:
            self._close_output()

    def terminate(self) -> None:
        self._signal("TERM")

    def kill(self) -> None:
        """End the container; its client follows. Where the engine is deaf, at least the client."""
        if self._process.poll() is None:
            if not self._signal("KILL") and self._killed:
                self._process.kill()
            self._killed = True

    def _signal(self, name: str) -> bool:
        """Whether the engine has passed the signal on."""
        if self._process.poll() is not None:
            return False
        try:
            return self._client.call("kill", "--signal", name, self._containers[-1]).ok
        except Unavailable:
            return False  # `finish` says so: it asks the engine too.

    def wait(self, seconds: float) -> bool:
        # podman waits for its monitor, and takes one that nobody has reaped for alive.
        reap_monitors()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self._close_output()
        return True

    def finish(self) -> Ending:
        self._close_output()
        try:
            state = self._last_state()
            remove(self._client, self._containers[::-1])  # What is left, the sweep of the run says.
        except Unavailable as error:
            return Ending(None, ENGINE_FAILED, str(error), disruption=True)
        finally:
            self._process.kill()
            self._process.wait()
        return ending_of(state, self._step, killed=self._killed, version=self._cgroup_version)

    def _last_state(self) -> ContainerState:
        """What the engine says of the container that has ended.

        Whoever removes a running container kills it first. One that was killed, and not by us, may
        be about to be removed: then its end is no fault of the step. Raises Unavailable where the
        container is gone.
        """
        deadline = time.monotonic() + _REMOVAL_SECONDS
        while True:
            (state,) = inspect(self._client, self._containers[-1:])
            strange = state.exit_code == _KILLED and not (self._killed or state.oom_killed)
            if state.removed or not strange or time.monotonic() > deadline:
                return state
            time.sleep(_REMOVAL_LOOK_SECONDS)

    def _close_output(self) -> None:
        write, self._write = self._write, -1
        if write < 0:
            return
        try:
            if self._last_words is not None and self._process.poll():
                content = self._last_words().encode()[-_ADDED_LIMIT:]
                os.set_blocking(write, False)
                with contextlib.suppress(BlockingIOError):
                    os.write(write, content)
        finally:
            os.close(write)


def ending_of(state: ContainerState, step: Step, *, killed: bool, version: int) -> Ending:
    """How a step has ended. `killed`: whether we did it; `version`: that of the host's cgroups."""
    code = state.exit_code
    if state.running:
        message = "the engine's program lost touch with the running container"
        return Ending(None, ENGINE_FAILED, message, disruption=True)
    if state.removed:
        message = "its container was removed by somebody else"
        return Ending(None, ENGINE_FAILED, message, disruption=True)
    if not state.started:
        message = state.error or "the engine could not start the container; see the step's log"
        return Ending(code, "" if code == _NOT_FOUND else START_FAILED, message)
    limit = step.limits.memory if step.limits else None
    if code and (state.oom_killed or _must_be_memory(code, limit is not None, killed, version)):
        bound = f"its limit of {format_bytes(limit)}" if limit is not None else "there was"
        return Ending(code, OOM_KILLED, f"it needed more memory than {bound}")
    return Ending(code)


def _must_be_memory(code: int, limited: bool, killed: bool, version: int) -> bool:
    """Whether SIGKILL came from the kernel: podman misses that where cgroups are of version 1."""
    return code == _KILLED and limited and not killed and version == 1
