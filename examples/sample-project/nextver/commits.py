"""What the subjects of commits mean for the version."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SUBJECT = re.compile(r"(?P<kind>[a-z]+)(?:\([^)]*\))?(?P<breaking>!)?: ")
_ORDER = ("patch", "minor", "major")


def part_of(subject: str) -> str:
    """The part of the version that one commit raises."""
    match = _SUBJECT.match(subject)
    if match and match["breaking"]:
        return "major"
    return "minor" if match and match["kind"] == "feat" else "patch"


def part_of_all(subjects: Iterable[str]) -> str:
    """The part that all of them together raise; empty where there is no commit."""
    parts = {part_of(subject) for subject in subjects if subject.strip()}
    return max(parts, key=_ORDER.index, default="")
