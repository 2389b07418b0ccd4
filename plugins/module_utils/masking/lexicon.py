"""A sorted set of texts, asked what begins at a place and what may still come to begin there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable


class Lexicon:
    """Answers in logarithmic time, however many texts there are and however they nest.

    Each text knows the longest other text that it begins with (its parent), so that the texts
    which begin one another form chains; a jump pointer for each makes a chain of any length
    climbable in logarithmic time.
    """

    __slots__ = ("_jumps", "_parents", "_texts", "longest")

    def __init__(self, texts: Iterable[bytes]) -> None:
        self._texts = sorted(set(texts))
        self._parents: list[int] = []
        self._jumps: list[int] = []
        self.longest = max(map(len, self._texts), default=0)
        depths: list[int] = []
        chain: list[int] = []
        for index, text in enumerate(self._texts):
            while chain and not text.startswith(self._texts[chain[-1]]):
                chain.pop()
            parent = chain[-1] if chain else -1
            self._parents.append(parent)
            self._jumps.append(self._jump_from(parent, depths))
            depths.append(depths[parent] + 1 if parent >= 0 else 0)
            chain.append(index)

    def _jump_from(self, parent: int, depths: list[int]) -> int:
        if parent < 0:
            return -1
        jump = self._jumps[parent]
        if jump < 0:
            return parent
        far = self._jumps[jump]
        below = depths[far] if far >= 0 else -1
        return far if depths[parent] - depths[jump] == depths[jump] - below else parent

    def __bool__(self) -> bool:
        return bool(self._texts)

    def longest_at(self, data: bytes, start: int, stop: int | None = None) -> int:
        """Length of the longest text that stands in `data` at `start` and ends by `stop`, or 0."""
        window = data[start : start + self.longest if stop is None else stop]
        # Whatever begins the window sorts at or before it, and everything between the two begins
        # with it: it is the last text up to the window, or in the chain of that one.
        index = bisect_right(self._texts, window) - 1
        if index < 0:
            return 0
        text = self._texts[index]
        if window.startswith(text):
            return len(text)
        if self._parents[index] < 0:
            return 0
        shared = _shared_length(window, text)
        while index >= 0 and len(self._texts[index]) > shared:
            jump = self._jumps[index]
            if jump >= 0 and len(self._texts[jump]) > shared:
                index = jump
            else:
                index = self._parents[index]
        return len(self._texts[index]) if index >= 0 else 0

    def is_begun_by(self, tail: bytes) -> bool:
        """Whether `tail` is the beginning of a text that is longer than it."""
        index = bisect_right(self._texts, tail)
        return index < len(self._texts) and self._texts[index].startswith(tail)


def _shared_length(left: bytes, right: bytes) -> int:
    """How many bytes both begin with, in a logarithmic number of comparisons."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
