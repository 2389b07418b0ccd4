"""Writes the help texts of the command `c8s` into its page of the documentation.

Every block of the page that begins with `$ c8s ... --help` is followed by what that prints today.
Run it after a change of the command: `.venv/bin/python scripts/command_reference.py`.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from c8s.cli.app import command
from c8s.cli.main import main as c8s

PAGE = Path(__file__).resolve().parent.parent / "docs" / "command.md"
WIDTH = 80
_BLOCK = re.compile(r"^(```text\n\$ c8s (.*?) ?--help\n).*?^```$", re.DOTALL | re.MULTILINE)


def verbs() -> Iterator[tuple[str, ...]]:
    """The words that lead to every verb, those that are groups included."""
    yield from _below(command(), ())


def _below(group: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield words
    for name, verb in getattr(group, "commands", {}).items():
        if not verb.hidden:
            yield from _below(verb, (*words, name))


def help_of(*words: str) -> str:
    """What the command prints when it is asked for help, on a terminal of 80 columns."""
    os.environ["COLUMNS"] = str(WIDTH)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        c8s([*words, "--help"])
    return printed.getvalue()


def page(text: str) -> str:
    """The page with the help texts of today in it."""
    return _BLOCK.sub(lambda block: f"{block[1]}{help_of(*block[2].split())}```", text)


def main() -> None:
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
