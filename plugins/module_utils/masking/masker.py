"""Masks secrets in text that arrives in pieces.

    secrets = Secrets({"token": "..."})    # compiled once, shared by all logs of a run
    log = Masker(secrets)                  # one for each stream
    for piece in pieces:
        write(log.feed(piece))
    write(log.finish())

Every occurrence of every form (forms.py) is found in the text as it came in; what overlaps or
touches becomes one marker. The result is the same however the text is cut into pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..core.errors import InvalidInput, Problem
from .forms import LEAST, all_forms, literal_forms
from .matcher import Frontier, Matcher
from .scanner import Engine

MARKER = "***REDACTED***"


class Secrets:
    """The compiled values of secrets, for any number of streams and threads.

    Parameters:
        values: name -> value, or values alone, each at least 6 bytes of `str` (taken as UTF-8) or
            `bytes`.
        marker: what stands in the masked text instead.
        case_insensitive: find ASCII letters in either case.
        encoded: find every form; False: only the values as they are.
        engine: which matcher finds them. All of them find the same.

    Raises InvalidInput that names (or counts, from 0) each value that is too short or of a wrong
    type, and never shows one.
    """

    def __init__(
        self,
        values: Mapping[str, str | bytes] | Iterable[str | bytes],
        *,
        marker: str | bytes = MARKER,
        case_insensitive: bool = False,
        encoded: bool = True,
        engine: Engine | str = Engine.AUTO,
    ) -> None:
        checked = _checked(values)
        forms = all_forms(checked) if encoded else literal_forms(checked)
        self.marker = _to_bytes(marker)
        self.case_insensitive = case_insensitive
        if case_insensitive:
            forms = forms.lowered()
        self.matcher = Matcher(forms, Engine(engine))
        # Only where a form may share bytes with the marker need markers in the text be looked for.
        self.marker_can_meet = _can_meet(
            self.marker.lower() if case_insensitive else self.marker,
            (*forms.literals, *forms.spaced, *forms.wrapped),
        )

    @property
    def longest(self) -> int:
        """The most bytes that a form can take in a text; a stream holds back fewer than that."""
        return max(self.matcher.longest, len(self.marker) if self.marker_can_meet else 0)

    def mask(self, data: bytes) -> bytes:
        """`data`, a whole text, masked."""
        return Masker(self).mask(data)

    def mask_text(self, text: str) -> str:
        """`text`, a whole one (a message, an exception), masked."""
        data = _to_bytes(text)
        masked = self.mask(data)
        return text if masked == data else masked.decode("utf-8", "surrogateescape")


class Masker:
    """One stream of text, masked as it comes.

    `values` is a compiled `Secrets`, or whatever that is made of; then `marker` and the other
    options are those of `Secrets`. `matches` counts the markers written for secrets.

    What could still become part of a secret is held back: always fewer bytes than the longest
    form, and no byte that is settled. Not for use by two threads at the same time.
    """

    def __init__(
        self,
        values: Secrets | Mapping[str, str | bytes] | Iterable[str | bytes],
        marker: str | bytes = MARKER,
        *,
        case_insensitive: bool = False,
        engine: Engine | str = Engine.AUTO,
    ) -> None:
        if not isinstance(values, Secrets):
            values = Secrets(
                values, marker=marker, case_insensitive=case_insensitive, engine=engine
            )
        self._secrets = values
        self.matches = 0
        self._restart()

    def _restart(self) -> None:
        self._held = b""
        self._base = 0  # the place of what is held in the stream
        self._frontier = Frontier(self._secrets.matcher)
        self._covered = -1  # where in what is held the last marker written ends; -1: before it
        self._shielded = 0  # where in it the last marker that the text brought along ends

    @property
    def held(self) -> int:
        """How many bytes are held back."""
        return len(self._held)

    @property
    def settled(self) -> bool:
        """Whether nothing that has come bears on what follows: from here on a new masker would
        give the same."""
        return not self._held and self._covered < 0 and not self._shielded

    def feed(self, data: bytes | bytearray | memoryview) -> bytes:
        """The next piece of the text; gives what is settled of it, masked. It may be empty."""
        piece = data if isinstance(data, bytes) else bytes(data)
        if self._held:
            piece = self._held + piece
        if not piece:
            return b""
        return self._advance(piece, final=False)

    def mask(self, data: bytes) -> bytes:
        """`data` as the end of the text: `feed` and `finish` in one."""
        self._held += data
        return self.finish()

    def finish(self) -> bytes:
        """Gives what was held back, masked. The masker then is as new, and `matches` counts on."""
        rest = self._advance(self._held, final=True) if self._held else b""
        self._restart()
        return rest

    def _advance(self, piece: bytes, *, final: bool) -> bytes:
        secrets = self._secrets
        plain = piece.lower() if secrets.case_insensitive else piece
        if final:
            stop = len(piece)
        else:
            stop = self._frontier.advance(plain, self._base)
            if secrets.marker_can_meet:
                stop = min(stop, _unfinished(secrets.marker, piece))
            if not stop:
                self._held = piece
                return b""
        masked = self._replaced(piece, stop, secrets.matcher.ranges(plain, stop))
        self._held = piece[stop:]
        self._base += stop
        self._shielded = max(0, self._shield(piece, stop) - stop)
        self._covered = max(-1, self._covered - stop)
        return masked

    def _replaced(self, piece: bytes, stop: int, ranges: list[tuple[int, int]]) -> bytes:
        """`piece` up to `stop` with one marker for each group of ranges that overlap or touch.

        A marker that the text brought along stays as it is, whatever lies within it; a range that
        reaches out of it, or into it, is one with it.
        """
        covered = self._past_marker(piece, self._covered)
        if not ranges and covered <= 0:
            return piece if stop == len(piece) else piece[:stop]
        marker, view = self._secrets.marker, memoryview(piece)
        parts: list[bytes | memoryview] = []
        for start, end in ranges:
            shield = self._shield(piece, start)
            if end <= shield:
                continue
            if start > covered:
                if shield > start:
                    parts.append(view[max(covered, 0) : shield])
                else:
                    parts += (view[max(covered, 0) : start], marker)
                self.matches += 1
            covered = self._past_marker(piece, max(covered, end))
        if covered < stop:
            parts.append(view[max(covered, 0) : stop])
        self._covered = covered
        return b"".join(parts)

    def _shield(self, piece: bytes, place: int) -> int:
        """Where the last marker brought along that begins at or before `place` ends, or 0."""
        if not self._secrets.marker_can_meet:
            return 0
        marker = self._secrets.marker
        begin = piece.rfind(marker, max(0, place - len(marker) + 1), place + len(marker))
        return begin + len(marker) if begin >= 0 else self._shielded

    def _past_marker(self, piece: bytes, covered: int) -> int:
        """`covered`, moved behind a marker brought along if it lies within one."""
        if covered <= 0 or not self._secrets.marker_can_meet:
            return covered
        marker = self._secrets.marker
        begin = piece.rfind(marker, max(0, covered - len(marker) + 1), covered + len(marker) - 1)
        return begin + len(marker) if begin >= 0 else covered


def _checked(values: Mapping[str, str | bytes] | Iterable[str | bytes]) -> list[bytes]:
    if isinstance(values, str | bytes | bytearray):
        raise InvalidInput("secrets to mask: one bare value was given; give a list or a mapping")
    named: Iterable[tuple[str, object]]
    if isinstance(values, Mapping):
        named = ((f"secret {name!r}", value) for name, value in values.items())
    else:
        named = ((f"secret {index} (counted from 0)", value) for index, value in enumerate(values))
    checked: list[bytes] = []
    problems: list[Problem] = []
    for name, value in named:
        if not isinstance(value, str | bytes | bytearray):
            problems.append(Problem(f"{name} is neither text nor bytes", suggestion="quote it"))
            continue
        data = _to_bytes(value)
        if len(data) < LEAST:
            problems.append(
                Problem(
                    f"{name} is shorter than {LEAST} bytes, so that masking it would blot out "
                    "ordinary text",
                    suggestion="use a longer value, or do not keep it as a secret",
                )
            )
        checked.append(data)
    if problems:
        raise InvalidInput(*problems)
    return checked


def _to_bytes(text: str | bytes | bytearray) -> bytes:
    if not isinstance(text, str):
        return bytes(text)
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a pair, as JSON may hold one
        return text.encode("utf-8", "surrogatepass")


def _can_meet(marker: bytes, texts: Iterable[bytes]) -> bool:
    beginnings = tuple(marker[:size] for size in range(1, len(marker)))
    endings = tuple(marker[size:] for size in range(1, len(marker)))
    return any(
        text.startswith(endings) or text.endswith(beginnings) or text in marker or marker in text
        for text in texts
        if marker
    )


def _unfinished(text: bytes, data: bytes) -> int:
    """The first place in `data` from which all is a beginning of `text`."""
    size = len(data)
    place = data.find(text[:1], max(0, size - len(text) + 1))
    while place >= 0 and not text.startswith(data[place:]):
        place = data.find(text[:1], place + 1)
    return place if place >= 0 else size
