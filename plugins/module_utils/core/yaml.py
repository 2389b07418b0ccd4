"""YAML to plain values: bounded, with positions, and with scalars as they were written.

The text is read event by event (by libyaml where PyYAML has it), never by recursion: depth, size
and what aliases add are bounded while reading, so no text can exhaust the stack or the memory.

Scalars follow the core schema of YAML 1.2: `yes`, `on` and `1:30` are text. Numbers and booleans
keep the text that was written, because only the reader of a field knows whether it wants one.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from .errors import InvalidInput, Problem
from .tree import DEPTH_LIMIT, Boolean, Number, Path, Tree, path_text, shown, unusable

SIZE_LIMIT = 1024 * 1024
ALIAS_LIMIT = 200_000
FAULT_LIMIT = 100

_BEGINS_OTHER_THAN_TEXT = frozenset(["", *"+-.0123456789tTfFnN~"])
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BOOLEANS = frozenset(["true", "True", "TRUE", "false", "False", "FALSE"])
_NULLS = frozenset(["", "~", "null", "Null", "NULL"])
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STANDARD_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))
_MERGE = "<<"
# Told from the same text in quotes by identity.
_MERGE_KEY: Final = "".join(("<", "<"))
_NO_KEY: Final = "".join(("no ", "key"))

_NO_TABS = "indent with blanks: YAML takes no tabs"
# What the parser says, and what it nearly always means.
_HINTS = (
    ("tab character", _NO_TABS),
    ("mapping values are not allowed", "text that holds ': ' needs quotes"),
    ("alphabetic or numeric character", "text that begins with * or & needs quotes"),
    ("undefined alias", "text that begins with * needs quotes"),
    ("cannot start any token", "text that begins with @, ` or % needs quotes"),
    ("a tag", "text that begins with ! needs quotes"),
    ("undefined tag handle", "text that begins with ! needs quotes"),
    ("escape", "a \\ in double quotes begins an escape; use single quotes"),
    ("quoted scalar", "a quote that opens must also close"),
    ("expected ':'", "a key needs a ':' behind it"),
    ("block mapping", "keys of one mapping begin in the same column"),
    ("block collection", "items of one list begin in the same column"),
    ("flow sequence", "a [ needs its ], and commas between the items"),
    ("flow mapping", "a { needs its }, and commas between the entries"),
)


@dataclasses.dataclass(frozen=True)
class Source:
    """A text that is YAML, and the value in it. `problems` tell what it should not hold."""

    text: str
    file: str
    root: Tree
    problems: tuple[Problem, ...] = ()

    @functools.cached_property
    def _marked(self) -> _Composer:
        """The same value once more, with offsets: they are wanted only where there are faults."""
        composer = _Composer(self.text, marking=True)
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
    composer = _Composer(text)
    try:
        composer.compose()
    except _Stop as stop:
        raise InvalidInput(_problem(Source(text, file, None), stop)) from None
    source = Source(text, file, composer.root)
    problems = tuple(_problem(source, fault) for fault in composer.faults)
    return dataclasses.replace(source, problems=problems)


class _Stop(Exception):
    """Something at an offset that the text should not hold; raised where reading cannot go on."""

    def __init__(self, message: str, offset: int, suggestion: str = "", path: Path = ()) -> None:
        super().__init__(message)
        self.message, self.offset = message, offset
        self.suggestion, self.path = suggestion, path


def _problem(source: Source, fault: _Stop) -> Problem:
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


class _PythonParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """PyYAML's own parser, where libyaml is missing."""

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)


_Parser: Any = _PythonParser
if yaml.__with_libyaml__:
    import yaml.cyaml

    _Parser = yaml.cyaml.CParser  # type: ignore[attr-defined]


