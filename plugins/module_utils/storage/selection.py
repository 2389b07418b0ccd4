"""Pick files of a folder by globs, never reaching out of it."""

from __future__ import annotations

import glob
import hashlib
import os
import pathlib
from collections.abc import Iterable, Sequence

from ..core.errors import InvalidInput


def select(root: pathlib.Path, patterns: Iterable[str]) -> list[pathlib.Path]:
    """Files and links below `root` that the patterns name, relative to it, sorted.

    A pattern that names a folder takes all in it; `**` reaches any depth. What lies outside, by
    `..` or through a link, is never picked. Raises InvalidInput for a pattern that points there.
    """
    real_root = os.path.realpath(root)
    found: set[str] = set()
    for pattern in patterns:
        if os.path.isabs(pattern) or ".." in pathlib.PurePath(pattern).parts:
            raise InvalidInput(f"the path {pattern!r} points out of the workspace")
        for name in glob.glob(pattern, root_dir=root, recursive=True, include_hidden=True):
            if not _inside(real_root, os.path.join(root, name)):
                continue
            full = os.path.join(root, name)
            if os.path.isdir(full) and not os.path.islink(full):
                found.update(_files_below(root, full))
            else:
                found.add(os.path.normpath(name))
    return [pathlib.Path(name) for name in sorted(found)]


def _inside(real_root: str, path: str) -> bool:
    """Whether the folder that holds `path` really is below the root."""
    parent = os.path.realpath(os.path.dirname(path) or ".")
    return parent == real_root or parent.startswith(real_root + os.sep)


def _files_below(root: pathlib.Path, folder: str) -> list[str]:
    found = []
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        found += [os.path.relpath(os.path.join(place, name), root) for name in files + links]
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
