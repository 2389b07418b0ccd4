"""The last lines of a file, without reading the rest of it."""

from __future__ import annotations

import os
from typing import IO

_BLOCK = 64 * 1024


def tail_offset(stream: IO[bytes], count: int) -> int:
    """Where the last `count` lines of an open file begin; a line need not be ended yet."""
    end = stream.seek(0, os.SEEK_END)
    if count <= 0:
        return end
    place, missing = end, count
    while place > 0:
        begin = max(0, place - _BLOCK)
        stream.seek(begin)
        block = stream.read(place - begin)
        # The newline that ends the last line begins no further one.
        found = len(block) - 1 if place == end and block.endswith(b"\n") else len(block)
        while (found := block.rfind(b"\n", 0, found)) >= 0:
            missing -= 1
            if missing == 0:
                return begin + found + 1
        place = begin
    return 0


def last_lines(stream: IO[bytes], count: int) -> bytes:
    """The last `count` lines of an open file."""
    stream.seek(tail_offset(stream, count))
    return stream.read()
