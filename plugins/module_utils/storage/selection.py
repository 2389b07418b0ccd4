"""Pick files of a folder by globs, never reaching out of it."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import pathlib
import re
from collections.abc import Iterable, Sequence

from ..core.errors import InvalidInput

_MAGIC = re.compile(r"[*?\[]")


def select(root: pathlib.Path, patterns: Iterable[str]) -> list[pathlib.Path]:
    """Files and links below `root` that the patterns name, relative to it, sorted.

    A pattern that names a folder takes all in it; `**` reaches any depth. Links are never followed
    but where a pattern spells one out that leads to a folder below `root`. Raises InvalidInput for
    a pattern that points out of it.
    """
    found: set[str] = set()
    for pattern in patterns:
        if os.path.isabs(pattern) or ".." in pathlib.PurePath(pattern).parts:
            raise InvalidInput(f"the path {pattern!r} points out of the workspace")
        found |= _expanded(str(root), _parts(pattern))
    return [pathlib.Path(name) for name in sorted(found)]


def _parts(pattern: str) -> list[str]:
    """The parts of a pattern, without those that say nothing."""
    parts: list[str] = []
    for part in pattern.split("/"):
        if part not in ("", ".") and not (part == "**" and parts[-1:] == ["**"]):
            parts.append(part)
    return parts


def _expanded(root: str, parts: Sequence[str]) -> set[str]:
    """What a pattern names. Each folder is looked into once for each part of it, and no more."""
    found: set[str] = set()
    waiting, seen = [("", 0)], {("", 0)}

    def go_on(folder: str, position: int) -> None:
        if (folder, position) not in seen:
            seen.add((folder, position))
            waiting.append((folder, position))

    while waiting:
        folder, position = waiting.pop()
        if position == len(parts):
            found.update(_files_below(root, folder))
            continue
        part, last = parts[position], position + 1 == len(parts)
        if part == "**":
            go_on(folder, position + 1)
        elif not _MAGIC.search(part):
            name = os.path.join(folder, part)
            full = os.path.join(root, name)
            if os.path.isdir(full) and not (last and os.path.islink(full)):
                if inside(root, full):
                    go_on(name, position + 1)
            elif last and os.path.lexists(full):
                found.add(name)
            continue
        fits = re.compile(fnmatch.translate(part)).match
        for name, is_folder in _entries(root, folder):
            if part == "**":
                if is_folder:
                    go_on(name, position)
            elif fits(os.path.basename(name)):
                if is_folder:
                    go_on(name, position + 1)
                elif last:
                    found.add(name)
    return found


def _entries(root: str, folder: str) -> list[tuple[str, bool]]:
    """What is in a folder below the root, and whether each is a folder, no link to one."""
    with os.scandir(os.path.join(root, folder)) as entries:
        return [
            (os.path.join(folder, entry.name), entry.is_dir(follow_symlinks=False))
            for entry in entries
        ]


def inside(root: str | pathlib.Path, path: str | pathlib.Path) -> bool:
    """Whether a path, all links followed, is below the root (or will be, once it is made)."""
    real, real_root = os.path.realpath(path), os.path.realpath(root)
    return real == real_root or real.startswith(real_root + os.sep)


def _files_below(root: str, folder: str) -> list[str]:
    found: list[str] = []
    waiting = [folder]
    while waiting:
        for name, is_folder in _entries(root, waiting.pop()):
            (waiting if is_folder else found).append(name)
    return found


def digest(root: pathlib.Path, patterns: Sequence[str]) -> str:
    """SHA-256 over names and contents of the selected files; the same whatever their order."""
    total = hashlib.sha256()
    for path in select(root, patterns):
        full = root / path
        if full.is_file() and not full.is_symlink():
            with open(full, "rb") as stream:
                content = hashlib.file_digest(stream, "sha256").digest()
            total.update(os.fsencode(path) + b"\0" + content)
    return total.hexdigest()
