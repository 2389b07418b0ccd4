"""A container's log out of the pieces that one or more answers of the API bring.

The API puts a timestamp (nanoseconds) before each line. A log that broke off is asked for again
from a whole second on, so lines come again; those are known by their timestamp and by how many of
that timestamp were there. The file only grows, so behind the first new line all is new. Lines of
stdout and stderr may stand in it some microseconds out of order: timestamps alone, without the
window of the last lines that is kept here, would lose such a line.

A line may come in parts (16 KiB each in the file, one line on the wire), hold any bytes, and have
no end yet: its bytes are given out as they come.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import functools
import json
import re
from typing import Final

from ..core.errors import InvalidInput

_STAMP: Final = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
_PREFIX = re.compile(rb"(" + _STAMP + rb") ")
_PREFIXES = re.compile(rb"^(" + _STAMP + rb") ", re.MULTILINE)
_PARTS = re.compile(r"(.{19})(?:\.([0-9]+))?(.+)")
_LONGEST_PREFIX = 36
# What a node writes into the answer when it has trouble, without a timestamp.
_NODE_WORDS = (b"unable to retrieve container logs", b"failed to ")
# How many of the last lines are known one by one, and how many of them a kept position holds.
_WINDOW = 512
_KEPT_WINDOW = 32
_NOTICE = 500


@dataclasses.dataclass(frozen=True, slots=True)
class LogPosition:
    """How far a log was given out; small enough to be kept beside what was stored.

    `seen` are the timestamps of the last whole lines, in order, and `after` the newest of all
    before them. `partial` says how many bytes of a line without an end were given out.
    """

    after: str = ""
    seen: tuple[str, ...] = ()
    partial: tuple[str, int] | None = None

    def __str__(self) -> str:
        return json.dumps([self.after, list(self.seen), self.partial], separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> LogPosition:
        """The position that `str()` has written. InvalidInput for any other text."""
        try:
            after, seen, partial = json.loads(text)
            if partial is not None:
                partial = (str(partial[0]), int(partial[1]))
            return cls(str(after), tuple(str(stamp) for stamp in seen), partial)
        except (ValueError, TypeError, IndexError) as error:
            raise InvalidInput(f"{text[:80]!r} is no position in a log") from error


class LogDecoder:
    """Takes the bytes of answers, gives the bytes of the log: each once, in order.

    `begin` before each answer, then `feed`. With `timestamps` the lines keep theirs.
    """

    def __init__(self, position: LogPosition | None = None, *, timestamps: bool = False) -> None:
        position = position or LogPosition()
        self.rotations = 0
        self._notice = b""
        self._keep = timestamps
        self._after = position.after.encode()
        self._window = collections.deque([stamp.encode() for stamp in position.seen])
        self._partial: tuple[bytes, int] | None = None
        if position.partial is not None:
            self._partial = (position.partial[0].encode(), position.partial[1])
        # Of this answer: lines that were given out before and have not come yet.
        self._seen: collections.Counter[bytes] = collections.Counter()
        self._left = 0
        self._replaying = False
        self._head = False
        # Bytes that may become a timestamp; the line that has begun, and how many bytes of it are
        # still to be dropped (None: all).
        self._held = b""
        self._line: bytes | None = None
        self._drop: int | None = 0

    @property
    def since(self) -> str:
        """The moment to ask from (RFC 3339, whole seconds); empty for the whole log."""
        if not self._after:
            return ""
        oldest = self._after
        if self._partial and _later(oldest, self._partial[0]) == oldest:
            oldest = self._partial[0]
        second, _fraction, zone = _parts(oldest)
        return second + zone

    @property
    def position(self) -> LogPosition:
        """How far it is now, all included that `feed` has returned."""
        window = list(self._window)
        after = _newest([self._after, *window[:-_KEPT_WINDOW]])
        partial = (self._partial[0].decode(), self._partial[1]) if self._partial else None
        seen = tuple(stamp.decode() for stamp in window[-_KEPT_WINDOW:])
        return LogPosition(after.decode(), seen, partial)

    @property
    def notice(self) -> str:
        """What the node said of its own in the last answer, empty for nothing."""
        return (self._notice or self._held).decode(errors="replace").strip()[:_NOTICE]

    def begin(self) -> None:
        """A new answer comes, asked for with `since`."""
        self._seen = collections.Counter(self._window)
        self._left = len(self._window)
        self._replaying = bool(self._after or self._window or self._partial)
        self._head = bool(self._after)
        self._notice = self._held = b""
        self._line = None

    def feed(self, block: bytes) -> bytes:
        """What is new in the next bytes of the answer."""
        data = self._held + block
        self._held = b""
        out: list[bytes] = []
        start = 0
        if self._line is not None:
            start = data.find(b"\n") + 1
            self._more_of_line(data[:start] if start else data, out)
            if not start:
                return b"".join(out)
            self._end_line()
        last = data.rfind(b"\n") + 1
        if last > start:
            self._lines(data[start:last], out)
        if last < len(data):
            self._begin_line(data[last:], out)
        return b"".join(out)

    def _lines(self, text: bytes, out: list[bytes]) -> None:
        """Whole lines."""
        if not self._replaying and not self._head:
            stamps = _PREFIXES.findall(text)
            if len(stamps) == text.count(b"\n"):
                out.append(text if self._keep else _PREFIXES.sub(b"", text))
                self._remember(stamps)
                return
        for line in text.split(b"\n")[:-1]:
            self._begin_line(line + b"\n", out)
            self._end_line()

    def _begin_line(self, text: bytes, out: list[bytes]) -> None:
        """A line, whole or as much of it as is there."""
        found = _PREFIX.match(text)
        if found is None:
            self._unmarked(text)
            return
        self._head = False
        self._line = found.group(1)
        fresh, self._drop = self._news(self._line)
        if fresh:
            self._partial = (self._line, 0)
            if self._keep:
                out.append(found.group())
        self._more_of_line(text[found.end() :], out)

    def _unmarked(self, text: bytes) -> None:
        """The beginning of a line is no timestamp: not yet, or it is no line of the log."""
        if len(text) < _LONGEST_PREFIX and not text.endswith(b"\n"):
            self._held = text
            return
        # At the head of an answer it is the end of a line that is older than what was asked for.
        if not self._head or text.startswith(_NODE_WORDS):
            self._notice = text[:_NOTICE]
        self._head = False
        self._line, self._drop = b"", None

    def _more_of_line(self, text: bytes, out: list[bytes]) -> None:
        if not self._line and self._notice:
            self._notice = (self._notice + text)[:_NOTICE]
        if self._drop is None or not self._line:
            return
        if self._drop:
            dropped = min(self._drop, len(text))
            self._drop -= dropped
            text = text[dropped:]
        if text:
            out.append(text)
            given = self._partial[1] if self._partial else 0
            self._partial = (self._line, given + len(text))

    def _end_line(self) -> None:
        if self._line and self._drop is not None:
            self._partial = None
            self._remember([self._line])
        self._line = None

    def _news(self, stamp: bytes) -> tuple[bool, int | None]:
        """Whether the line is new, and how many of its bytes are not (None: all of them)."""
        if not self._replaying:
            return True, 0
        if self._seen[stamp] > 0:
            self._seen[stamp] -= 1
            self._left -= 1
            self._replaying = bool(self._left or self._partial)
            return False, None
        if self._partial and stamp == self._partial[0]:
            self._replaying = False
            return False, self._partial[1]
        if self._after and _later(self._after, stamp) == self._after:
            return False, None
        # New, though not all that was given out has come again: it is another file.
        self.rotations += bool(self._left or self._partial)
        self._replaying = False
        self._partial = None
        return True, 0

    def _remember(self, stamps: list[bytes]) -> None:
        window = self._window
        window.extend(stamps)
        if len(window) > 2 * _WINDOW:
            old = [window.popleft() for _old in range(len(window) - _WINDOW)]
            self._after = _newest([self._after, *old])


def _parts(stamp: bytes) -> tuple[str, str, str]:
    """Date and time to the second, the fraction's digits, the zone."""
    found = _PARTS.fullmatch(stamp.decode())
    if found is None:
        raise InvalidInput(f"{stamp!r} is no timestamp")
    return found[1], found[2] or "", found[3]


def _newest(stamps: list[bytes]) -> bytes:
    """The newest of the timestamps, empty ones left out."""
    lengths = {len(stamp) for stamp in stamps if stamp}
    if len(lengths) <= 1 and all(stamp.endswith(b"Z") for stamp in stamps if stamp):
        return max(stamps, default=b"")
    return functools.reduce(_later, stamps, b"")


def _later(one: bytes, other: bytes) -> bytes:
    """The later of two timestamps, the first of equal ones; an empty one is the earliest."""
    if not one or not other:
        return one or other
    if len(one) == len(other) and one.endswith(b"Z") and other.endswith(b"Z"):
        return max(one, other)
    return max(one, other, key=_moment)


def _moment(stamp: bytes) -> tuple[float, int]:
    second, fraction, zone = _parts(stamp)
    whole = datetime.datetime.fromisoformat(second + zone)
    return whole.timestamp(), int(fraction.ljust(9, "0"))
