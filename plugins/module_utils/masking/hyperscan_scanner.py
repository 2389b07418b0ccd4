"""Finds keys with Hyperscan, the native multi-pattern matcher."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.errors import Unavailable


class HyperscanScanner:
    """Reports every place in a text where a key begins.

    Blocks are scanned, not Hyperscan's streams: both run at the same rate, and who holds a
    beginning back must look at its bytes anyway. So no log costs native memory, and any number of
    threads may scan with one compiled set.

    Raises Unavailable where the library is missing or the processor lacks what it needs.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        try:
            # Imported here because most programs that stand on this collection never mask.
            import hyperscan
        except ImportError as fault:
            raise Unavailable(
                f"masking with Hyperscan: {fault}; install the Python package hyperscan, "
                "or leave the choice to 'auto'"
            ) from fault
        self._lengths = [len(key) for key in keys]
        self._database: Any = None
        self._idle: list[Any] = []
        if keys:
            self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
            try:
                self._database.compile(
                    # Escaped: the literal interface takes a zero byte for a key's end.
                    expressions=[b"".join(b"\\x%02x" % byte for byte in key) for key in keys],
                    ids=list(range(len(keys))),
                    elements=len(keys),
                    flags=[0] * len(keys),
                )
            except hyperscan.ArchitectureError as fault:
                raise Unavailable(
                    "masking with Hyperscan: this processor lacks the instructions that it needs; "
                    "leave the choice to 'auto'"
                ) from fault

    def find(self, data: bytes, start: int, stop: int) -> list[tuple[int, int]]:
        """Every (place, index of key) with the key within `data[start:stop]`, in no set order."""
        hits: list[tuple[int, int]] = []
        if self._database is None or stop - start < 1:
            return hits
        lengths = self._lengths

        def on_match(key: int, _begin: int, end: int, _flags: int, _context: object) -> None:
            hits.append((start + end - lengths[key], key))

        block = data if start == 0 and stop >= len(data) else memoryview(data)[start:stop]
        # A scratch space serves one scan at a time; popping and appending are atomic.
        try:
            scratch = self._idle.pop()
        except IndexError:
            scratch = self._database.scratch.clone()
        self._database.scan(block, match_event_handler=on_match, scratch=scratch)
        self._idle.append(scratch)
        return hits
