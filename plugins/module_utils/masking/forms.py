"""Every form in which the values of secrets are looked for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator

from .encodings import Encoded, base64_encoded, hex_encoded, percent_encoded
from .fold import FIRST_PIECE, NEXT_PIECE, WHITE_SPACE
from .quoting import quoted

# Shorter values, lines and forms would blot out ordinary text.
LEAST = 6
# Longer values are looked for line by line, and piece by piece as they are, in base64 and in
# hexadecimal: a keystore of a megabyte should not take a gigabyte, nor be held back as a whole.
LONGEST_WHOLE = 16 * 1024
_PIECE = 4 * 1024
# Pieces share so many bytes, so that nothing falls between two, encoded and cut into lines or not.
_SHARED = 12

_LINE_END = re.compile(rb"\r\n|\r|\n")
_WRITTEN_LINE_END = re.compile(rb"(?:\\r)?\\n")
_INDENTS = [b" " * width for width in range(1, 17)] + [b"\t" * width for width in range(1, 5)]


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Forms:
    """What to look for; nothing here shows in a traceback.

    `literals` are found as they are. `spaced` are found with any white space where they have a
    space, `wrapped` with line breaks in them; both begin with, or hold, one of their anchors,
    which are found as they are. An anchor of `wrapped` says how far behind the beginning of a
    wrapped text it may stand.
    """

    literals: frozenset[bytes] = frozenset()
    spaced: frozenset[bytes] = frozenset()
    wrapped: frozenset[bytes] = frozenset()
    wrapped_anchors: tuple[tuple[bytes, int], ...] = ()

    def lowered(self) -> Forms:
        """The same with ASCII letters in lower case."""
        return Forms(
            frozenset(map(bytes.lower, self.literals)),
            frozenset(map(bytes.lower, self.spaced)),
            frozenset(map(bytes.lower, self.wrapped)),
            tuple((anchor.lower(), offset) for anchor, offset in self.wrapped_anchors),
        )

    @property
    def spaced_anchors(self) -> Iterator[bytes]:
        """The first word of each spaced text."""
        return (text.split(b" ", 1)[0] for text in self.spaced)


def literal_forms(values: Iterable[bytes]) -> Forms:
    """The values as they are and in no other form."""
    return Forms(frozenset(values))


def all_forms(values: Iterable[bytes]) -> Forms:
    """All forms of all values, each value at least LEAST bytes long."""
    literals: set[bytes] = set()
    spaced: set[bytes] = set()
    wrapped: set[bytes] = set()
    anchors: set[tuple[bytes, int]] = set()
    for value in values:
        if len(value) <= LONGEST_WHOLE:
            wholes = _wholes(value)
            for text in wholes | _lines(value):
                literals |= {text} | quoted(text) | percent_encoded(text)
            for whole in wholes:
                literals |= _indented(whole)
                spaced |= {text for text in (_spaced(whole),) if text}
        else:
            wholes = _pieces(value)
            literals |= wholes
            for text in _lines(value) if _is_text(value) else ():
                if len(text) <= LONGEST_WHOLE:
                    literals |= {text} | quoted(text) | percent_encoded(text)
        for whole in wholes:
            for encoded in (*base64_encoded(whole), *hex_encoded(whole)):
                _add_encoded(encoded, literals, wrapped, anchors)
    return Forms(
        frozenset(text for text in literals if len(text) >= LEAST),
        frozenset(spaced),
        frozenset(wrapped),
        tuple(sorted(anchors)),
    )


def _wholes(value: bytes) -> set[bytes]:
    """The value as a program may hold it: trimmed, with either line end, or flattened by `echo`."""
    core = value.strip(WHITE_SPACE)
    if len(core) < LEAST:
        return {value}
    # Line ends around it are a file's or the log's own; blanks may be the value's.
    wholes = {core, value.strip(b"\r\n"), b" ".join(core.split())}
    for text in (core, _WRITTEN_LINE_END.sub(b"\n", core).strip(WHITE_SPACE)):
        lines = _LINE_END.split(text)
        if len(lines) > 1:
            wholes |= {b"\n".join(lines), b"\r\n".join(lines), b" ".join(text.split())}
    return {whole for whole in wholes if len(whole) >= LEAST}


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in value


def _pieces(value: bytes) -> set[bytes]:
    last = len(value) - _PIECE
    return {value[at : at + _PIECE] for at in (*range(0, last, _PIECE - _SHARED), last)}


def _indented(whole: bytes) -> set[bytes]:
    """A value of several lines in which no word is long enough to find the whole by."""
    lines = [line.strip(WHITE_SPACE) for line in _LINE_END.split(whole)]
    if len(lines) < 2 or max(map(len, whole.split()), default=LEAST) >= LEAST:
        return set()
    return {(end + indent).join(lines) for indent in _INDENTS for end in (b"\n", b"\r\n")}


def _lines(value: bytes) -> set[bytes]:
    lines = _LINE_END.split(_WRITTEN_LINE_END.sub(b"\n", value)) + _LINE_END.split(value)
    stripped = {line.strip(WHITE_SPACE) for line in lines}
    stripped |= {b" ".join(line.split()) for line in stripped}
    return {line for line in stripped if len(line) >= LEAST}


def _spaced(whole: bytes) -> bytes:
    """The value of several lines from its first word of LEAST bytes on, each gap one space.

    Shorter words in front are left to the other forms: a `{` alone would be held back each time.
    """
    if not _LINE_END.search(whole):
        return b""
    words = whole.split()
    while words and len(words[0]) < LEAST:
        words.pop(0)
    return b" ".join(words) if len(words) > 1 else b""


def _add_encoded(
    encoded: Encoded,
    literals: set[bytes],
    wrapped: set[bytes],
    anchors: set[tuple[bytes, int]],
) -> None:
    """Have the encoded value found in one piece and where it was cut into lines.

    A line of 60 characters or more is cut at most once within NEXT_PIECE characters, so that one
    of two pieces side by side, the anchors, is always whole. Where the cut comes before the
    FIRST_PIECE is complete, what follows it is found alone; hence the text without its beginning.
    """
    core = encoded.core
    rest = FIRST_PIECE - 1
    if len(core) >= 2 * LEAST + rest:
        half = min(NEXT_PIECE // 2 - rest, (len(core) - rest) // 2)
        for text in (core, *encoded.wholes):
            wrapped |= {text, text[rest:]}
        for start in (rest, rest + half):
            anchors |= {(core[start : start + half], offset) for offset in (start, start - rest)}
    elif len(core) >= 2 * LEAST:
        half = len(core) // 2
        wrapped |= {core, *encoded.wholes}
        anchors |= {(core[:half], 0), (core[half : 2 * half], half)}
        literals.update(text[rest:] for text in (core, *encoded.wholes))
    else:
        rest = min(2, len(core) - LEAST)
        literals |= {core, *encoded.wholes, core[rest:]}
        for at in range(rest + 1, len(core)):
            literals |= {core[:at] + end + core[at:] for end in (b"\n", b"\r\n")}
