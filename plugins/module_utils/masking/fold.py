"""Texts whose white space may differ: they are compared where both sides are folded alike.

Two folds are known. `spaced_fold`: every run of white space counts as one space, for values of
several lines that were indented, flattened or given other line ends. `wrapped_fold`: line breaks
(and the indentation behind them) count as nothing, for encoded values that were cut into lines.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

from .lexicon import Lexicon

WHITE_SPACE = b" \t\n\r\x0b\x0c"
# A longer run, or deeper indentation, is taken for a different text. So a form has an end.
RUN_LIMIT = 64
# A cut text's first piece is at least this long, so that a line's last letter is not held back
# for the one in sixty that begins some encoded secret.
FIRST_PIECE = 6
# Programs cut at 60 (xxd), 64 (PEM) and 76 (MIME).
NEXT_PIECE = 56

_RUN = re.compile(rb"[ \t\n\r\x0b\x0c]{1,%d}" % RUN_LIMIT)
_BREAK = re.compile(rb"\r?\n[ \t]{0,%d}|\r\Z" % RUN_LIMIT)
_LONGEST_BREAK = 2 + RUN_LIMIT


class Folded:
    """A folded piece of a text, with the way back to where its bytes came from."""

    __slots__ = ("_folds", "_sources", "_start", "text")

    def __init__(
        self, pattern: re.Pattern[bytes], replacement: bytes, data: bytes, start: int, stop: int
    ) -> None:
        pieces: list[bytes] = []
        self._start = start
        self._folds: list[int] = []  # where a fold ends, in the folded text
        self._sources: list[int] = []  # the same places in the data
        length, position = 0, start
        for match in pattern.finditer(data, start, stop):
            pieces += (data[position : match.start()], replacement)
            length += match.start() - position + len(replacement)
            position = match.end()
            self._folds.append(length)
            self._sources.append(position)
        pieces.append(data[position:stop])
        self.text = b"".join(pieces)

    def place(self, source: int) -> int:
        """Where the byte at `source` of the data, which is in no fold, stands in the text."""
        index = bisect_right(self._sources, source) - 1
        if index < 0:
            return source - self._start
        return self._folds[index] + source - self._sources[index]

    def source(self, place: int) -> int:
        """Where in the data the byte at `place` of the text, which is in no fold, comes from."""
        index = bisect_right(self._folds, place) - 1
        if index < 0:
            return self._start + place
        return self._sources[index] + place - self._folds[index]

    def uncut_until(self, place: int) -> int | None:
        """The first fold that comes too early for a text that begins at `place`; None: none."""
        least = FIRST_PIECE
        for index in range(bisect_right(self._folds, place), len(self._folds)):
            fold = self._folds[index]
            if fold - place < least:
                return fold
            place, least = fold, NEXT_PIECE
        return None


class Fold:
    """Texts, already folded, to be found in data that is not.

    `longest` is the most bytes that one of them can take in the data.
    """

    def __init__(
        self,
        pattern: re.Pattern[bytes],
        replacement: bytes,
        texts: Iterable[bytes],
        longest: int,
    ) -> None:
        self._pattern = pattern
        self._replacement = replacement
        self._lexicon = Lexicon(texts)
        self._counts_cuts = not replacement
        self.longest = longest

    def __bool__(self) -> bool:
        return bool(self._lexicon)

    def fold(self, data: bytes, start: int, stop: int) -> Folded:
        """The data between, folded; `start` is not within a run of white space of a text."""
        return Folded(self._pattern, self._replacement, data, start, stop)

    def may_begin(self, data: bytes, start: int) -> bool:
        """Whether the next few bytes speak for a text at `start`; cheap, and never wrong on no."""
        piece = self._pattern.sub(self._replacement, data[start : start + 4 * RUN_LIMIT])
        # The last run may go on behind the piece; what is in front of it is certain.
        piece = piece.rstrip(WHITE_SPACE)[:RUN_LIMIT]
        return self._lexicon.is_begun_by(piece) or self._lexicon.longest_at(piece, 0) > 0

    def end_of_text(self, folded: Folded, place: int) -> int:
        """Where in the data the longest text that begins at `place` of `folded` ends, or 0."""
        if place < 0:
            return 0
        stop = folded.uncut_until(place) if self._counts_cuts else None
        length = self._lexicon.longest_at(folded.text, place, stop)
        return folded.source(place + length - 1) + 1 if length else 0

    def may_end_later(self, folded: Folded, place: int) -> bool:
        """Whether all that follows `place` begins a text that is longer."""
        if self._counts_cuts and folded.uncut_until(place) is not None:
            return False
        return self._lexicon.is_begun_by(folded.text[place:])


def spaced_fold(texts: Iterable[bytes]) -> Fold:
    """For texts in which every run of white space is one space already."""
    texts = set(texts)
    longest = max((len(text) + (RUN_LIMIT - 1) * text.count(b" ") for text in texts), default=0)
    return Fold(_RUN, b" ", texts, longest)


def wrapped_fold(texts: Iterable[bytes]) -> Fold:
    """For texts without line breaks, each longer than FIRST_PIECE."""
    texts = set(texts)
    longest = max(map(len, texts), default=0)
    if longest:
        longest += _LONGEST_BREAK * (1 + (longest - FIRST_PIECE) // NEXT_PIECE)
    return Fold(_BREAK, b"", texts, longest)
