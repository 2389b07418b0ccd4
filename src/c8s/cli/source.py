"""What a run works on: what was asked for, or the checkout that the file lives in."""

from __future__ import annotations

import dataclasses
import pathlib

from . import pipeline_file

_NAMED_FILES = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Repository, commit, branch and tag as they were asked for or found.

    `own`: they are the checkout's that the file lives in. `notes` are what people should know.
    """

    repository: str = ""
    commit: str = ""
    branch: str = ""
    tag: str = ""
    own: bool = False
    notes: tuple[str, ...] = ()


def source_of(file: pathlib.Path, asked: Source) -> Source:
    """`asked`, or without a repository in it the checkout that `file` lives in, if it is in one.

    Of the checkout, the branch that is checked out and its last commit are taken unless another
    commit, branch or tag was asked for.
    """
    if asked.repository:
        return asked
    from ansible_collections.c8s.ci.plugins.module_utils.forges.checkout import Git
    from ansible_collections.c8s.ci.plugins.module_utils.forges.worktree import worktree_of

    folder = pathlib.Path() if file == pipeline_file.STDIN else pipeline_file.place(file).parent
    found = worktree_of(Git(), folder)
    if found is None:
        return asked
    own = dataclasses.replace(asked, repository=str(found.root), own=True)
    if asked.commit or asked.branch or asked.tag:
        return own
    if not found.commit:
        return own  # What is asked for next will say that nothing has been committed yet.
    notes = (_uncommitted(found.changed),) if found.changed else ()
    return dataclasses.replace(own, commit=found.commit, branch=found.branch, notes=notes)


def reachable(found: Source) -> Source:
    """What a cluster can clone: of a checkout on this host, its `origin` at the same revision.

    Raises InvalidInput where the checkout has none.
    """
    from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
        InvalidInput,
        Unavailable,
    )
    from ansible_collections.c8s.ci.plugins.module_utils.forges.checkout import Git
    from ansible_collections.c8s.ci.plugins.module_utils.forges.worktree import revision

    folder = pathlib.Path(found.repository)
    if not found.repository or not folder.is_dir():
        return found
    git = Git()
    try:
        origin = git("remote", "get-url", "origin", cwd=folder)
    except Unavailable as error:
        raise InvalidInput(
            f"{folder} has no remote 'origin' that a cluster could clone; give --repository URL"
        ) from error
    note = f"the cluster clones {origin}; a commit that was not pushed is not there"
    commit, branch = revision(git, folder, commit=found.commit, branch=found.branch, tag=found.tag)
    return dataclasses.replace(
        found, repository=origin, commit=commit, branch=branch, notes=(*found.notes, note)
    )


def _uncommitted(changed: tuple[str, ...]) -> str:
    named = ", ".join(changed[:_NAMED_FILES])
    more = len(changed) - _NAMED_FILES
    if more > 0:
        named += f" and {more} more"
    return f"changes that are not committed are not in the run: {named}"