class _Composer:
    """Makes the value from the parser's events. `marks`: offsets by the identity of the holder.

    While it works, `_node` is the list or mapping being filled (None: the document itself) and
    `_key` the key that waits for its value. `_outer` holds those around it, with the anchor and
    the count of values at which what is being filled began.
    """

    def __init__(self, text: str, *, marking: bool = False) -> None:
        self.text, self.marking = text, marking
        self.root: Tree = None
        self.begin = 0
        self.marks: dict[int, Any] = {}
        self.faults: list[_Stop] = []
        self._node: list[Tree] | dict[str, Tree] | None = None
        self._key: str | None = None
        self._key_offset = 0
        self._outer: list[tuple[Any, str | None, str | None, int]] = []
        self._merges: dict[int, list[Tree]] = {}
        self._anchors: dict[str, tuple[Tree, int]] = {}
        self._count = self._aliased = 0

    def compose(self) -> None:
        """Fill `root`; _Stop where the text is no YAML or goes past a bound."""
        parser = _Parser(self.text)
        try:
            self._read(parser.get_event)
        except yaml.MarkedYAMLError as error:
            raise _syntax_stop(error, self.text) from None
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # The parser in Python lets an escape beyond Unicode through to chr().
            raise _Stop(f"this is no YAML: {error}", 0) from None

    def _read(self, get_event: Callable[[], Any]) -> None:
        documents = 0
        while True:
            event = get_event()
            kind = type(event)
            if kind is ScalarEvent:
                self._count += 1
                if self._key is None and type(self._node) is dict:
                    self._begin_entry(event)
                else:
                    self._put(self._scalar(event), event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._count += 1
                self._open({} if kind is MappingStartEvent else [], event)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close()
            elif kind is AliasEvent:
                self._put(self._alias(event), event)
            elif kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    offset = event.start_mark.index
                    raise _Stop("a second document begins here; a file holds one", offset)
            elif kind is StreamEndEvent:
                return

    def _begin_entry(self, event: Any) -> None:
        key = event.value
        plain_merge = key == _MERGE and event.implicit[0]
        if fault := unusable(key):
            self._fault(f"a key {fault}", event)
        if key in self._node and not plain_merge:  # type: ignore[operator]
            self._fault(f"the key {shown(key)} is here twice", event, key)
        self._key = _MERGE_KEY if plain_merge else key
        self._key_offset = event.start_mark.index
        if event.anchor:
            self._anchors[event.anchor] = (key, 1)

    def _put(self, value: Tree, event: Any) -> None:
        node = self._node
        if type(node) is dict:
            key = self._key
            if key is None:
                self._fault("a key must be text, not a list, a mapping or an alias", event)
                self._key = _NO_KEY
                return
            self._key = None
            if key is _NO_KEY:
                return
            if key is _MERGE_KEY:
                self._merges.setdefault(id(node), []).append((value, event.start_mark.index))
                return
            if self.marking:
                marks = self.marks.setdefault(id(node), {})
                marks.setdefault(key, (self._key_offset, event.start_mark.index))
            node.setdefault(key, value)
        elif type(node) is list:
            if self.marking:
                self.marks.setdefault(id(node), []).append(event.start_mark.index)
            node.append(value)
        else:
            self.root, self.begin = value, event.start_mark.index

    def _open(self, node: list[Tree] | dict[str, Tree], event: Any) -> None:
        if len(self._outer) >= DEPTH_LIMIT:
            raise _Stop(f"nested more than {DEPTH_LIMIT} deep", event.start_mark.index)
        if event.tag is not None:
            self._check_tag(event)
        key = self._key
        self._put(node, event)
        self._outer.append((self._node, key, event.anchor, self._count))
        self._node, self._key = node, None

    def _close(self) -> None:
        node = self._node
        self._node, key, anchor, before = self._outer.pop()
        self._key = _NO_KEY if key is None and type(self._node) is dict else None
        for merged, offset in self._merges.pop(id(node), ()):
            self._merge(node, merged, offset)
        if anchor:
            self._anchors[anchor] = (node, self._count - before + 1)

    def _alias(self, event: Any) -> Tree:
        name, offset = event.anchor, event.start_mark.index
        if name not in self._anchors:
            inside = any(anchor == name for _node, _key, anchor, _before in self._outer)
            reason = "stands inside what it repeats" if inside else "repeats nothing above it"
            hint = "" if inside else "text that begins with * needs quotes"
            raise _Stop(f"the alias *{name[:40]} {reason}", offset, hint)
        value, size = self._anchors[name]
        self._count += size
        self._aliased += size
        if self._aliased > ALIAS_LIMIT:
            raise _Stop(f"aliases add more than {ALIAS_LIMIT} values", offset)
        return value

    def _merge(self, node: Any, merged: Tree, offset: int) -> None:
        """Add what `node` does not have itself; of several mappings the first wins."""
        for source in merged if isinstance(merged, list) else [merged]:
            if not isinstance(source, dict):
                self._note(_Stop("<< takes a mapping or a list of mappings", offset))
                continue
            for key, value in source.items():
                if key not in node:
                    node[key] = value
                    if self.marking:
                        marks = self.marks.setdefault(id(node), {})
                        marks[key] = self.marks[id(source)][key]

    def _scalar(self, event: Any) -> Tree:
        value: str = event.value
        if event.implicit[0]:
            if value[:1] in _BEGINS_OTHER_THAN_TEXT:
                value = _resolved(value)
        else:
            if event.tag is not None:
                self._check_tag(event)
            if fault := unusable(value):
                self._fault(fault, event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        return value

    def _check_tag(self, event: Any) -> None:
        if event.tag in _STANDARD_TAGS or event.tag == "!":
            return
        tag = event.tag.replace("tag:yaml.org,2002:", "!!", 1)
        hint = "text that begins with ! needs quotes"
        self._fault(f"the tag {shown(tag)} has no meaning here", event, suggestion=hint)

    def _fault(self, message: str, event: Any, key: str = "", suggestion: str = "") -> None:
        path: list[str | int] = []
        for node, node_key, _anchor, _before in self._outer[1:]:
            path.append(len(node) - 1 if isinstance(node, list) else str(node_key))
        if isinstance(self._node, list):
            path.append(len(self._node))
        elif self._key is not None:
            path.append(str(self._key))
        path += [key] if key else []
        self._note(_Stop(message, event.start_mark.index, suggestion, tuple(path)))

    def _note(self, fault: _Stop) -> None:
        if len(self.faults) == FAULT_LIMIT:
            raise _Stop(f"more than {FAULT_LIMIT} faults of this kind: {fault}", fault.offset)
        self.faults.append(fault)


def _resolved(value: str) -> Tree:
    """A plain scalar by the core schema."""
    if value in _NULLS:
        return None
    if value in _BOOLEANS:
        return Boolean(value)
    return Number(value) if _NUMBER.fullmatch(value) else value


def _syntax_stop(error: yaml.MarkedYAMLError, text: str) -> _Stop:
    problem, context = error.problem or "this is no YAML", error.context or ""
    mark = error.problem_mark or error.context_mark
    offset = mark.index if mark else 0
    said = f"{problem} {context}".strip()
    at_tab = text[offset : offset + 1] == "\t"
    hint = next((hint for part, hint in _HINTS if part in said), "")
    return _Stop(said, offset, _NO_TABS if at_tab else hint)
