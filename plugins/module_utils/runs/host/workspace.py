"""What surrounds a step's commands on this host: clone, secrets, artifacts and caches."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable

from ...core.errors import InvalidInput
from ...forges.checkout import Git
from ...masking.masker import Secrets
from ...pipeline.spec import Cache
from ...pipeline.template import render_key
from ...storage import archive, atomic
from ...storage.run_directory import RunDirectory
from ...storage.selection import digest, inside, select
from ..artifacts import ArtifactStore, artifact_folder, as_fault, remove
from ..clock import Clock
from ..secrets import SecretValues
from .engine import HostStep
from .source import Source


class HostWorkspace:
    """The folders of one attempt, filled before its commands and gathered after them."""

    def __init__(
        self,
        host_step: HostStep,
        source: Source,
        store: RunDirectory,
        secrets: SecretValues,
        masks: Secrets,
        now: Clock,
        given_up: Callable[[], bool],
    ) -> None:
        self._host_step = host_step
        self._place = host_step.place
        self._source = source
        self._store = store
        self._artifacts = ArtifactStore(store, masks, now)
        self._secrets = secrets
        self._git = Git(given_up=given_up)

    def prepare(self) -> None:
        """Fill the folders. Raises StepFault where a part of that fails."""
        with atomic.explained(self._place.root):
            self._place.make()
        self._source.fill(self._place.workspace, self._git)
        self._write_secrets()
        for cache in self._host_step.step.caches:
            self._restore(cache)
        for dependency in self._host_step.step.depends_on:
            for url in self._host_step.run.status.step(dependency).artifact_urls:
                self._bring(url, dependency)

    def collect(self, succeeded: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Keep artifacts whatever the end, caches after a success: URLs, and what was missed."""
        urls, missed = [], []
        with as_fault("ArtifactsFailed"):
            for artifact in self._host_step.step.artifacts:
                paths = select(self._place.workspace, artifact.paths)
                if paths:
                    run, step = self._host_step.run, self._host_step.step
                    urls.append(
                        self._artifacts.keep(
                            run.name, step.name, artifact, self._place.workspace, paths
                        )
                    )
                else:
                    wanted = ", ".join(artifact.paths)
                    missed.append(f"artifact {artifact.name!r}: nothing matches {wanted}")
        if succeeded:
            with as_fault("CacheFailed"):
                for cache in self._host_step.step.caches:
                    self._save(cache)
        return tuple(urls), tuple(missed)

    def discard(self) -> None:
        """Remove the folders, also where a step took away its own right to."""
        remove(self._place.root)

    # --- secrets -------------------------------------------------------------------------------

    def _write_secrets(self) -> None:
        for wanted in self._host_step.step.secrets:
            if wanted.file:
                path = self._place.secrets / wanted.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o400)
                path.chmod(0o600)
                path.write_text(self._secrets[wanted.secret][wanted.key])
                path.chmod(0o400)

    # --- artifacts -----------------------------------------------------------------------------

    def _bring(self, url: str, dependency: str) -> None:
        """Copy a dependency's artifact into the workspace."""
        kept = artifact_folder(url, dependency)
        with atomic.explained(self._place.workspace), as_fault("ArtifactsFailed"):
            for path in select(kept, ["*"]):
                target = self._place.workspace / path
                if not inside(self._place.workspace, target.parent):
                    raise InvalidInput(
                        f"{path} of step {dependency!r} would be written out of the workspace,"
                        f" through a link that stands for {path.parent}"
                    )
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                shutil.copy2(kept / path, target, follow_symlinks=False)

    # --- caches --------------------------------------------------------------------------------

    def _key(self, cache: Cache) -> str:
        return render_key(cache.key, lambda globs: digest(self._place.workspace, globs))

    def _restore(self, cache: Cache) -> None:
        kept = self._store.cache(self._key(cache))
        if kept.exists():
            with as_fault("CacheFailed"), open(kept, "rb") as stream:
                archive.unpack(stream, self._place.workspace, links_out=True)

    def _save(self, cache: Cache) -> None:
        target = self._store.cache(self._key(cache))
        found = select(self._place.workspace, cache.paths)
        if not found or target.exists():
            return  # A key stands for its content: what is there already is the same.
        with atomic.explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(prefix=".draft.", dir=target.parent)
            try:
                with open(descriptor, "wb") as stream:
                    archive.pack(self._place.workspace, found, stream)
                os.replace(draft, target)
            except OSError:
                os.unlink(draft)
                raise
