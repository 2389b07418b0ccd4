"""Values from the events of PyYAML's parser.

The text is read event by event (by libyaml where PyYAML has it), never by recursion: depth and what
aliases add are bounded while reading, so no text can exhaust the stack or the memory.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from .errors import Unavailable
from .tree import DEPTH_LIMIT, Boolean, Number, Path, Tree, shown, unusable

ALIAS_LIMIT = 200_000
FAULT_LIMIT = 100

_BEGINS_OTHER_THAN_TEXT = frozenset(["", *"+-.0123456789tTfFnN~"])
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BOOLEANS = frozenset(["true", "True", "TRUE", "false", "False", "FALSE"])
_NULLS = frozenset(["", "~", "null", "Null", "NULL"])
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


class Stop(Exception):
    """Something at an offset that the text should not hold; raised where reading cannot go on."""

    def __init__(self, message: str, offset: int, suggestion: str = "", path: Path = ()) -> None:
        super().__init__(message)
        self.message, self.offset = message, offset
        self.suggestion, self.path = suggestion, path


class Library(NamedTuple):
    """What is used of PyYAML."""

    parser: Callable[[str], Any]
    python_parser: Callable[[str], Any]
    events: Any
    marked_error: type[Exception]
    error: type[Exception]


@functools.cache
def library() -> Library:
    """PyYAML, looked for where it is needed: a module may be loaded where there is none."""
    try:
        import yaml
    except ImportError as error:
        raise Unavailable("PyYAML is not installed where this runs; install it") from error

    class PythonParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
        """PyYAML's own parser, where libyaml is missing."""

        def __init__(self, text: str) -> None:
            yaml.reader.Reader.__init__(self, text)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)

    parser: Any = PythonParser
    if yaml.__with_libyaml__:
        import yaml.cyaml

        parser = yaml.cyaml.CParser  # type: ignore[attr-defined]
    return Library(parser, PythonParser, yaml.events, yaml.MarkedYAMLError, yaml.YAMLError)


class Composer:
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
        self.faults: list[Stop] = []
        self._node: list[Tree] | dict[str, Tree] | None = None
        self._key: str | None = None
        self._key_offset = 0
        self._outer: list[tuple[Any, str | None, str | None, int]] = []
        self._merges: dict[int, list[Tree]] = {}
        self._anchors: dict[str, tuple[Tree, int]] = {}
        self._count = self._aliased = 0

    def compose(self) -> None:
        """Fill `root`; Stop where the text is no YAML or goes past a bound."""
        found = library()
        parser = found.parser(self.text)
        try:
            self._read(parser.get_event, found.events)
        except found.marked_error as error:
            raise _syntax_stop(error, self.text) from None
        except (found.error, ValueError, OverflowError) as error:
            # The parser in Python lets an escape beyond Unicode through to chr().
            raise Stop(f"this is no YAML: {error}", 0) from None

    def _read(self, get_event: Callable[[], Any], events: Any) -> None:
        scalar, alias = events.ScalarEvent, events.AliasEvent
        opening = {events.MappingStartEvent: dict, events.SequenceStartEvent: list}
        closing = (events.MappingEndEvent, events.SequenceEndEvent)
        documents = 0
        while True:
            event = get_event()
            kind = type(event)
            if kind is scalar:
                self._count += 1
                if self._key is None and isinstance(self._node, dict):
                    self._begin_entry(event)
                else:
                    self._put(self._scalar(event), event)
            elif kind in opening:
                self._count += 1
                self._open(opening[kind](), event)
            elif kind in closing:
                self._close()
            elif kind is alias:
                self._put(self._alias(event), event)
            elif kind is events.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    offset = event.start_mark.index
                    raise Stop("a second document begins here; a file holds one", offset)
            elif kind is events.StreamEndEvent:
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
        if isinstance(node, dict):
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
        elif isinstance(node, list):
            if self.marking:
                self.marks.setdefault(id(node), []).append(event.start_mark.index)
            node.append(value)
        else:
            self.root, self.begin = value, event.start_mark.index

    def _open(self, node: list[Tree] | dict[str, Tree], event: Any) -> None:
        if len(self._outer) >= DEPTH_LIMIT:
            raise Stop(f"nested more than {DEPTH_LIMIT} deep", event.start_mark.index)
        if event.tag is not None:
            self._check_tag(event)
        key = self._key
        self._put(node, event)
        self._outer.append((self._node, key, event.anchor, self._count))
        self._node, self._key = node, None

    def _close(self) -> None:
        node = self._node
        self._node, key, anchor, before = self._outer.pop()
        self._key = _NO_KEY if key is None and isinstance(self._node, dict) else None
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
            raise Stop(f"the alias *{name[:40]} {reason}", offset, hint)
        value, size = self._anchors[name]
        self._count += size
        self._aliased += size
        if self._aliased > ALIAS_LIMIT:
            raise Stop(f"aliases add more than {ALIAS_LIMIT} values", offset)
        return value

    def _merge(self, node: Any, merged: Tree, offset: int) -> None:
        """Add what `node` does not have itself; of several mappings the first wins."""
        for source in merged if isinstance(merged, list) else [merged]:
            if not isinstance(source, dict):
                self._note(Stop("<< takes a mapping or a list of mappings", offset))
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
        self._note(Stop(message, event.start_mark.index, suggestion, tuple(path)))

    def _note(self, fault: Stop) -> None:
        if len(self.faults) == FAULT_LIMIT:
            raise Stop(f"more than {FAULT_LIMIT} faults of this kind: {fault}", fault.offset)
        self.faults.append(fault)


def _resolved(value: str) -> Tree:
    """A plain scalar by the core schema."""
    if value in _NULLS:
        return None
    if value in _BOOLEANS:
        return Boolean(value)
    return Number(value) if _NUMBER.fullmatch(value) else value


def _syntax_stop(error: Any, text: str) -> Stop:
    problem, context = error.problem or "this is no YAML", error.context or ""
    mark = error.problem_mark or error.context_mark
    offset = mark.index if mark else 0
    said = f"{problem} {context}".strip()
    at_tab = text[offset : offset + 1] == "\t"
    hint = next((hint for part, hint in _HINTS if part in said), "")
    return Stop(said, offset, _NO_TABS if at_tab else hint)
