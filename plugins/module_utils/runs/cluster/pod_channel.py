"""Two ways to run a command in a container of ours, each with its own right."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, BinaryIO, Protocol

from ...core.errors import Conflict, InvalidInput, Timeout, Unavailable
from ...kube.connection import MERGE_PATCH, METADATA, Client
from ...kube.exec import ExecResult, OutputTooLarge, Sink, execute
from ...kube.kinds import POD
from ...kube.log_decoder import LogPosition
from ...kube.logs import LogFollower, LogSource, container_ended
from ...kube.resources import Resources
from ...pipeline.container import Manifest
from ...pipeline.pod import WORD_FOR
from ...pipeline.pod_status import is_deleted

AGAIN_SECONDS = 10.0
"""After how long without an answer it is looked whether a word has come to nothing."""
_PLACES = 256
_BLOCK = 1024 * 1024


class Channel(Protocol):
    """Runs commands in the containers of the pods of one namespace."""

    def run(
        self,
        pod: Manifest,
        container: str,
        command: Sequence[str],
        *,
        stdin: bytes | BinaryIO | Iterable[bytes] | None = None,
        stdout: Sink | None = None,
        timeout: float = 60.0,
        output_limit: int = 1024 * 1024,
    ) -> ExecResult:
        """Run it to its end, in so many seconds; its output goes to `stdout` as it comes, or into
        the result. `output_limit`: bytes.

        Raises Conflict or NotFound where the container or its pod is no more, Timeout,
        OutputTooLarge, Denied, and Unavailable where it may work later.
        """


class ExecChannel:
    """By exec, which takes in files too."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    def run(self, pod: Manifest, container: str, command: Sequence[str], **how: Any) -> ExecResult:
        name = pod["metadata"]["name"]
        return execute(self._client, self._namespace, name, container, command, **how)


class WordChannel:
    """By a word to the pod, which the agent in it answers in its container's log.

    For where files go straight between pod and object store: what is to be said is short, and no
    right to exec is needed. Each call has a word of its own; should two drivers of a run write over
    each other's, they say it again. A word is an annotation of the pod, or goes to where the pod
    was told to look for it.
    """

    def __init__(
        self, client: Client, namespace: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._resources = Resources(client)
        self._namespace = namespace
        self._clock = clock
        # How far the logs are known: what was answered before need not be read again.
        self._places: dict[tuple[str, str], LogPosition] = {}
        self._posts: dict[str, Callable[[bytes], None]] = {}
        self._guard = threading.Lock()

    def run(
        self,
        pod: Manifest,
        container: str,
        command: Sequence[str],
        *,
        stdin: bytes | BinaryIO | Iterable[bytes] | None = None,
        stdout: Sink | None = None,
        timeout: float = 60.0,
        output_limit: int = 1024 * 1024,
    ) -> ExecResult:
        if not isinstance(stdin, bytes | None):
            raise InvalidInput("files cannot be sent to a pod by a word")
        name = pod["metadata"]["name"]
        what = f"run {command[0]} in {self._namespace}/{name}/{container}"
        identity = secrets.token_hex(8)
        word = {"id": identity, "command": list(command), "input": (stdin or b"").decode()}
        answer = _Answer(identity, stdout, output_limit, what)
        limit = self._clock() + timeout
        said_at = self._say(name, container, word)

        def over() -> bool:
            nonlocal said_at
            if self._clock() >= limit:
                return True
            if not answer.begun and self._clock() >= said_at + AGAIN_SECONDS:
                said_at = self._say(name, container, word)
            return self._has_ended(name, container)

        place = (name, container)
        follower = LogFollower(
            self._client,
            LogSource(self._namespace, name, container),
            position=self._places.get(place),
            ended=over,
            quiet=AGAIN_SECONDS,
        )
        try:
            for block in follower.blocks():
                answer.take(block)
                if answer.whole or self._clock() >= limit:
                    break
        finally:
            follower.stop()
            self._remember(place, follower.position)
        if answer.whole:
            return answer.result()
        if self._clock() >= limit:
            raise Timeout(f"cannot {what}: no end after {timeout:.0f} seconds")
        raise Conflict(f"cannot {what}: the container has ended")

    def redirect(self, pod: Manifest, post: Callable[[bytes], None]) -> None:
        """Words to this pod go to `post` from now on."""
        self._posts[pod["metadata"]["name"]] = post

    def redirect_no_more(self, pod: Manifest) -> None:
        self._posts.pop(pod["metadata"]["name"], None)

    def reaches(self, pod: Manifest) -> bool:
        """Whether the pod would hear a word: one on its way out is shown no annotation that comes
        then."""
        return not is_deleted(pod) or pod["metadata"]["name"] in self._posts

    def _remember(self, place: tuple[str, str], position: LogPosition) -> None:
        with self._guard:
            self._places.pop(place, None)
            self._places[place] = position
            if len(self._places) > _PLACES:
                del self._places[next(iter(self._places))]

    def _say(self, name: str, container: str, word: dict[str, Any]) -> float:
        """Write the word; the moment of that."""
        post = self._posts.get(name)
        if post is not None:
            post(json.dumps(word).encode())
            return self._clock()
        annotations = {WORD_FOR.format(container): json.dumps(word)}
        self._resources.patch(
            POD,
            name,
            {"metadata": {"annotations": annotations}},
            self._namespace,
            content_type=MERGE_PATCH,
            accept=METADATA,
        )
        return self._clock()

    def _has_ended(self, name: str, container: str) -> bool:
        found = self._resources.listing(POD, self._namespace, fields=f"metadata.name={name}")
        return not found.objects or container_ended(found.objects[0], container)


class _Answer:
    """What the log says of one word."""

    def __init__(self, name: str, stdout: Sink | None, limit: int, what: str) -> None:
        self.begun = False
        self.whole = False
        self._name = name
        self._kept = bytearray()
        self._sink: Sink = stdout or self._kept.extend
        self._limit = self._left = limit
        self._what = what
        self._rest = b""
        self._pieces = 0
        self._unpacker = zlib.decompressobj()
        self._end: dict[str, Any] = {}

    def take(self, block: bytes) -> None:
        *lines, self._rest = (self._rest + block).split(b"\n")
        for line in lines:
            try:
                said = json.loads(line)
                mine = said["id"] == self._name
            except (ValueError, TypeError, KeyError):
                continue  # The rest of a line whose beginning was read before.
            if mine:
                self._hear(said)

    def _hear(self, said: dict[str, Any]) -> None:
        self.begun = True
        if "code" in said:
            self._end, self.whole = said, True
            self._expect(said["pieces"])
        elif "out" in said:
            self._expect(said["piece"])
            self._pieces += 1
            piece = base64.b64decode(said["out"])
            while piece:
                # No more at once: little may stand for very much.
                self._pass_on(self._unpacker.decompress(piece, _BLOCK))
                piece = self._unpacker.unconsumed_tail

    def _expect(self, number: int) -> None:
        if number != self._pieces:
            raise Unavailable(f"cannot {self._what}: the node has lost some of its answer")

    def _pass_on(self, output: bytes) -> None:
        self._left -= len(output)
        if self._left < 0:
            raise OutputTooLarge(
                f"cannot {self._what}: it wrote more than the {self._limit} bytes allowed"
            )
        self._sink(output)

    def result(self) -> ExecResult:
        return ExecResult(self._end["code"], bytes(self._kept), self._end["err"].encode())
