"""Steps as plain processes of this host: the engine that needs nothing installed.

There is no container around them: they may do what the calling user may do. They get a workspace,
a home and a temporary folder of their own, a clean environment and a session of their own.
"""

from __future__ import annotations

import os
import signal
import subprocess

from ..core.errors import InvalidInput
from ..pipeline.environment import environment
from ..pipeline.script import argument_list
from . import processes
from .engine import Child, Ending, HostStep, Place

KEPT_VARIABLES = (
    "PATH", "LANG", "LANGUAGE", "LC_ALL", "TZ", "USER", "LOGNAME", "SHELL",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip

# exec keeps the process that leads the group; core files would hold secrets.
_LIMITED = '{marking}ulimit -c 0; {limits}exec "$@"'

_MARKS = processes.Marks()


class LocalEngine:
    """Starts each step as the leader of a process group of its own."""

    name = "local"
    warden_engine = ""

    def workspace_path(self, place: Place) -> str:
        return str(place.workspace)

    def check(self) -> None:
        """Nothing is needed."""

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
    """A step's process with its group."""

    def __init__(self, host_step: HostStep) -> None:
        self._run_id = host_step.run.uid
        self._step = host_step.step.name
        self._mark = _MARKS.take()
        read, write = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    "/bin/sh",
                    "-c",
                    _prologue(host_step, self._mark),
                    "sh",
                    *argument_list(host_step.step),
                ],
                cwd=host_step.place.workspace,
                env=step_environment(host_step),
                stdin=subprocess.DEVNULL,
                stdout=write,
                stderr=write,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            os.close(read)
            _MARKS.give_back(self._mark)
            raise InvalidInput(f"step {self._step!r} cannot be started: {error}") from error
        finally:
            os.close(write)
        self.output = read

    def terminate(self) -> None:
        processes.signal_group(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        processes.signal_group(self._process.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def finish(self) -> Ending:
        self.kill()
        status = self._process.wait()
        processes.end_orphans(self._run_id, self._step, self._mark)
        _MARKS.give_back(self._mark)
        return ending_of(status)


def _prologue(host_step: HostStep, mark: int) -> str:
    """Shell text that bounds the step before it becomes the step."""
    limits = host_step.step.limits
    lines = ""
    if limits and limits.memory is not None:
        lines += f"ulimit -v {int(limits.memory) // 1024}; "
    if limits and limits.ephemeral_storage is not None:
        lines += f"ulimit -f {int(limits.ephemeral_storage) // 512}; "
    return _LIMITED.format(marking=processes.marking(mark), limits=lines)


def ending_of(status: int) -> Ending:
    """From the exit status as Python gives it; a signal counts as 128 and its number."""
    if status >= 0:
        return Ending(status)
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    return Ending(128 - status, message=f"killed by {name}")
