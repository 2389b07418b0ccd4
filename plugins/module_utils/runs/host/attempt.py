"""One attempt of a step on this host, from its workspace to its artifacts, in a thread."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Protocol

from ...core.errors import C8sError, InvalidInput
from ...pipeline.observation import Observation, State
from ...pipeline.status import Reason
from ..clock import Clock
from ..step_fault import StepFault
from .engine import Child, Ending, Engine, HostStep

READ_SIZE = 256 * 1024
DRAIN_SECONDS = 2.0
_POLL_SECONDS = 0.1
_AGAIN_SECONDS = 1.0


class Workspace(Protocol):
    """What surrounds the commands of a step: what they find, and what is kept of theirs."""

    def prepare(self) -> None:
        """Clone, restore caches and artifacts. Raises C8sError with a reason in `reason`."""

    def collect(self, succeeded: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Keep artifacts, and caches after a success: their URLs, and what was missed."""

    def discard(self) -> None:
        """Remove the folders."""


class Output(Protocol):
    """Where what a step prints goes; masks it on the way."""

    def write(self, content: bytes) -> None:
        """Raises Unavailable where nothing more can be kept."""

    def close(self) -> None: ...


class Attempt(threading.Thread):
    """Runs by itself once started; `observation` is what there is to know of it.

    `grace` are the seconds between TERM and KILL; they may be cut short while they run.
    """

    def __init__(
        self,
        host_step: HostStep,
        engine: Engine,
        workspace: Workspace,
        output: Output,
        *,
        clock: Clock,
        grace: float,
        ahead: bool,
        changed: Callable[[], None],
        mask: Callable[[str], str],
        log_url: str,
    ) -> None:
        super().__init__(name=f"{host_step.run.name}/{host_step.step.name}", daemon=True)
        self._host_step = host_step
        self._engine = engine
        self._workspace = workspace
        self._output = output
        self._clock = clock
        self.grace = grace
        self._changed = changed
        self._mask = mask
        self._released = threading.Event()
        self._stopping = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        if not ahead:
            self._released.set()
        self.observation = Observation(
            host_step.step.name, host_step.attempt, State.WAITING, held=ahead, log_url=log_url
        )

    # --- from the driver's thread --------------------------------------------------------------

    def release(self) -> None:
        """Let the commands begin."""
        self._released.set()

    def stop(self) -> None:
        """Ask for the end; the thread sees to it within the grace period."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._released.set()
            os.write(self._wake_write, b"!")

    @property
    def stopping(self) -> bool:
        """Whether its end was asked for."""
        return self._stopping.is_set()

    def close(self) -> None:
        """Wait for the thread's end and give back what it held."""
        self.join()
        os.close(self._wake_write)
        os.close(self._wake_read)

    # --- in its own thread ---------------------------------------------------------------------

    def run(self) -> None:
        ending = Ending(None, "InternalError", "a fault in c8s itself, see its error output")
        try:
            ending = self._ending()
        finally:
            self._see(
                state=State.ENDED,
                completion_time=self._clock(),
                exit_code=ending.exit_code,
                reason=ending.reason,
                message=self._mask(ending.message),
                disruption=ending.disruption,
            )
            # Steps behind this one need not wait for it. What stays is told when the run's own
            # folder, which holds this one, is removed.
            with contextlib.suppress(C8sError):
                self._workspace.discard()

    def _see(self, **news: object) -> None:
        self.observation = dataclasses.replace(self.observation, **news)  # type: ignore[arg-type]
        self._changed()

    def _ending(self) -> Ending:
        try:
            try:
                self._workspace.prepare()
                self._released.wait()
                if self._stopping.is_set():
                    return Ending(None, Reason.CANCELLED_BY, "stopped before its first command")
                ending = self._run_commands()
                urls, missed = self._workspace.collect(ending.exit_code == 0 and not ending.reason)
                for note in missed:
                    self._output.write(f"[c8s: {note}]\n".encode())
                self._see(artifact_urls=urls)
                return ending
            finally:
                self._output.close()
        except StepFault as fault:
            return Ending(None, fault.reason, fault.message)
        except InvalidInput as error:
            return Ending(None, "StepRefused", str(error))
        except C8sError as error:
            return Ending(None, "StorageError", str(error))

    def _run_commands(self) -> Ending:
        child = self._engine.begin(self._host_step)
        self._see(state=State.RUNNING, start_time=self._clock(), held=False)
        try:
            self._pump(child)
        finally:
            child.kill()
            ending = child.finish()
            os.close(child.output)
        return ending

    def _pump(self, child: Child) -> None:
        """Pass on the output until the step has ended and its output is drained.

        A background process may hold the output open after the step's end: it is killed then,
        and what it had written is still read.
        """
        poller = select.poll()
        poller.register(child.output, select.POLLIN)
        poller.register(self._wake_read, select.POLLIN)
        asked_at = drained_at = float("inf")
        killed_at = float("-inf")
        reading = True
        while True:
            ready = {descriptor for descriptor, _event in poller.poll(_POLL_SECONDS * 1000)}
            if self._wake_read in ready:
                poller.unregister(self._wake_read)
                child.terminate()
                asked_at = time.monotonic()
            if child.output in ready and not self._read(child):
                poller.unregister(child.output)
                reading = False
            now = time.monotonic()
            if now >= asked_at + self.grace and now >= killed_at + _AGAIN_SECONDS:
                child.kill()
                killed_at = now
            if not reading and child.wait(_POLL_SECONDS):
                return
            if reading and child.output not in ready and child.wait(0):
                child.kill()
                drained_at = min(drained_at, now + DRAIN_SECONDS)
            if now >= drained_at:
                return

    def _read(self, child: Child) -> bool:
        """Pass on what is there; False at the end of the output."""
        content = os.read(child.output, READ_SIZE)
        if content:
            self._output.write(content)
        return bool(content)
