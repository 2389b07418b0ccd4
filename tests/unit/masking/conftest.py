"""Both matchers, and a reference that does what they do in the plainest way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.masking.forms import Forms
from ansible_collections.c8s.ci.plugins.module_utils.masking.masker import MARKER

Reference = Callable[..., bytes]

GAP = 64
FIRST, NEXT = 6, 56


@pytest.fixture(params=["hyperscan", "python"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def reference() -> Reference:
    """`reference(forms, data, marker)`: what masking `data` must give."""
    return mask_plainly


def mask_plainly(
    forms: Forms, data: bytes, marker: bytes = MARKER.encode(), *, case_insensitive: bool = False
) -> bytes:
    brought = [(at, at + len(marker)) for at in range(len(data)) if data[at:].startswith(marker)]
    matches = sorted(
        (start, end)
        for start, end in set(_matches(forms, data.lower() if case_insensitive else data))
        if not any(first <= start and end <= last for first, last in brought)
    )
    output: list[bytes] = []
    position = -1  # up to where the input is dealt with; -1: nothing yet
    for start, end in matches:
        if start > position:
            ahead = [last for first, last in brought if first < start < last or first == start]
            if ahead:  # the marker is there already
                output.append(data[max(position, 0) : max(ahead)])
            else:
                output += [data[max(position, 0) : start], marker]
        position = max(position, end)
        position = max([position] + [last for first, last in brought if first < position < last])
    return b"".join([*output, data[max(position, 0) :]])


def _matches(forms: Forms, data: bytes) -> Iterator[tuple[int, int]]:
    for text in forms.literals:
        start = data.find(text)
        while start >= 0:
            yield start, start + len(text)
            start = data.find(text, start + 1)
    by_byte: dict[int, list[tuple[bytes, bool]]] = {}
    for text in forms.spaced:
        by_byte.setdefault(text[0], []).append((text, True))
    for text in forms.wrapped:
        by_byte.setdefault(text[0], []).append((text, False))
    for start, byte in enumerate(data):
        for text, spaced in by_byte.get(byte, []):
            end = (
                _spaced_end(text.split(b" "), data, start)
                if spaced
                else _wrapped_end(text, data, start)
            )
            if end is not None:
                yield start, end


def _spaced_end(words: list[bytes], data: bytes, position: int) -> int | None:
    for number, word in enumerate(words):
        if number:
            gap = 0
            while gap < GAP and data[position + gap : position + gap + 1].isspace():
                gap += 1
            if not gap:
                return None
            position += gap
        if data[position : position + len(word)] != word:
            return None
        position += len(word)
    return position


def _wrapped_end(text: bytes, data: bytes, position: int) -> int | None:
    since, least = 0, FIRST
    for number, byte in enumerate(text):
        cut = 0
        if number:
            if data[position : position + 2] == b"\r\n":
                cut = 2
            elif data[position : position + 1] == b"\n":
                cut = 1
        if cut:
            if since < least:
                return None
            since, least = 0, NEXT
            position += cut
            indent = 0
            while indent < GAP and data[position : position + 1] in (b" ", b"\t"):
                position, indent = position + 1, indent + 1
        if data[position : position + 1] != bytes((byte,)):
            return None
        position, since = position + 1, since + 1
    return position
