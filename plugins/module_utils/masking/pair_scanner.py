"""Finds keys with the standard library alone, where Hyperscan is not installed.

A text is read as 16-bit units (two bytes each, which decoding does at memory speed). Each key is
looked for by a few of its units that stand side by side when the key begins at an even place, and
by others for an odd one. One character class holds every first unit, one every second unit, and so
on, so that the regular expression engine walks the text once in C whatever the number of keys. What
passes is looked up by its bytes and compared. The units are chosen among those that are rare in
logs, and shared between keys, so that little passes.
"""

from __future__ import annotations

import codecs
import functools
import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

# What logs look like, for guessing how often two bytes follow each other in them.
_SAMPLE = b"""\
2026-01-07T09:14:32.4081235Z ##[group]Run actions/checkout@v4
2026-01-07T09:14:33.9917342Z Get:12 http://deb.debian.org/debian bookworm/main amd64 zlib1g [86 kB]
  Downloading requests-2.31.0-py3-none-any.whl (62 kB)
Collecting urllib3<3,>=1.21.1 (from requests==2.31.0->-r requirements.txt (line 4))
Successfully installed certifi-2024.2.2 charset-normalizer-3.3.2 idna-3.6 urllib3-2.2.1
npm WARN deprecated inflight@1.0.6: This module is not supported, and leaks memory.
added 1279 packages, and audited 1280 packages in 37s
tests/unit/test_client.py::test_reads_the_configuration[default-10] PASSED [ 45%]
ok      example.com/project/internal/server     0.413s  coverage: 81.6% of statements
#14 [builder 5/9] RUN go mod download && CGO_ENABLED=0 go build -o /out/app ./cmd/app
#14 sha256:9f2d4a51e3c07b8f66d0ba1c5e7a9024d8b3f17ce05a6e42918dbf7035c2ae64 3.41MB / 27.9MB 0.8s
--- FAIL: TestRetryAfterTimeout (0.02s)
    client_test.go:118: unexpected status: got 503, want 200
INFO  [main] o.s.b.w.embedded.tomcat.TomcatWebServer : Tomcat started on port(s): 8080 (http)
[INFO] Building project-core 1.4.2-SNAPSHOT   [3/12] --- maven-compiler-plugin:3.11.0:compile
   Compiling serde_json v1.0.108 (/usr/local/cargo/registry/src/index.crates.io/serde_json)
{"level":"info","ts":1767777777.123,"caller":"run.go:87","msg":"step finished","name":"build"}
/usr/lib/x86_64-linux-gnu/ /home/runner/work/project/node_modules/.bin/eslint --max-warnings=0
remote: Counting objects: 100% (412/412), done.  HEAD is now at 3b7e1f0 Read empty lines
TASK [web : Install packages] ****************************  changed: [host-01.example.com]
"""
_FOLLOW = Counter(itertools.pairwise(_SAMPLE))
_ALONE = Counter(_SAMPLE)

# Measured: a first unit that matches costs as much as reading `_FIRST_COST` bytes, and what passes
# all units as much as `_ALL_COST` bytes. More than _MOST_UNITS do not pay.
_FIRST_COST = 40
_ALL_COST = 250
_MOST_UNITS = 4
# Of how many windows a key may choose: more make compiling slow and little else fast.
_CHOICE = 6

# Units with a high byte above 127 could be halves of a surrogate pair; seven bits keep clear of it.
_SEVEN_BITS = bytes(byte & 0x7F for byte in range(256))


