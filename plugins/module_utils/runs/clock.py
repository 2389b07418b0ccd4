"""What time it is, for whatever is handed a clock instead of reading one."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime.datetime]
"""Gives the time, with its zone."""


def utc_now() -> datetime.datetime:
    """The time by this host."""
    return datetime.datetime.now(datetime.UTC)
