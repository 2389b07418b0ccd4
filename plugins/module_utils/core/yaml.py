"""YAML to plain values: bounded, with positions, and with scalars as they were written.

Scalars follow the core schema of YAML 1.2: `yes`, `on` and `1:30` are text. Numbers and booleans
keep the text that was written, because only the reader of a field knows whether it wants one.
"""

from __future__ import annotations

import dataclasses
import functools
import re

from .composer import Composer, Stop
from .errors import InvalidInput, Problem
from .tree import Path, Tree, path_text

SIZE_LIMIT = 1024 * 1024

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclasses.dataclass(frozen=True)
class Source:
    """A text that is YAML, and the value in it. `problems` tell what it should not hold."""

    text: str
    file: str
    root: Tree
    problems: tuple[Problem, ...] = ()

    @functools.cached_property
    def _marked(self) -> Composer:
        """The same value once more, with offsets: they are wanted only where there are faults."""
        composer = Composer(self.text, marking=True)
        composer.compose()
        return composer

    def offset(self, path: Path, *, key: bool = False) -> int:
        """Where the value at `path` (or its key) begins; of its nearest holder if it is absent."""
        composer = self._marked
        node, begin = composer.root, composer.begin
        for depth, part in enumerate(path):
            if isinstance(node, dict) and part in node:
                marks = composer.marks[id(node)][part]
                begin = marks[0] if key and depth == len(path) - 1 else marks[1]
                node = node[str(part)]
            elif isinstance(node, list) and isinstance(part, int) and part < len(node):
                begin = composer.marks[id(node)][part]
                node = node[part]
            else:
                break
        return begin

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of an offset in characters."""
        offset = min(offset, len(self.text))
        line = self.text.count("\n", 0, offset) + 1
        return line, offset - self.text.rfind("\n", 0, offset)


def parse(text: str | bytes, file: str = "") -> Source:
    """The value of a YAML text of one document, at most 1 MiB of UTF-8.

    Raises InvalidInput where it cannot be read at all. What can be read around (duplicate keys,
    tags, keys that are no text) is left in `problems`, for the caller to report with its own.
    """
    text = _decoded(text, file)
    composer = Composer(text)
    try:
        composer.compose()
    except Stop as stop:
        raise InvalidInput(_problem(Source(text, file, None), stop)) from None
    source = Source(text, file, composer.root)
    problems = tuple(_problem(source, fault) for fault in composer.faults)
    return dataclasses.replace(source, problems=problems)


def _problem(source: Source, fault: Stop) -> Problem:
    line, column = source.place(fault.offset)
    path = path_text(fault.path)
    return Problem(fault.message, path, source.file, line, column, fault.suggestion)


def _decoded(text: str | bytes, file: str) -> str:
    """The text without a byte order mark; InvalidInput for what is not UTF-8 or too large."""
    size = len(text) if isinstance(text, bytes) or text.isascii() else _size(text)
    if size > SIZE_LIMIT:
        message = "the file is larger than 1 MiB, the most that is read"
        raise InvalidInput(Problem(message, "", file))
    decoded = _from_utf8(text, file) if isinstance(text, bytes) else text
    decoded = decoded.removeprefix("\ufeff")
    match = _UNPRINTABLE.search(decoded)
    if match:
        line, column = Source(decoded, file, None).place(match.start())
        message = f"character U+{ord(match[0]):04X} is not allowed in YAML"
        raise InvalidInput(Problem(message, "", file, line, column))
    return decoded


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _from_utf8(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line, column = Source(before, file, None).place(len(before))
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise InvalidInput(Problem(message, "", file, line, column)) from None
