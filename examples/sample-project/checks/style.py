"""A few habits of this project that need no tool: usage: style.py FOLDER..."""

from __future__ import annotations

import ast
import pathlib
import sys
from collections.abc import Iterator

LONGEST_LINE = 100


def faults(path: pathlib.Path) -> Iterator[str]:
    """What is wrong in one file."""
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LONGEST_LINE:
            yield f"{path}:{number}: longer than {LONGEST_LINE} characters"
        if line != line.rstrip():
            yield f"{path}:{number}: blanks at the end"
    tree = ast.parse(text, str(path))
    if not path.name.startswith("test_") and ast.get_docstring(tree) is None:
        yield f"{path}:1: no docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"{path}:{node.lineno}: an except that catches everything"


def main(folders: list[str]) -> int:
    """Print all faults; the exit code."""
    files = [path for folder in folders for path in sorted(pathlib.Path(folder).rglob("*.py"))]
    found = [fault for path in files for fault in faults(path)]
    print(*found, f"{len(files)} files, {len(found)} faults", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
