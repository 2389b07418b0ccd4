"""Which part finds the keys: the native one where it is installed, else the plain one."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Protocol

from ..core.errors import Unavailable
from .hyperscan_scanner import HyperscanScanner
from .pair_scanner import PairScanner


class Scanner(Protocol):
    """A compiled set of keys; none of them begins another."""

    def find(self, data: bytes, start: int, stop: int) -> list[tuple[int, int]]:
        """Every (place, index of key) with the key within `data[start:stop]`, in no set order."""


class Engine(enum.StrEnum):
    """`AUTO` takes Hyperscan where it is installed."""

    AUTO = "auto"
    HYPERSCAN = "hyperscan"
    PYTHON = "python"


def scanner(keys: Sequence[bytes], engine: Engine = Engine.AUTO) -> Scanner:
    """A scanner for `keys`.

    Raises Unavailable where Hyperscan is asked for and cannot be used.
    """
    if engine is not Engine.PYTHON:
        try:
            return HyperscanScanner(keys)
        except Unavailable:
            if engine is Engine.HYPERSCAN:
                raise
    return PairScanner(keys)
