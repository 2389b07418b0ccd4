"""One file of a commit, without a checkout of it."""

from __future__ import annotations

import pathlib
import tempfile

from ..core.errors import InvalidInput, NotFound, Unavailable
from .checkout import Git, Wanted, mirror
from .repository import Repository

SIZE_LIMIT = 2 * 1024 * 1024
"""More than a pipeline file may have, so that its reader is the one to refuse it."""


def committed_file(git: Git, source: Repository, commit: str, path: str) -> bytes:
    """The content of the file at `path`, relative to the repository's root, in `commit`.

    Raises NotFound where the commit has no such file, InvalidInput where that is no file, or one
    of more than SIZE_LIMIT bytes.
    """
    with tempfile.TemporaryDirectory(prefix="c8s-file-") as folder:
        copy = mirror(git, source, pathlib.Path(folder) / "copy", Wanted(commit, depth=1))
        name = f"{commit}:{path}"
        try:
            kind = git("cat-file", "-t", name, cwd=copy)
        except Unavailable as error:
            raise NotFound(f"commit {commit[:12]} of {source.url} has no file {path!r}") from error
        if kind != "blob":
            raise InvalidInput(f"{path!r} in commit {commit[:12]} of {source.url} is no file")
        if int(git("cat-file", "-s", name, cwd=copy)) > SIZE_LIMIT:
            raise InvalidInput(
                f"{path!r} in commit {commit[:12]} is larger than {SIZE_LIMIT} bytes"
            )
        return git.read("cat-file", "blob", name, cwd=copy)
