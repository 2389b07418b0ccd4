"""Finds where the forms of secrets stand in a piece of text, and where one may have begun."""

from __future__ import annotations

import dataclasses
import functools
from collections import deque
from collections.abc import Iterator

from .fold import NEXT_PIECE, RUN_LIMIT, Fold, Folded, spaced_fold, wrapped_fold
from .forms import LEAST, Forms
from .lexicon import Lexicon
from .scanner import Engine, Scanner, scanner

# Texts are found by a key: their beginning, of at most so many bytes. Longer ones would make the
# scanners slower, shorter ones would be hit by what only begins like a secret.
_KEY = 32
# A wrapped text's anchor stands at most so far behind the text's beginning.
_REACH = NEXT_PIECE + 2 + RUN_LIMIT


@dataclasses.dataclass(slots=True)
class _Key:
    """What a place where this key stands may be. Lengths in bytes, 0 for no literal."""

    reach: int = 0  # of the longest literal that begins with it
    sure: int = 0  # of the only literal, if it is the key itself
    spaced: bool = False
    offsets: tuple[int, ...] = ()  # how far behind a wrapped text's beginning


@dataclasses.dataclass(slots=True)
class _Head:
    """What begins with these LEAST bytes; `reach` is the most bytes that it takes."""

    reach: int = 0
    literal: bool = False
    spaced: bool = False
    wrapped: bool = False


class Matcher:
    """Compiled forms. It keeps no state of any text, so any number of threads may share it.

    `longest` is the most bytes that a match can take.
    """

    def __init__(self, forms: Forms, engine: Engine = Engine.AUTO) -> None:
        self._literals = Lexicon(forms.literals)
        self._spaced = spaced_fold(forms.spaced)
        self._wrapped = wrapped_fold(forms.wrapped)
        self.longest = max(self._literals.longest, self._spaced.longest, self._wrapped.longest)
        self._forms, self._engine = forms, engine
        keys = _keys(forms)
        self._keys = tuple(keys.values())
        self._scanner = scanner(tuple(keys), engine)

    @functools.cached_property
    def _heads(self) -> dict[bytes, _Head]:
        heads: dict[bytes, _Head] = {}
        for text in self._forms.literals:
            head = heads.setdefault(text[:LEAST], _Head())
            head.literal, head.reach = True, max(head.reach, len(text))
        for text in self._forms.spaced:
            head = heads.setdefault(text[:LEAST], _Head())
            head.spaced, head.reach = True, max(head.reach, self._spaced.longest)
        for text in self._forms.wrapped:
            head = heads.setdefault(text[:LEAST], _Head())
            head.wrapped, head.reach = True, max(head.reach, self._wrapped.longest)
        return heads

    # The next three serve streams alone, so they are made when the first one asks.

    @functools.cached_property
    def _head_list(self) -> tuple[_Head, ...]:
        return tuple(self._heads.values())

    @functools.cached_property
    def _head_scanner(self) -> Scanner:
        return scanner(tuple(self._heads), self._engine)

    @functools.cached_property
    def _beginnings(self) -> frozenset[bytes]:
        return frozenset(head[:size] for head in self._heads for size in range(1, LEAST))

    def ranges(self, data: bytes, stop: int) -> list[tuple[int, int]]:
        """The matches in `data` that begin before `stop`, sorted; they may end behind it.

        Of literal matches that begin at one place only the longest.
        """
        found: list[tuple[int, int]] = []
        spaced: list[int] = []
        wrapped: list[tuple[int, int]] = []
        beyond = _KEY - 1 + (_REACH if self._wrapped else 0)
        for place, index in self._scanner.find(data, 0, min(len(data), stop + beyond)):
            key = self._keys[index]
            if key.offsets:
                wrapped += ((place, offset) for offset in key.offsets)
            if place >= stop:
                continue
            if key.sure:
                found.append((place, place + key.sure))
            elif key.reach:
                length = self._literals.longest_at(data, place, place + key.reach)
                if length:
                    found.append((place, place + length))
            if key.spaced and self._spaced.may_begin(data, place):
                spaced.append(place)
        if spaced:
            found += _folded_ranges(self._spaced, data, stop, [(place, 0) for place in spaced], 0)
        if wrapped:
            found += _folded_ranges(self._wrapped, data, stop, wrapped, _REACH)
        found.sort()
        return found

    def may_end_later(self, piece: Piece, place: int, head: int) -> bool:
        """Whether all from `place` on, where `head` stands, may be the beginning of a match."""
        known = self._head_list[head]
        if len(piece.data) - place >= known.reach:
            return False
        return (
            (known.literal and self._literals.is_begun_by(piece.data[place:]))
            or (known.spaced and piece.may_end_later(self._spaced, place))
            or (known.wrapped and piece.may_end_later(self._wrapped, place))
        )

    def heads(self, data: bytes, start: int) -> list[tuple[int, int]]:
        """Every (place, head) at or behind `start`, sorted."""
        return sorted(self._head_scanner.find(data, start, len(data)))

    def short_beginning(self, data: bytes, start: int) -> int:
        """The first place at or behind `start` from which less than a head begins a match."""
        size = len(data)
        for place in range(max(start, size - LEAST + 1), size):
            if data[place:] in self._beginnings:
                return place
        return size


