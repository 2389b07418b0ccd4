"""Semantic versions (https://semver.org): read, compare, raise.

>>> str(parse("v1.2.3-rc.1").raised("minor"))
'1.3.0'
>>> parse("1.0.0-alpha") < parse("1.0.0-alpha.1") < parse("1.0.0")
True
"""

from __future__ import annotations

import dataclasses
import functools
import re

_VERSION = re.compile(
    r"v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)


@functools.total_ordering
@dataclasses.dataclass(frozen=True)
class Version:
    """Three numbers, and what a pre-release is called."""

    major: int
    minor: int
    patch: int
    before: tuple[str, ...] = ()

    def __str__(self) -> str:
        numbers = f"{self.major}.{self.minor}.{self.patch}"
        return f"{numbers}-{'.'.join(self.before)}" if self.before else numbers

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[object, ...]:
        """Numbers come before words, and any pre-release before its release."""
        words = [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in self.before]
        return self.major, self.minor, self.patch, not self.before, words

    def raised(self, part: str) -> Version:
        """The next version for a change of that part: major, minor or patch."""
        if part == "major":
            return Version(self.major + 1, 0, 0)
        if part == "minor":
            return Version(self.major, self.minor + 1, 0)
        if self.before:
            return Version(self.major, self.minor, self.patch)
        return Version(self.major, self.minor, self.patch + 1)


def parse(text: str) -> Version:
    """The version in a text such as `1.2.3`, `v1.2.3-rc.1`; ValueError where it is none."""
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no version like 1.2.3 or 1.2.3-rc.1")
    major, minor, patch, before = match.groups()
    return Version(int(major), int(minor), int(patch), tuple(before.split(".")) if before else ())
