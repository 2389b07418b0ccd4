"""The logs of several steps in one stream, each line behind the name of its step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

from ..terminal import coloured

if TYPE_CHECKING:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.report.log_stream import LogPart

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_LEAST_WIDTH = 12


class Joined:
    """Writes whole lines, as the bytes they are; what is not a line yet waits for its end.

    `run` is the one that was asked for: its own steps are named without it.
    """

    def __init__(self, stream: IO[str], run: str) -> None:
        self._buffer = stream.buffer  # type: ignore[attr-defined]
        self._coloured = coloured(stream)
        self._run = run
        self._rests: dict[str, bytes] = {}
        self._width = _LEAST_WIDTH

    def put(self, part: LogPart) -> None:
        """Write the lines that a part completes."""
        name = part.step if part.run == self._run else f"{part.run}/{part.step}"
        *lines, rest = (self._rests.get(name, b"") + part.content).split(b"\n")
        self._rests[name] = rest
        self._write(name, lines)

    def finish(self) -> None:
        """Write what was left without a newline."""
        for name, rest in self._rests.items():
            if rest:
                self._write(name, [rest])

    def _write(self, name: str, lines: Iterable[bytes]) -> None:
        self._width = max(self._width, len(name))
        prefix = f"{name:<{self._width}} |"
        if self._coloured:
            colour = _COLOURS[list(self._rests).index(name) % len(_COLOURS)]
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        head = prefix.encode() + b" "
        self._buffer.write(b"".join(head + line + b"\n" for line in lines))
