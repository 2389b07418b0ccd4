"""Docker and podman by their command line, which is the same as far as it is used here.

Arguments are lists, never a shell's text. What an engine says to its standard error comes back as
`words`, for people to read.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..core.errors import C8sError, NotFound, Unavailable

CALL_SECONDS = 60.0
"""How long an engine may take to answer anything but a pull."""

_POLL_SECONDS = 0.1
_KEPT_LINES = 5
_PREFIX = re.compile(r"^(?:docker: |Error response from daemon: |Error: |Cannot kill container: )+")
_NOISE = re.compile(r"^(?:See 'docker|Run 'docker|Usage: |Resource limits are not supported)")


class CallGivenUp(C8sError):
    """The caller lost interest before the engine had answered."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What an engine's program ended with, and wrote to its two streams."""

    code: int
    output: str
    said: str = ""

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def words(self) -> str:
        """What it said, for people."""
        return words_of(self.said) or f"exit code {self.code}"


@dataclasses.dataclass(frozen=True, slots=True)
class EngineFacts:
    """What there is to know of an engine before it is used.

    `rootless`: it has no more rights than the calling user, who is root in its containers.
    `remapped`: users of containers are others on the host. `labels`: SELinux confines containers.
    """

    rootless: bool = False
    remapped: bool = False
    labels: bool = False
    cgroup_version: int = 2
    cpus: int = 1


def never() -> bool:
    return False


class EngineClient:
    """Calls the program `docker` or `podman`, or another that takes the same arguments."""

    def __init__(self, program: str) -> None:
        self.program = program

    def command(self, *arguments: str) -> list[str]:
        """The whole argument list of a call."""
        return [self.program, "--log-level", "error", *arguments]

    def call(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        given_up: Callable[[], bool] = never,
        seconds: float = CALL_SECONDS,
        folder: pathlib.Path | None = None,
    ) -> Answer:
        """What the engine answers within that many seconds; `env` as in `subprocess.Popen`.

        `folder` is where its program runs, if not in the caller's.

        Raises Unavailable where it cannot be asked or does not answer, CallGivenUp once
        `given_up` says so.
        """
        deadline = time.monotonic() + seconds
        try:
            process = subprocess.Popen(
                self.command(*arguments),
                env=env,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"{self.program} cannot be started: {error}") from error
        while True:
            try:
                output, said = process.communicate(timeout=_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                late = time.monotonic() > deadline
                if late or given_up():
                    process.kill()
                    process.communicate()
                    if late:
                        raise Unavailable(
                            f"`{self.program} {arguments[0]}` did not answer within {seconds:g} s"
                        ) from None
                    raise CallGivenUp(f"`{self.program} {arguments[0]}` was given up") from None
        return Answer(
            process.returncode, output.decode(errors="replace"), said.decode(errors="replace")
        )

    def facts(self, seconds: float = CALL_SECONDS) -> EngineFacts:
        """What the engine is; Unavailable, with what to do, where it does not work in time."""
        if shutil.which(self.program) is None:
            raise Unavailable(
                f"there is no program {self.program!r} on the PATH; install {self.program} or use"
                " another executor (local needs nothing installed)"
            )
        answer = self.call("info", "--format", "{{json .}}", seconds=seconds)
        try:
            found = json.loads(answer.output) if answer.ok else {}
        except ValueError:
            found = {}
        faults = found.get("ServerErrors") or []
        if not found or faults:
            said = "; ".join(faults) or ("`info` gives no JSON" if answer.ok else answer.words)
            raise Unavailable(f"{self.program} does not work: {said} ({self._advice()})")
        return facts_of(found)

    def fetch(self, image: str, given_up: Callable[[], bool] = never) -> str:
        """The name by which an image can be used, pulled where it is not here yet.

        Raises NotFound with the engine's words where there is no such image to be had.
        """
        if self.call("image", "inspect", "--format", "{{.Id}}", image).ok:
            return image
        name = full_name(image)
        answer = self.call("pull", "--quiet", name, given_up=given_up, seconds=float("inf"))
        if answer.ok:
            return name
        self.facts()
        raise NotFound(f"image {image!r} is not here and cannot be pulled: {answer.words}")

    def _advice(self) -> str:
        if self.program == "podman":
            return "`podman info` has to work for this user"
        return (
            "is the daemon running, may this user open its socket, does DOCKER_HOST or the docker"
            " context name the right one?"
        )


def words_of(said: str) -> str:
    """The end of what an engine said to its standard error, without its own decoration."""
    lines = [_PREFIX.sub("", line.strip()) for line in said.splitlines()]
    kept = [line for line in lines if line and not _NOISE.match(line)]
    return "; ".join(kept[-_KEPT_LINES:])


def facts_of(info: Mapping[str, Any]) -> EngineFacts:
    """Facts out of the JSON of `docker info` or `podman info`."""
    if "host" in info:
        host = info["host"]
        security = host.get("security", {})
        return EngineFacts(
            rootless=bool(security.get("rootless")),
            labels=bool(security.get("selinuxEnabled")),
            cgroup_version=_number(host.get("cgroupVersion")),
            cpus=int(host.get("cpus") or 1),
        )
    options = " ".join(info.get("SecurityOptions") or [])
    return EngineFacts(
        rootless="name=rootless" in options,
        remapped="name=userns" in options,
        labels="name=selinux" in options,
        cgroup_version=_number(info.get("CgroupVersion")),
        cpus=int(info.get("NCPU") or 1),
    )


def full_name(image: str) -> str:
    """The image's name with its registry: `busybox` is `docker.io/library/busybox`.

    Docker takes it so by itself; podman asks or refuses, depending on its configuration.
    """
    first, slash, _rest = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return image
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"


def _number(version: object) -> int:
    return int(str(version or "2").lstrip("v"))