class Piece:
    """The end of a stream, asked about one place after the other, and folded but once for that."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._folded: dict[Fold, Folded] = {}

    def may_end_later(self, fold: Fold, place: int) -> bool:
        """Whether all from `place` on, behind all places asked about before, begins a text."""
        folded = self._folded.get(fold)
        if folded is None:
            folded = self._folded[fold] = fold.fold(self.data, place, len(self.data))
        return fold.may_end_later(folded, folded.place(place))


class Frontier:
    """How much of a stream is settled: nothing before it can still become part of a match.

    Each place is looked at until it is out of the question and never again, so that the work is
    linear in the stream however it is cut.
    """

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._candidates: deque[tuple[int, int]] = deque()
        self._looked = 0

    def advance(self, data: bytes, base: int) -> int:
        """The place in `data` up to which all is settled.

        `base` is the place of `data` in the stream; it begins where the last call said.
        """
        matcher, candidates = self._matcher, self._candidates
        first = max(0, len(data) - matcher.longest + 1)
        looked = max(first, self._looked - base)
        candidates.extend((base + place, head) for place, head in matcher.heads(data, looked))
        # A head that is complete only with the next bytes is still to be found.
        self._looked = base + max(looked, len(data) - LEAST + 1)
        piece = Piece(data)
        while candidates:
            place = candidates[0][0] - base
            if place >= first and matcher.may_end_later(piece, place, candidates[0][1]):
                return place
            candidates.popleft()
        return matcher.short_beginning(data, first)


def _keys(forms: Forms) -> dict[bytes, _Key]:
    """The shortest set of keys such that each text and anchor begins with one, and no key with
    another."""
    wrapped_anchors = (anchor for anchor, offset in forms.wrapped_anchors)
    texts = sorted({*forms.literals, *forms.spaced_anchors, *wrapped_anchors})
    keys: dict[bytes, _Key] = {}
    under: dict[bytes, bytes] = {}
    last: bytes | None = None
    for text in texts:
        if last is None or not text.startswith(last):
            last = text[:_KEY]
        under[text] = last
        keys.setdefault(last, _Key())
    literals: dict[bytes, int] = {}
    for text in forms.literals:
        key = keys[under[text]]
        key.reach = max(key.reach, len(text))
        literals[under[text]] = literals.get(under[text], 0) + 1
    for text, count in literals.items():
        if count == 1 and text in forms.literals:
            keys[text].sure = len(text)
    for anchor in forms.spaced_anchors:
        keys[under[anchor]].spaced = True
    for anchor, offset in forms.wrapped_anchors:
        key = keys[under[anchor]]
        key.offsets = tuple(sorted({*key.offsets, offset}))
    return keys


def _folded_ranges(
    fold: Fold, data: bytes, stop: int, candidates: list[tuple[int, int]], reach: int
) -> Iterator[tuple[int, int]]:
    """The matches that begin before `stop` and of which an anchor is at a (place, offset).

    `reach` is the most bytes that an anchor may stand behind the beginning of its match.
    """
    first, last = min(candidates)[0], max(candidates)[0]
    folded = fold.fold(data, max(0, first - reach), min(len(data), last + fold.longest))
    for begin in {folded.place(place) - offset for place, offset in candidates}:
        end = fold.end_of_text(folded, begin)
        if end:
            source = folded.source(begin)
            if source < stop:
                yield source, end
