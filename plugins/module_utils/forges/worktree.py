"""The checkout that somebody works in, as it stands now."""

from __future__ import annotations

import dataclasses
import pathlib

from ..core.errors import Unavailable
from .checkout import Git


@dataclasses.dataclass(frozen=True, slots=True)
class Worktree:
    """A checkout. `commit` is empty before the first one, `branch` also where HEAD is detached.

    `changed` are the files with changes that no commit holds, untracked ones included, relative to
    `root`.
    """

    root: pathlib.Path
    commit: str
    branch: str
    changed: tuple[str, ...]


def worktree_of(git: Git, folder: pathlib.Path) -> Worktree | None:
    """The checkout that `folder` is in, or None where it is in none.

    Raises Unavailable with git's own words where git refuses it (another user's, say).
    """
    folder = folder.absolute()
    if not any((above / ".git").exists() for above in (folder, *folder.parents)):
        return None
    root = pathlib.Path(git("rev-parse", "--show-toplevel", cwd=folder))
    return Worktree(root, *revision(git, root), _changed(git, root))


def revision(
    git: Git, folder: pathlib.Path, *, commit: str = "", branch: str = "", tag: str = ""
) -> tuple[str, str]:
    """The commit and the branch that are meant in the folder of a repository.

    As they are given where any of the three is; else those of the checkout: its last commit, and
    the branch that is checked out; neither before the first commit. A bare repository has no
    branch checked out.
    """
    if commit or branch or tag:
        return commit, branch
    commit = _said(git, folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if commit and (folder / ".git").exists():
        branch = _said(git, folder, "symbolic-ref", "--quiet", "--short", "HEAD")
    return commit, branch


def _said(git: Git, root: pathlib.Path, *arguments: str) -> str:
    """What git says; nothing where it says no."""
    try:
        return git(*arguments, cwd=root)
    except Unavailable:
        return ""


def _changed(git: Git, root: pathlib.Path) -> tuple[str, ...]:
    listed = git(
        "-c", "core.fsmonitor=false", "status", "--porcelain=v2", "-z", "--no-renames", cwd=root
    )  # fmt: skip
    return tuple(path for path in map(_path, listed.split("\0")) if path)


def _path(entry: str) -> str:
    """The path of an entry of git-status(1)'s porcelain format 2."""
    fields = {"1": 8, "u": 10, "?": 1}.get(entry[:1])
    return entry.split(" ", fields)[fields] if fields else ""