class PairScanner:
    """Reports every place in a text where a key begins; keys are at least five bytes long."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)
        # As many units as the shortest key has, wherever it begins: the more, the less passes.
        shortest = min(map(len, keys), default=5)
        self._size = 2 * min(_MOST_UNITS, (shortest - 1) // 2)
        # Where each key is looked up by its bytes: bytes -> (index of key, offset in it).
        self._places: dict[bytes, list[tuple[int, int]]] = {}
        classes = _Classes(self._size // 2)
        choices = [
            (index, _windows(key.translate(_SEVEN_BITS), parity, self._size))
            for index, key in enumerate(keys)
            for parity in (0, 1)
        ]
        # Those that have nothing rare to offer choose first: what they need, others may share.
        for key, windows in sorted(choices, key=lambda choice: -choice[1][0].frequency):
            offset = classes.choose(windows).offset
            bytes_there = self._keys[key][offset : offset + self._size]
            self._places.setdefault(bytes_there, []).append((key, offset))
        self._units = classes.expression()

    def find(self, data: bytes, start: int, stop: int) -> list[tuple[int, int]]:
        """Every (place, index of key) with the key within `data[start:stop]`, in no set order."""
        hits: list[tuple[int, int]] = []
        if not self._keys:
            return hits
        block = data if start == 0 and stop >= len(data) else data[start:stop]
        units = codecs.utf_16_le_decode(
            block if block.isascii() else block.translate(_SEVEN_BITS), "surrogatepass", False
        )[0]
        size, candidates_of = self._size, self._places.get
        for match in self._units.finditer(units):
            place = 2 * match.start()
            candidates = candidates_of(block[place : place + size])
            if candidates is not None:
                for key, offset in candidates:
                    # Below 0 it counts from the block's end, nearer to it than the key is long.
                    if block.startswith(self._keys[key], place - offset):
                        hits.append((start + place - offset, key))
        return hits


class _Window(NamedTuple):
    """Some units of a key side by side, and about how many places in a log hold them."""

    frequency: float
    offset: int
    units: tuple[bytes, ...]


def _windows(key: bytes, parity: int, size: int) -> list[_Window]:
    """The rarest few of the windows of `size` bytes at offsets of one parity, best first."""
    windows = []
    for offset in range(parity, len(key) - size + 1, 2):
        units = tuple(key[at : at + 2] for at in range(offset, offset + size, 2))
        windows.append(_Window(math.prod(map(_frequency, units)), offset, units))
    return sorted(windows)[:_CHOICE]


class _Classes:
    """The units wanted at each of some places side by side, kept as rare together as can be."""

    def __init__(self, count: int) -> None:
        self._classes: list[set[bytes]] = [set() for place in range(count)]
        self._frequencies = [0.0] * count

    def choose(self, windows: list[_Window]) -> _Window:
        """Add the window that costs the least."""
        least, best, frequencies = math.inf, windows[0], self._frequencies
        for window in windows:
            option = [
                frequency if unit in units else frequency + _frequency(unit)
                for frequency, units, unit in zip(
                    self._frequencies, self._classes, window.units, strict=True
                )
            ]
            cost = option[0] * (_FIRST_COST + _ALL_COST * math.prod(option[1:]))
            if cost < least:
                least, best, frequencies = cost, window, option
        self._frequencies = frequencies
        for units, unit in zip(self._classes, best.units, strict=True):
            units.add(unit)
        return best

    def expression(self) -> re.Pattern[str]:
        """Matches one unit of the first class in front of one of each of the others."""
        first, *others = map(_unit_class, self._classes)
        return re.compile(f"{first}(?={''.join(others)})")


@functools.cache
def _frequency(unit: bytes) -> float:
    """About how many of the places in a log hold these two bytes."""
    one, two = unit
    # Pairs that the sample lacks are judged by how common their bytes are.
    alone = (_ALONE[one] + 0.5) * (_ALONE[two] + 0.5) / len(_SAMPLE)
    return (_FOLLOW[one, two] + 0.3 * alone) / len(_SAMPLE)


def _unit_class(units: set[bytes]) -> str:
    """A character class of 16-bit units; of none, one that matches nothing."""
    points = sorted(int.from_bytes(unit, "little") for unit in units)
    return "[" + "".join(f"\\u{point:04x}" for point in points) + "]" if points else "(?!)"
