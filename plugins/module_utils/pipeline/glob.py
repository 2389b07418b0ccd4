"""Globs for branches, tags and paths, matched in one pass over the text.

All states of the pattern are followed at once, as bits of one number, so that no pattern and no
text, whoever wrote them, can make matching slow.

`*` and `?` match any characters in the name of a branch or tag, `/` too. In a path (`path=True`)
they stay within one part of it, `**` goes across parts, `**/` also stands for no part at all, and
a pattern that ends in `/` means everything below. `[a-z]` and `[!a-z]` match one character,
`\\*` a literal `*`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import TypeAlias

_SPECIAL = re.compile(r"[\\*?\[\]{},!]")
_RUN_OF_STARS = re.compile(r"\*{3,}")


def selects(patterns: Iterable[str], text: str, *, path: bool = False) -> bool:
    """Whether one of the patterns matches and none that begins with `!` does.

    Where all begin with `!`, whatever none of them matches is selected.
    """
    wanted, some = False, False
    for pattern in patterns:
        if pattern.startswith("!"):
            if matches(pattern[1:], text, path=path):
                return False
        else:
            some = True
            wanted = wanted or matches(pattern, text, path=path)
    return wanted or not some


def matches(pattern: str, text: str, *, path: bool = False) -> bool:
    """Whether the whole text fits the pattern; InvalidGlob never: a bad pattern is literal."""
    return _compiled(pattern, path).matches(text)


def escape(text: str) -> str:
    """A pattern that matches this text alone."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def fault(pattern: str) -> str:
    """What is wrong with a pattern, for a message; empty where nothing is."""
    body = pattern.removeprefix("!")
    if not body:
        return "'!' excludes nothing; name what to exclude behind it"
    try:
        _tokens(body, path=False)
    except ValueError as error:
        return str(error)
    if re.search(r"(?<!\\)\{[^}]*,[^}]*\}", body):
        return "braces are not alternatives here; write a list (or \\{ for a brace)"
    return ""


_STAR, _STARS, _FOLDERS, _ANY = "*", "**", "**/", "?"


class _Set(tuple[tuple[str, str], ...]):
    """Ranges of characters; `negated` where all others are meant."""

    negated = False

    def holds(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self) != self.negated


Token: TypeAlias = "str | tuple[str] | _Set"


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str, path: bool) -> _Matcher:
    try:
        return _Matcher(_tokens(pattern, path=path), path=path)
    except ValueError:
        return _Matcher([(character,) for character in pattern], path=path)


class _Matcher:
    """Bit n of a state is set while the first n tokens have been matched."""

    def __init__(self, tokens: list[Token], *, path: bool) -> None:
        self._path = path
        self._tokens: list[Token] = []
        for token in tokens:
            # Folders take two places: where they begin, and inside of them.
            self._tokens += [token, _STARS] if token == _FOLDERS else [token]
        self._skip_one = self._skip_two = 0
        for place, token in enumerate(self._tokens):
            inside_folders = place > 0 and self._tokens[place - 1] == _FOLDERS
            if token == _FOLDERS:
                self._skip_two |= 1 << place
            elif token in (_STAR, _STARS) and not inside_folders:
                self._skip_one |= 1 << place
        self._moves: dict[str, tuple[int, int]] = {}

    def matches(self, text: str) -> bool:
        state = self._skipped(1)
        for character in text:
            move = self._moves.get(character)
            if move is None:
                move = self._moves[character] = self._move(character)
            state = self._skipped(((state & move[0]) << 1) | (state & move[1]))
            if not state:
                return False
        return bool(state >> len(self._tokens) & 1)

    def _skipped(self, state: int) -> int:
        state |= (state & self._skip_two) << 2
        return state | (state & self._skip_one) << 1

    def _move(self, character: str) -> tuple[int, int]:
        """The places that a character moves on from, and those it stays in."""
        goes = stays = 0
        within = not self._path or character != "/"
        for place, token in enumerate(self._tokens):
            bit = 1 << place
            if token == _FOLDERS:
                goes |= bit
            elif token == _STARS:
                stays |= bit
                inside_folders = place > 0 and self._tokens[place - 1] == _FOLDERS
                goes |= bit if inside_folders and character == "/" else 0
            elif token == _STAR:
                stays |= bit if within else 0
            elif token == _ANY:
                goes |= bit if within else 0
            elif isinstance(token, _Set):
                goes |= bit if within and token.holds(character) else 0
            elif token[0] == character:
                goes |= bit
        return goes, stays


def _tokens(pattern: str, *, path: bool) -> list[Token]:
    """ValueError, with what is wrong, for a pattern that cannot be read."""
    if path and pattern.endswith("/"):
        pattern += "**"
    pattern = _RUN_OF_STARS.sub("**", pattern)
    tokens: list[Token] = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        at_part = place == 0 or pattern[place - 1] == "/"
        if path and at_part and pattern.startswith("**/", place):
            place += 3
            if not tokens or tokens[-1] != _FOLDERS:
                tokens.append(_FOLDERS)
            continue
        if pattern.startswith("**", place):
            place += 2
            tokens.append(_STARS)
            continue
        if character == "[":
            token, place = _set(pattern, place)
            tokens.append(token)
            continue
        if character == "\\":
            place += 1
            if place == len(pattern):
                raise ValueError("a \\ at the end escapes nothing")
            tokens.append((pattern[place],))
        else:
            tokens.append(character if character in "*?" else (character,))
        place += 1
    return tokens


def _set(pattern: str, begin: int) -> tuple[_Set, int]:
    end = pattern.find("]", begin + 2)
    if end < 0:
        raise ValueError("a [ has no ]; write \\[ for a bracket")
    inside = pattern[begin + 1 : end]
    negated = inside[0] in "!^" and len(inside) > 1
    ranges = []
    for match in re.finditer(r"(.)-(.)|(.)", inside[negated:], re.DOTALL):
        low, high = (match[1], match[2]) if match[1] else (match[3], match[3])
        if low > high:
            raise ValueError(f"the range {match[0]} runs backwards")
        ranges.append((low, high))
    found = _Set(ranges)
    found.negated = negated
    return found, end + 1
