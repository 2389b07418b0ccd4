"""The fields of a record as the types they must have; whatever has another one is damage."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping
from typing import Any, TypeVar

from ..core.errors import InvalidInput, Problem
from ..core.tree import shown
from .spec import Scalar

Word = TypeVar("Word", bound=enum.StrEnum)


def rfc3339(moment: datetime.datetime) -> str:
    """An aware time in UTC with microseconds, as Kubernetes' MicroTime writes it."""
    utc = moment.astimezone(datetime.UTC)
    return utc.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_time(text: str) -> datetime.datetime:
    """An aware time from RFC 3339; ValueError where it is none."""
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    try:
        return moment.astimezone(datetime.UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


class Fields:
    """A mapping inside a record. Fields may be missing; InvalidInput where one is damaged."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, Mapping):
            raise _damage(path, value, "no mapping")
        self._entries: Mapping[str, Any] = value
        self._path = path

    def text(self, key: str, default: str = "") -> str:
        value = self._entries.get(key, default)
        if not isinstance(value, str):
            raise self._damaged(key, "no text")
        return value

    def needed_text(self, key: str) -> str:
        """A text that may not be missing or empty."""
        value = self.text(key)
        if not value:
            raise self._damaged(key, "no text")
        return value

    def word(self, key: str, words: type[Word], default: Word) -> Word:
        """One of the words of an enumeration."""
        value = self._entries.get(key, default)
        if value not in list(words):
            raise self._damaged(key, f"none of {', '.join(words)}")
        return words(value)

    def count(self, key: str) -> int:
        value = self.whole(key)
        if value is not None and value < 0:
            raise self._damaged(key, "no count")
        return value or 0

    def whole(self, key: str) -> int | None:
        value = self._entries.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise self._damaged(key, "no whole number")

    def number(self, key: str) -> float:
        value = self._entries.get(key, 0.0)
        if type(value) not in (int, float):
            raise self._damaged(key, "no number")
        return float(value)

    def flag(self, key: str) -> bool:
        value = self._entries.get(key, False)
        if not isinstance(value, bool):
            raise self._damaged(key, "neither true nor false")
        return value

    def time(self, key: str) -> datetime.datetime | None:
        value = self._entries.get(key)
        return None if value is None else self.needed_time(key)

    def needed_time(self, key: str) -> datetime.datetime:
        """A time that may not be missing."""
        try:
            return parse_time(self.needed_text(key))
        except ValueError:
            raise self._damaged(key, "no time") from None

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._list(key)
        if not all(isinstance(value, str) for value in values):
            raise self._damaged(key, "no list of texts")
        return tuple(values)

    def scalars(self, key: str) -> dict[str, Scalar]:
        values = dict(self.inside(key).entries) if key in self._entries else {}
        if not all(isinstance(value, str | int | float | bool) for value in values.values()):
            raise self._damaged(key, "no mapping of texts and numbers")
        return values

    def inside(self, key: str) -> Fields:
        """The fields of a mapping in this one."""
        return Fields(self._entries.get(key), self._at(key))

    def maybe_inside(self, key: str) -> Fields | None:
        return None if self._entries.get(key) is None else self.inside(key)

    def each_inside(self, key: str) -> list[Fields]:
        """The fields of every mapping in a list."""
        return [
            Fields(value, f"{self._at(key)}[{index}]")
            for index, value in enumerate(self._list(key))
        ]

    @property
    def entries(self) -> Mapping[str, Any]:
        return self._entries

    def _list(self, key: str) -> list[Any]:
        value = self._entries.get(key, [])
        if not isinstance(value, list):
            raise self._damaged(key, "no list")
        return value

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _damaged(self, key: str, what: str) -> InvalidInput:
        return _damage(self._at(key), self._entries.get(key), what)


def _damage(path: str, value: object, what: str) -> InvalidInput:
    found = "missing" if value is None else f"{shown(str(value))}, {what}"
    return InvalidInput(Problem(f"the run's record is damaged: this is {found}", path=path))
