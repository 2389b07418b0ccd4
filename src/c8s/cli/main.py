"""The first instructions of the command, and what becomes of every error.

What has to be fast does not wait for the rest: `c8s --version` imports nothing of it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from .version import PROGRAM, say_version

COMPLETE_VARIABLE = "_C8S_COMPLETE"
_VERBOSE = re.compile(r"-v+|--verbose")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:
        return say_version()
    if COMPLETE_VARIABLE in os.environ:
        from .completion import answer

        return answer(words)
    words, verbose = _without_verbose(words)
    from .ending import guarded

    return guarded(lambda: _command(words), debug=verbose or bool(os.environ.get("C8S_DEBUG")))


def _command(words: Sequence[str]) -> int:
    from .app import command

    try:
        command()(list(words), prog_name=PROGRAM)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _without_verbose(words: Sequence[str]) -> tuple[list[str], bool]:
    """The words without `-v`, which may stand anywhere before a `--`, and whether it was there."""
    end = words.index("--") if "--" in words else len(words)
    kept = [word for word in words[:end] if not _VERBOSE.fullmatch(word)]
    return [*kept, *words[end:]], len(kept) < end
