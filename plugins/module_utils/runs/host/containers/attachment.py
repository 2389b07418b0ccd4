"""The engine's program attached to a container from its start, with the output in one pipe."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time
from collections.abc import Callable

from ....core.errors import Unavailable
from ....images.engine_client import CallGivenUp, EngineClient, words_of
from .state import inspect

_POLL_SECONDS = 0.02
_START_SECONDS = 60.0
_READ_SIZE = 64 * 1024


class Attachment:
    """Starts a container that was made. `output` is the pipe's read end, `write` the other.

    `folder` is where the engine's programs may leave what they like; podman's monitor does.
    """

    def __init__(self, client: EngineClient, container: str, folder: pathlib.Path) -> None:
        self._client = client
        self._container = container
        self.output, self.write = os.pipe()
        try:
            self.process = subprocess.Popen(
                client.command("start", "--attach", container),
                stdin=subprocess.DEVNULL,
                stdout=self.write,
                stderr=self.write,
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            self._close()
            raise Unavailable(f"{client.program} cannot be started: {error}") from error

    def fault(self, given_up: Callable[[], bool]) -> str:
        """Wait until the container has started; the engine's words where it could not be.

        Raises CallGivenUp once `given_up` says so.
        """
        fault: str | None = None
        try:
            fault = self._fault(given_up)
        finally:
            if fault != "":
                self.process.kill()
                self.process.wait()
                self._close()
        return fault

    def _fault(self, given_up: Callable[[], bool]) -> str:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            ended = self.process.poll() is not None
            (state,) = inspect(self._client, [self._container])
            if state.started:
                return ""
            if ended:
                os.set_blocking(self.output, False)
                words = words_of(self._read().decode(errors="replace"))
                return words or state.error or "it was not started, for no given reason"
            if time.monotonic() > deadline:
                return f"it was not started within {_START_SECONDS:g} s"
            if given_up():
                raise CallGivenUp("stopped while its container was started")
            time.sleep(_POLL_SECONDS)

    def _read(self) -> bytes:
        try:
            return os.read(self.output, _READ_SIZE)
        except BlockingIOError:
            return b""

    def _close(self) -> None:
        os.close(self.output)
        os.close(self.write)
