"""Run a command in a container that runs, with its input, its output and its exit code."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from ..core.errors import C8sError, Conflict, InvalidInput, NotFound, Timeout, Unavailable
from .channels import STATUS, STDERR, STDIN, STDOUT, Channels, open_channels
from .connection import Client
from .encoding import decode
from .kinds import POD
from .network_faults import CutOff

_PIECE = 32 * 1024
# Input that waits to be sent: enough to keep the connection busy, little enough to hold in memory.
_AHEAD = 256 * 1024
_TICK_SECONDS = 0.5
_LAST_WORDS_SECONDS = 1.0
_NOT_FOUND = ("executable file not found", "no such file or directory", "not found in $PATH")
_NOT_RUNNABLE = ("permission denied", "exec format error", "is a directory")
_STOPPED = (
    *("container not found", "stopped container", "not running", "no running task found"),
    *("completed pod", "not in running state", "CONTAINER_EXITED"),
)

Sink = Callable[[bytes], object]


class OutputTooLarge(C8sError):
    """The command wrote more than was allowed; it was left at that."""


@dataclasses.dataclass(frozen=True, slots=True)
class ExecResult:
    """How the command ended.

    `exit_code` as a shell would say it: 126 could not be run, 127 does not exist (then `message`
    says why, and nothing ran), 128 + n ended by signal n (137: killed).
    """

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""
    message: str = ""

    @property
    def started(self) -> bool:
        """Whether the command ran at all."""
        return not self.message


def execute(
    client: Client,
    namespace: str,
    pod: str,
    container: str,
    command: Sequence[str],
    *,
    stdin: bytes | BinaryIO | Iterable[bytes] | None = None,
    stdout: Sink | None = None,
    stderr: Sink | None = None,
    timeout: float = 60.0,
    output_limit: int = 16 * 1024 * 1024,
    cancelled: threading.Event | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> ExecResult:
    """Run `command` (no shell) in the container and wait for its end.

    `stdin` (bytes, a file, or pieces) is sent as fast as it is taken and then closed. What the
    command writes goes to `stdout` and `stderr` as it comes; where there is no such function it
    is in the result. `output_limit` is in bytes for both together, whichever way they go.

    A command that ends without reading its input to the end does not end for the API (it waits to
    hand over the rest): run such a one with `; cat >/dev/null` behind it.

    Raises Timeout after `timeout` seconds (the command may go on: the API has no way to end it
    but to close its streams), OutputTooLarge, NotFound for no such pod, InvalidInput for a
    container that it does not have, Conflict for one that does not run, Denied, and CutOff or
    Unavailable when the end is not known. A container that ends while the command runs kills it.
    """
    what = f"run {command[0] if command else 'nothing'} in {namespace}/{pod}/{container}"
    query = [("container", container), ("stdout", "true"), ("stderr", "true")]
    if stdin is not None:
        query.append(("stdin", "true"))
    query += [("command", word) for word in command]
    limit = clock() + timeout
    output = _Output(stdout, stderr, output_limit, what)
    with _opened(client, POD.path(namespace, pod, "exec"), query, what) as channels:
        feed = _Feed(channels, stdin, what)
        end: bytes | None = None
        while not channels.ended:
            if clock() >= limit:
                if end is not None:
                    break
                raise Timeout(f"cannot {what}: no end after {timeout:.0f} seconds")
            if cancelled is not None and cancelled.is_set():
                raise Conflict(f"cannot {what}: it was cancelled")
            feed.fill()
            try:
                messages = channels.move(min(_TICK_SECONDS, max(0.0, limit - clock())))
            except CutOff:
                if end is None:
                    raise
                break
            for channel, data in messages:
                if channel == STATUS:
                    # Output may still be on its way; the server closes when all is said.
                    end, limit = data, min(limit, clock() + _LAST_WORDS_SECONDS)
                else:
                    output.take(channel, data)
    if end is None:
        raise Unavailable(f"cannot {what}: the server closed without saying how it ended")
    return _result(end, output, what)


def _opened(client: Client, path: str, query: list[tuple[str, str]], what: str) -> Channels:
    try:
        return open_channels(client, path, query, doing=what)
    except (InvalidInput, Unavailable) as error:
        # Node agents have no code of their own for it; they say it as an internal error.
        if any(words in error.message for words in _STOPPED):
            raise Conflict(error.message) from error
        raise


class _Feed:
    """Hands the input over as fast as the connection takes it."""

    def __init__(
        self, channels: Channels, source: bytes | BinaryIO | Iterable[bytes] | None, what: str
    ) -> None:
        self._channels = channels
        self._pieces = _pieces(source) if source is not None else iter(())
        self._open = source is not None
        if self._open and not channels.can_close_stdin:
            raise Unavailable(
                f"cannot {what}: the API server is too old to end a command's input "
                "(Kubernetes 1.30 or later is needed)"
            )

    def fill(self) -> None:
        while self._open and self._channels.unsent < _AHEAD:
            piece = next(self._pieces, None)
            if piece is None:
                self._open = False
                self._channels.close_channel(STDIN)
            else:
                self._channels.send(STDIN, piece)


class _Output:
    """Where the command's output goes."""

    def __init__(self, stdout: Sink | None, stderr: Sink | None, limit: int, what: str) -> None:
        self.kept: dict[int, bytearray] = {STDOUT: bytearray(), STDERR: bytearray()}
        self._sinks: dict[int, Sink] = {
            STDOUT: stdout or self.kept[STDOUT].extend,
            STDERR: stderr or self.kept[STDERR].extend,
        }
        self._limit = self._left = limit
        self._what = what

    def take(self, channel: int, data: bytes) -> None:
        if channel not in self._sinks or not data:
            return
        self._left -= len(data)
        if self._left < 0:
            raise OutputTooLarge(
                f"cannot {self._what}: it wrote more than the {self._limit} bytes allowed"
            )
        self._sinks[channel](data)


