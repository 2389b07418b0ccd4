"""Values as a file or a caller gives them, before anybody has judged them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from .errors import InvalidInput, Problem

DEPTH_LIMIT = 50

Path: TypeAlias = "tuple[str | int, ...]"
Tree = Any  # None | str | Number | Boolean | list[Tree] | dict[str, Tree]


class Written(str):
    """What YAML takes for something else than text, as it was written."""

    __slots__ = ()


class Number(Written):
    """A number: `3.10` is a version to whoever writes it."""

    __slots__ = ()


class Boolean(Written):
    """`true` or `false`."""

    __slots__ = ()


_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_SHOWN_LIMIT = 60
_LARGEST_NUMBER = 2**64


def path_text(path: Path) -> str:
    """`steps[2].dependsOn[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _WORD.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{shown(part)}]"
    return text


def shown(text: str) -> str:
    """A text for a message: quoted, cut, and without characters that act on a terminal."""
    return repr(str(text) if len(text) <= _SHOWN_LIMIT else f"{text[:_SHOWN_LIMIT]}...")


def unusable(text: str) -> str:
    """What no command, file name or variable can hold, as a message; empty where there is none."""
    if text.isascii() and "\0" not in text:
        return ""
    match = _UNUSABLE.search(text)
    return f"holds a character that cannot be used, U+{ord(match[0]):04X}" if match else ""


def tree(value: Any, path: Path = ()) -> Tree:
    """The tree of a value that is already parsed (from JSON, or a module's option).

    Raises InvalidInput for what JSON does not know, or what is nested too deeply.
    """
    if isinstance(value, str):
        if fault := unusable(value):
            raise InvalidInput(Problem(fault, path_text(path)))
        return str.__str__(value)
    if value is None:
        return None
    if isinstance(value, bool):
        return Boolean("true" if value else "false")
    if isinstance(value, int | float):
        if abs(value) > _LARGEST_NUMBER:
            raise InvalidInput(Problem("this number is too large", path_text(path)))
        return Number(int(value) if value == value // 1 else float(value))
    if len(path) >= DEPTH_LIMIT:
        raise InvalidInput(Problem(f"nested more than {DEPTH_LIMIT} deep", path_text(path[:4])))
    if isinstance(value, Mapping):
        return {_key(key, path): tree(item, (*path, str(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [tree(item, (*path, index)) for index, item in enumerate(value)]
    kind = type(value).__name__
    raise InvalidInput(Problem(f"{kind} is none of the kinds that JSON has", path_text(path)))


def _key(key: Any, path: Path) -> str:
    if not isinstance(key, str):
        message = f"the key {shown(str(key))} is no text; put it in quotes"
        raise InvalidInput(Problem(message, path_text(path)))
    if fault := unusable(key):
        raise InvalidInput(Problem(f"a key {fault}", path_text(path)))
    return str.__str__(key)
