"""A log that grows, as objects: each part holds what follows a certain byte, and the mark from
which another one may go on. A part is written again, longer, until it is long enough; so little
is lost with whoever writes them, and there are few of them.

A part's content counts up to where the next part begins: the log is the same whoever writes it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from ..core.errors import NotFound, Unavailable
from .log_mark import LogMark
from .objects import Objects

_DIGITS = 15
_LOOKS = 5


@dataclasses.dataclass(frozen=True, slots=True)
class LogPart:
    """What the log holds from byte `start` on."""

    start: int
    mark: LogMark
    content: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.content)


class LogParts:
    """The parts below `prefix`."""

    def __init__(self, objects: Objects, prefix: str) -> None:
        self._objects = objects
        self._prefix = prefix

    def starts(self) -> list[int]:
        """With which bytes the parts that there are begin, sorted."""
        keys = (
            found.key.removeprefix(self._prefix) for found in self._objects.listing(self._prefix)
        )
        return [int(key) for key in keys if key.isdigit()]

    def put(self, part: LogPart) -> None:
        self._objects.put(self._key(part.start), part.mark.as_json() + b"\n" + part.content)

    def get(self, start: int) -> LogPart:
        """NotFound where there is none, Unavailable for one that is damaged."""
        key = self._key(start)
        head, _newline, content = self._objects.get(key).partition(b"\n")
        return LogPart(start, LogMark.parse(head, self._objects.url(key)), content)

    def delete(self, starts: list[int]) -> None:
        self._objects.delete([self._key(start) for start in starts])

    def clear(self) -> None:
        """Remove all of them."""
        self.delete(self.starts())

    def whole(self) -> list[LogPart]:
        """All parts, each without what the next one has; again from the start where they change
        meanwhile."""
        for _look in range(_LOOKS):
            try:
                found = [self.get(start) for start in self.starts()]
            except NotFound:
                continue
            return list(_cut(found))
        raise Unavailable(f"the parts below {self._objects.url(self._prefix)} change all the time")

    def read(self, begin: int) -> Iterator[bytes]:
        """What is there without a gap from byte `begin` on.

        NotFound where the parts go away meanwhile.
        """
        starts = self.starts()
        if not starts or starts[0] != 0:
            return
        for number, start in enumerate(starts):
            after = starts[number + 1] if number + 1 < len(starts) else None
            if after is not None and after <= begin:
                continue
            content = self.get(start).content
            if after is not None:
                content = content[: after - start]
            yield content[max(0, begin - start) :]
            if after is not None and start + len(content) < after:
                return

    def _key(self, start: int) -> str:
        return f"{self._prefix}{start:0{_DIGITS}d}"


def _cut(parts: list[LogPart]) -> Iterator[LogPart]:
    for number, part in enumerate(parts):
        if number + 1 < len(parts):
            room = parts[number + 1].start - part.start
            part = dataclasses.replace(part, content=part.content[:room])
        yield part


def newest_mark(parts: list[LogPart], origin: str) -> LogMark | None:
    """From where to go on with the log of `origin`; None where the parts are of another."""
    if not parts or any(part.mark.origin != origin for part in parts):
        return None
    mark = max((part.mark for part in parts), key=lambda each: each.size)
    return mark if parts[-1].end >= mark.size else None
