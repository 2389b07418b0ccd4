"""What surrounds a step's commands on this host: clone, secrets, artifacts and caches."""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import shutil
import stat
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator, Sequence

from ..core.errors import C8sError, InvalidInput, NotFound
from ..forges.checkout import Git
from ..masking.masker import Masker, Secrets
from ..pipeline.spec import Artifact, Cache
from ..pipeline.template import render_key
from ..storage import archive, atomic
from ..storage.run_directory import RunDirectory
from ..storage.selection import digest, select
from .attempt import StepFault
from .engine import HostStep
from .secrets import SecretValues
from .source import Source

_TEXT_SAMPLE = 8192
_COPY_SIZE = 1 << 20


class HostWorkspace:
    """The folders of one attempt, filled before its commands and gathered after them."""

    def __init__(
        self,
        host_step: HostStep,
        source: Source,
        store: RunDirectory,
        secrets: SecretValues,
        masks: Secrets,
        now: Callable[[], datetime.datetime],
        given_up: Callable[[], bool],
    ) -> None:
        self._host_step = host_step
        self._place = host_step.place
        self._source = source
        self._store = store
        self._secrets = secrets
        self._masks = masks
        self._now = now
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
        with _as_fault("ArtifactsFailed"):
            for artifact in self._host_step.step.artifacts:
                paths = select(self._place.workspace, artifact.paths)
                if paths:
                    urls.append(self._keep(artifact, paths))
                else:
                    wanted = ", ".join(artifact.paths)
                    missed.append(f"artifact {artifact.name!r}: nothing matches {wanted}")
        if succeeded:
            with _as_fault("CacheFailed"):
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

    def _keep(self, artifact: Artifact, paths: Sequence[pathlib.Path]) -> str:
        """Copy an artifact into the store; its URL."""
        run, step = self._host_step.run, self._host_step.step
        kept = self._store.artifacts(run.name, step.name) / artifact.name
        with atomic.explained(kept):
            kept.parent.mkdir(parents=True, exist_ok=True)
            draft = pathlib.Path(tempfile.mkdtemp(prefix=f".{artifact.name}.", dir=kept.parent))
            try:
                for path in paths:
                    self._copy_masked(self._place.workspace / path, draft / path)
                if kept.exists():
                    remove(kept)
                draft.chmod(0o755)
                draft.rename(kept)
            finally:
                remove(draft)
        if artifact.expire_in is not None:
            until = self._now() + datetime.timedelta(seconds=artifact.expire_in)
            self._store.expire(kept, until)
        return kept.as_uri()

    def _bring(self, url: str, dependency: str) -> None:
        """Copy a dependency's artifact into the workspace."""
        kept = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path))
        if not kept.is_dir():
            raise StepFault(
                "ArtifactNotFound", f"the artifact of step {dependency!r} is gone from {kept}"
            )
        with atomic.explained(self._place.workspace), _as_fault("ArtifactsFailed"):
            for path in select(kept, ["*"]):
                target = self._place.workspace / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                shutil.copy2(kept / path, target, follow_symlinks=False)

    def _copy_masked(self, origin: pathlib.Path, target: pathlib.Path) -> None:
        """Copy a file; a text goes through the masks."""
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = origin.lstat().st_mode
        if not stat.S_ISREG(mode) or _is_binary(origin):
            if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
                shutil.copy2(origin, target, follow_symlinks=False)
            return
        masker = Masker(self._masks)
        with open(origin, "rb") as reader, open(target, "wb") as writer:
            while content := reader.read(_COPY_SIZE):
                writer.write(masker.feed(content))
            writer.write(masker.finish())
        shutil.copystat(origin, target)

    # --- caches --------------------------------------------------------------------------------

    def _key(self, cache: Cache) -> str:
        return render_key(cache.key, lambda globs: digest(self._place.workspace, globs))

    def _split(self, cache: Cache) -> Iterator[tuple[str, pathlib.Path, list[str]]]:
        """Paths below the workspace, and those below the home (`~/`), each with its folder."""
        home = [path[2:] for path in cache.paths if path.startswith("~/")]
        here = [path for path in cache.paths if not path.startswith("~/")]
        if here:
            yield "workspace", self._place.workspace, here
        if home:
            yield "home", self._place.home, home

    def _restore(self, cache: Cache) -> None:
        key = self._key(cache)
        for part, folder, _paths in self._split(cache):
            kept = self._store.cache(f"{part}:{key}")
            if kept.exists():
                with _as_fault("CacheFailed"), open(kept, "rb") as stream:
                    archive.unpack(stream, folder)

    def _save(self, cache: Cache) -> None:
        key = self._key(cache)
        for part, folder, paths in self._split(cache):
            target = self._store.cache(f"{part}:{key}")
            found = select(folder, paths)
            if not found or target.exists():
                continue  # A key stands for its content: what is there already is the same.
            with atomic.explained(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                descriptor, draft = tempfile.mkstemp(prefix=".draft.", dir=target.parent)
                try:
                    with open(descriptor, "wb") as stream:
                        archive.pack(folder, found, stream)
                    os.replace(draft, target)
                except OSError:
                    os.unlink(draft)
                    raise


@contextlib.contextmanager
def _as_fault(reason: str) -> Iterator[None]:
    try:
        yield
    except (InvalidInput, NotFound) as error:
        raise StepFault(reason, str(error)) from error
    except C8sError as error:
        raise StepFault("StorageError", str(error)) from error


def _is_binary(path: pathlib.Path) -> bool:
    with open(path, "rb") as stream:
        return b"\0" in stream.read(_TEXT_SAMPLE)


def remove(folder: pathlib.Path) -> None:
    """Remove a folder with all in it, also where its owner may not write in it any more."""
    if not folder.exists():
        return

    def make_writable(_function: object, path: str, _error: object) -> None:
        for place in (os.path.dirname(path), path):
            with contextlib.suppress(OSError):
                os.chmod(place, 0o700)
        with contextlib.suppress(FileNotFoundError):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)

    with atomic.explained(folder):
        shutil.rmtree(folder, onerror=make_writable)
