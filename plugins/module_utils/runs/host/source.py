"""The commit of a run, fetched once and handed to every step that wants it."""

from __future__ import annotations

import pathlib
import threading

from ...core.errors import C8sError
from ...forges.checkout import Git, Wanted, fill, mirror
from ...forges.repository import Repository
from ...pipeline.run import Run
from ..step_fault import StepFault


class Source:
    """Fills workspaces with a run's commit. Fetches on the first demand, whoever makes it."""

    def __init__(self, run: Run, repository: Repository | None, folder: pathlib.Path) -> None:
        self._run = run
        self._repository = repository
        self._folder = folder / "repository"
        self._lock = threading.Lock()
        self._copy: pathlib.Path | None = None

    def fill(self, workspace: pathlib.Path, git: Git) -> None:
        """Put the commit there; StepFault (CloneFailed) with git's own words where that fails."""
        clone = self._run.pipeline.clone
        if self._repository is None or clone is None:
            return
        wanted = Wanted(
            self._run.trigger.commit, clone.depth, clone.submodules, clone.lfs, clone.paths
        )
        try:
            with self._lock:
                if self._copy is None:
                    self._copy = mirror(git, self._repository, self._folder, wanted)
            fill(git, self._copy, self._repository, workspace, wanted)
        except C8sError as error:
            raise StepFault("CloneFailed", str(error)) from error