def _pieces(source: bytes | BinaryIO | Iterable[bytes]) -> Iterator[bytes]:
    if isinstance(source, bytes):
        view = memoryview(source)
        yield from (bytes(view[i : i + _PIECE]) for i in range(0, len(view), _PIECE))
    elif hasattr(source, "read"):
        while piece := source.read(_PIECE):
            yield piece
    else:
        for whole in source:
            yield from _pieces(bytes(whole))


def _result(data: bytes, output: _Output, what: str) -> ExecResult:
    try:
        status: dict[str, Any] = decode(data)
    except ValueError as error:
        raise Unavailable(f"cannot {what}: its end is no status: {data[:200]!r}") from error
    stdout, stderr = bytes(output.kept[STDOUT]), bytes(output.kept[STDERR])
    if status.get("status") == "Success":
        return ExecResult(0, stdout, stderr)
    message = str(status.get("message") or "no reason was given")
    if status.get("reason") == "NonZeroExitCode":
        causes = (status.get("details") or {}).get("causes") or ()
        for cause in causes:
            if cause.get("reason") == "ExitCode":
                return ExecResult(_number(cause.get("message"), what), stdout, stderr)
    code = _code_of_no_start(message)
    if code:
        return ExecResult(code, stdout, stderr, message)
    raise _fault(message, what)


def _number(text: object, what: str) -> int:
    if not str(text).isdecimal():
        raise Unavailable(f"cannot {what}: its exit code is {text!r}")
    return int(str(text))


def _code_of_no_start(message: str) -> int:
    """126 or 127 when the message says that the command itself can't be run, else 0."""
    if "exec failed" not in message and "executable" not in message:
        return 0
    if any(words in message for words in _NOT_FOUND):
        return 127
    return 126 if any(words in message for words in _NOT_RUNNABLE) else 0


def _fault(message: str, what: str) -> C8sError:
    said = f"cannot {what}: {message}"
    if "pod not found" in message:
        return NotFound(said)
    if any(words in message for words in _STOPPED):
        return Conflict(said)
    return InvalidInput(said) if "is not valid for pod" in message else Unavailable(said)
