"""Steps as plain processes of this host: the engine that needs nothing installed.

There is no container around them: they may do what the calling user may do. They get a workspace,
a home and a temporary folder of their own, a clean environment and a session of their own.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Sequence

from ...core.errors import InvalidInput
from ...pipeline.environment import environment
from ...pipeline.script import argument_list
from . import isolated_python, keeper, processes
from .engine import Child, Ending, HostStep, Place

KEPT_VARIABLES = (
    "PATH", "LANG", "LANGUAGE", "LC_ALL", "TZ", "USER", "LOGNAME", "SHELL",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip

KEEPER_KILLED = "KeeperKilled"

_KEEPER_NEEDS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # For a Python that was put anywhere.

# A step that eats all memory goes before its driver does; core files would hold secrets; exec keeps
# the process that leads the group.
_LIMITED = (
    '{{ echo 500 >/proc/self/oom_score_adj; }} 2>/dev/null || :; ulimit -c 0; {limits}exec "$@"'
)


class LocalEngine:
    """Starts each step as the leader of a process group of its own."""

    name = "local"

    def __init__(self) -> None:
        self._keepers = Keepers()

    def workspace_path(self, place: Place) -> str:
        return str(place.workspace)

    def enter(self) -> None:
        """Nothing is needed."""

    def leave(self) -> None:
        self._keepers.close()

    def begin(self, host_step: HostStep) -> Child:
        refused = _needs_container(host_step)
        if refused:
            raise InvalidInput(
                f"step {host_step.step.name!r} uses {refused}, which takes containers;"
                " run it with the executor docker, podman or kubernetes"
            )
        return LocalChild(host_step, self._keepers)

    def sweep(self, run_id: str) -> None:
        processes.end_run(run_id)


def _needs_container(host_step: HostStep) -> str:
    return "services" if host_step.step.services else ""


def step_environment(host_step: HostStep) -> dict[str, str]:
    """What a local step finds: little of the caller's environment, all of the step's."""
    place = host_step.place
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {
        **kept,
        "HOME": str(place.home),
        "TMPDIR": str(place.temporary),
        "C8S_SECRETS": str(place.secrets),
        **environment(host_step.run, host_step.step, str(place.workspace)),
        **host_step.secret_env,
    }


class Keepers:
    """Starts keepers: talks to the program that forks them, and starts that where there is none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._program: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def fork(self, streams: Sequence[int]) -> None:
        """A keeper with these as standard input, output and error output; OSError where none is."""
        with self._lock:
            if self._socket is not None:
                with contextlib.suppress(OSError):  # A step may have killed it; there is another.
                    socket.send_fds(self._socket, [b"k"], streams)
                    return
                self._close()
            socket.send_fds(self._started(), [b"k"], streams)

    def close(self) -> None:
        """There is no step that needs a keeper."""
        with self._lock:
            self._close()

    def _started(self) -> socket.socket:
        self._socket, other = socket.socketpair()
        with other:
            self._program = subprocess.Popen(
                isolated_python.command(keeper),
                stdin=other.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                # Whoever looks for the driver by its environment does not find the keepers.
                env={name: os.environ[name] for name in _KEEPER_NEEDS if name in os.environ},
                start_new_session=True,
            )
        return self._socket

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._program is not None:
            self._program.wait()
            self._program = None


class LocalChild:
    """A step's processes, below a keeper that ends all of them, see `keeper`."""

    def __init__(self, host_step: HostStep, keepers: Keepers) -> None:
        self._host_step = host_step
        arguments = ["/bin/sh", "-c", _prologue(host_step), "sh", *argument_list(host_step.step)]
        try:
            order = keeper.encode(
                str(host_step.place.workspace), arguments, step_environment(host_step)
            )
        except ValueError as error:
            raise self._refusal(str(error)) from error
        with contextlib.ExitStack() as theirs:
            wishes, self._wishes = self._pipe(theirs, 0)
            self._told, told = self._pipe(theirs, 1)
            self.output, output = self._pipe(theirs, 1)
            try:
                keepers.fork((wishes, told, output))
            except OSError as error:
                self._close(self.output, self._told, self._wishes)
                raise self._refusal(str(error)) from error
        self._words = os.fdopen(self._told, "rb")
        self._tell(order)
        begun = self._line()
        if begun[0] != "begun":
            self._close(self.output, self._wishes)
            self._words.close()
            raise self._refusal(" ".join(begun[1:]) or "its keeper was killed")
        self._process = int(begun[1])

    @staticmethod
    def _pipe(theirs: contextlib.ExitStack, end: int) -> tuple[int, int]:
        """A pipe of which the keeper gets that end, and no longer the driver."""
        both = os.pipe()
        theirs.callback(os.close, both[end])
        return both

    @staticmethod
    def _close(*descriptors: int) -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    def terminate(self) -> None:
        self._tell(keeper.TERMINATE)

    def kill(self) -> None:
        self._tell(keeper.KILL)

    def wait(self, seconds: float) -> bool:
        poller = select.poll()
        poller.register(self._told, select.POLLIN)
        return bool(poller.poll(seconds * 1000))

    def finish(self) -> Ending:
        self._close(self._wishes)
        with self._words:
            ended = self._line()
        if ended[0] == "ended":
            return ending_of(int(ended[1]))
        processes.end_step(self._host_step.run.uid, self._host_step.step.name, self._process)
        message = "what keeps the step's processes together was killed, maybe by one of them"
        return Ending(None, KEEPER_KILLED, message)

    def _tell(self, content: bytes) -> None:
        """Whoever has ended need not be told; what it has said is read at the end."""
        view = memoryview(content)
        with contextlib.suppress(BrokenPipeError):
            while view:
                view = view[os.write(self._wishes, view) :]

    def _line(self) -> list[str]:
        """The next thing that the keeper says; empty words where it has been killed."""
        return self._words.readline().decode(errors="replace").split() or [""]

    def _refusal(self, why: str) -> InvalidInput:
        return InvalidInput(f"step {self._host_step.step.name!r} cannot be started: {why}")


def _prologue(host_step: HostStep) -> str:
    """Shell text that bounds the step before it becomes the step."""
    limits = host_step.step.limits
    lines = ""
    if limits and limits.memory is not None:
        lines += f"ulimit -v {int(limits.memory) // 1024}; "
    if limits and limits.ephemeral_storage is not None:
        lines += f"ulimit -f {int(limits.ephemeral_storage) // 512}; "
    return _LIMITED.format(limits=lines)


def ending_of(status: int) -> Ending:
    """From the exit status as Python gives it; a signal counts as 128 and its number."""
    if status >= 0:
        return Ending(status)
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    return Ending(128 - status, message=f"killed by {name}")
