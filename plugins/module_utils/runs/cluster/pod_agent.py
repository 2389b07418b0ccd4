"""Commands of ours in the containers beside a step: what they are to do comes on their input, and
so is on no command line."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any, BinaryIO

from ...core.errors import C8sError, Conflict, NotFound, Unavailable
from ...kube.connection import Client
from ...pipeline.container import Manifest
from ...pipeline.pod import CONTROL, WORKSPACE
from ...pipeline.pod_status import takes_words
from .pod_channel import Channel, ExecChannel, WordChannel

AGENT = ("python3", "-m", "c8s.agent")
CARRY_SECONDS = 1800.0
LISTEN_SECONDS = 3.0
ARTIFACT_LIMIT = 5 * 2**30
"""Bytes that the files of one artifact or cache may have, unpacked."""
LATER = 75
"""The agent's exit code for what may work when it is tried again."""
_KILLED = 137


class CarryFailed(C8sError):
    """What carries files beside a step ended badly; to ask again would change nothing."""


class ContainerEnded(C8sError):
    """The container of ours, or its pod, is no more; its status tells what came of it."""


class PodAgent:
    """The agent's containers in the pods of one namespace.

    Every call raises Unavailable where it may work later, CarryFailed where the command ends
    badly, ContainerEnded where its container does not run any more or ends meanwhile.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        self._by_exec = ExecChannel(client, namespace)
        self._by_word = WordChannel(client, namespace)

    def open_door(self, pod: Manifest, container: str, file: str) -> None:
        """Fill the file that a waiting container of ours looks at."""
        self._run(pod, container, ["sh", "-c", f"echo >{CONTROL}/{file}"])

    def pack(
        self,
        pod: Manifest,
        container: str,
        folder: str,
        paths: Sequence[str],
        target: IO[bytes],
        kind: str = "all",
    ) -> None:
        """Have an archive of what the globs name below a folder written to `target`."""
        words = [*AGENT, "pack", folder, kind]
        self._run(pod, container, words, stdin=_json(list(paths)), stdout=target)

    def unpack(
        self, pod: Manifest, container: str, folder: str, content: BinaryIO | Iterable[bytes]
    ) -> None:
        self._run(pod, container, [*AGENT, "unpack", folder], stdin=content)

    def upload(
        self,
        pod: Manifest,
        container: str,
        folder: str,
        paths: Sequence[str],
        address: str,
        authorities: str,
        kind: str = "all",
    ) -> int:
        """Have such an archive written to a signed address; how many members it has. Without any
        nothing is written."""
        wanted = {"paths": list(paths), "address": address, "authorities": authorities}
        words = [*AGENT, "upload", folder, kind]
        return int(self._answer(pod, container, words, _json(wanted)))

    def download(
        self, pod: Manifest, container: str, folder: str, address: str, authorities: str
    ) -> None:
        """Have the archive at a signed address unpacked below a folder."""
        wanted = {"address": address, "authorities": authorities}
        self._run(pod, container, [*AGENT, "download", folder], stdin=_json(wanted))

    def digest(self, pod: Manifest, container: str, globs: Sequence[str]) -> str:
        """The digest of the files of the workspace that the globs name."""
        return self._answer(pod, container, [*AGENT, "digest", WORKSPACE], _json(list(globs)))

    def listen(self, pod: Manifest, container: str, address: str, authorities: str) -> None:
        """Have a container that takes words look for them at a signed address, too."""
        wanted = {"address": address, "authorities": authorities}
        words = [*AGENT, "listen", f"{CONTROL}/listen"]
        self._run(pod, container, words, stdin=_json(wanted), timeout=LISTEN_SECONDS)

    @contextlib.contextmanager
    def telling(self, pod: Manifest, post: Callable[[bytes], None]) -> Iterator[None]:
        """Meanwhile words to this pod, which listens, go to `post`."""
        self._by_word.redirect(pod, post)
        try:
            yield
        finally:
            self._by_word.redirect_no_more(pod)

    def _channel(self, pod: Manifest, stdin: bytes | BinaryIO | Iterable[bytes] | None) -> Channel:
        """As the pod was made, whoever has made it. Files to a pod are more than a word."""
        by_word = takes_words(pod) and isinstance(stdin, bytes | None)
        return self._by_word if by_word and self._by_word.reaches(pod) else self._by_exec

    def _answer(self, pod: Manifest, container: str, command: list[str], wanted: bytes) -> str:
        with tempfile.TemporaryFile() as stream:
            self._run(pod, container, command, stdin=wanted, stdout=stream)
            stream.seek(0)
            return stream.read().decode().strip()

    def _run(
        self,
        pod: Manifest,
        container: str,
        command: list[str],
        *,
        stdin: bytes | BinaryIO | Iterable[bytes] | None = None,
        stdout: IO[bytes] | None = None,
        timeout: float = CARRY_SECONDS,
    ) -> None:
        name = pod["metadata"]["name"]
        channel = self._channel(pod, stdin)
        sink = stdout.write if stdout is not None else None
        try:
            result = channel.run(
                pod, container, command,
                stdin=stdin, stdout=sink, timeout=timeout, output_limit=ARTIFACT_LIMIT,
            )  # fmt: skip
            if result.exit_code == 0:
                return
            if result.exit_code == _KILLED:
                # Was it killed alone, or with its container?
                channel.run(pod, container, ["true"])
        except (Conflict, NotFound) as error:
            raise ContainerEnded(error.message) from error
        verb = command[len(AGENT)] if command[: len(AGENT)] == [*AGENT] else command[0]
        said = result.message or result.stderr.decode(errors="replace").strip() or "no word why"
        fault = f"{verb} in {name}/{container} failed with code {result.exit_code}: {said}"
        raise Unavailable(fault) if result.exit_code == LATER else CarryFailed(fault)


def _json(wanted: Any) -> bytes:
    return json.dumps(wanted).encode()
