"""What is said on stderr, and how: in colour where a person looks at it."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
from collections.abc import Mapping
from typing import IO

_CODES = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "dim": 2}


def coloured(stream: IO[str], environment: Mapping[str, str] | None = None) -> bool:
    """Whether a stream takes colours (https://no-color.org)."""
    environment = os.environ if environment is None else environment
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return stream.isatty()


def lively(stream: IO[str], environment: Mapping[str, str] | None = None) -> bool:
    """Whether a picture that changes may be drawn on a stream."""
    environment = os.environ if environment is None else environment
    return coloured(stream, environment) and not environment.get("CI")


def paint(text: str, colour: str, *, bold: bool = False, stream: IO[str] | None = None) -> str:
    """The text in a colour, where the stream (stderr) takes any."""
    if not coloured(stream or sys.stderr):
        return text
    return f"\x1b[{'1;' if bold else ''}{_CODES[colour]}m{text}\x1b[0m"


def say(text: str) -> None:
    """A line on stderr. Nobody reading it is no reason to stop."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def user() -> str:
    """Who gives the command, also where the system knows no name for them."""
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):
        return f"uid {os.getuid()}"
