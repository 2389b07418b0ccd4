"""Steps as plain processes of this host: the engine that needs nothing installed.

There is no container around them: they may do what the calling user may do. They get a workspace,
a home and a temporary folder of their own, a clean environment and a session of their own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

from ..core.errors import InvalidInput
from ..pipeline.environment import environment
from ..pipeline.script import argument_list
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

    def workspace_path(self, place: Place) -> str:
        return str(place.workspace)

    def enter(self) -> None:
        """Nothing is needed."""

    def leave(self) -> None:
        """Nothing was needed."""

    def begin(self, host_step: HostStep) -> Child:
        refused = _needs_container(host_step)
        if refused:
            raise InvalidInput(
                f"step {host_step.step.name!r} uses {refused}, which takes containers;"
                " run it with the executor docker, podman or kubernetes"
            )
        return LocalChild(host_step)

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


class LocalChild:
    """A step's processes, below a keeper that ends all of them, see `keeper`."""

    def __init__(self, host_step: HostStep) -> None:
        self._host_step = host_step
        arguments = ["/bin/sh", "-c", _prologue(host_step), "sh", *argument_list(host_step.step)]
        try:
            order = keeper.encode(
                str(host_step.place.workspace), arguments, step_environment(host_step)
            )
        except ValueError as error:
            raise self._refusal(str(error)) from error
        self.output, write = os.pipe()
        try:
            self._keeper = subprocess.Popen(
                isolated_python.command(keeper),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=write,
                cwd="/",
                # Whoever looks for the driver by its environment does not find the keeper.
                env={name: os.environ[name] for name in _KEEPER_NEEDS if name in os.environ},
                start_new_session=True,
            )
        except OSError as error:
            os.close(self.output)
            raise self._refusal(str(error)) from error
        finally:
            os.close(write)
        self._tell(order)
        begun = self._line()
        if begun[0] != "begun":
            self._end_keeper()
            os.close(self.output)
            raise self._refusal(" ".join(begun[1:]) or "its keeper was killed")
        self._process = int(begun[1])

    def terminate(self) -> None:
        self._tell(keeper.TERMINATE)

    def kill(self) -> None:
        self._tell(keeper.KILL)

    def wait(self, seconds: float) -> bool:
        try:
            self._keeper.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def finish(self) -> Ending:
        ended = self._end_keeper()
        if ended[0] == "ended":
            return ending_of(int(ended[1]))
        processes.end_step(self._host_step.run.uid, self._host_step.step.name, self._process)
        message = "what keeps the step's processes together was killed, maybe by one of them"
        return Ending(None, KEEPER_KILLED, message)

    def _tell(self, content: bytes) -> None:
        """Whoever has ended need not be told; what it has said is read at the end."""
        if self._keeper.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._keeper.stdin.write(content)
                self._keeper.stdin.flush()

    def _line(self) -> list[str]:
        """The next thing that the keeper says; empty words where it has been killed."""
        line = self._keeper.stdout.readline() if self._keeper.stdout is not None else b""
        return line.decode(errors="replace").split() or [""]

    def _end_keeper(self) -> list[str]:
        if self._keeper.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._keeper.stdin.close()
        last = self._line()
        self._keeper.wait()
        if self._keeper.stdout is not None:
            self._keeper.stdout.close()
        return last

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
