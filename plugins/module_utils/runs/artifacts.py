"""Artifacts on their way into the store and out of it, their texts masked."""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import shutil
import stat
import tempfile
import urllib.parse
from collections.abc import Iterator, Sequence

from ..core.errors import C8sError, InvalidInput, NotFound
from ..masking.masker import Masker, Secrets
from ..pipeline.spec import Artifact
from ..storage import archive, atomic
from ..storage.run_directory import RunDirectory
from .clock import Clock
from .step_fault import StepFault

_COPY_SIZE = 1 << 20


class ArtifactStore:
    """Keeps what steps of one run leave; `masks` are those of the run."""

    def __init__(self, store: RunDirectory, masks: Secrets, now: Clock) -> None:
        self._store = store
        self._masks = masks
        self._now = now

    def keep(
        self,
        run: str,
        step: str,
        artifact: Artifact,
        root: pathlib.Path,
        paths: Sequence[pathlib.Path],
    ) -> str:
        """Copy the files (relative to `root`) into the store; the artifact's URL."""
        kept = self._store.artifacts(run, step) / artifact.name
        with atomic.explained(kept):
            kept.parent.mkdir(parents=True, exist_ok=True)
            draft = pathlib.Path(tempfile.mkdtemp(prefix=f".{artifact.name}.", dir=kept.parent))
            try:
                for path in paths:
                    copy_masked(root / path, draft / path, self._masks)
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


def copy_masked(origin: pathlib.Path, target: pathlib.Path, masks: Secrets) -> None:
    """Copy a file or a link; a text goes through the masks."""
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = origin.lstat().st_mode
    if not archive.is_text(origin):
        if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            shutil.copy2(origin, target, follow_symlinks=False)
        return
    masker = Masker(masks)
    with open(origin, "rb") as reader, open(target, "wb") as writer:
        while content := reader.read(_COPY_SIZE):
            writer.write(masker.feed(content))
        writer.write(masker.finish())
    shutil.copystat(origin, target)


def artifact_folder(url: str, dependency: str) -> pathlib.Path:
    """The folder of a kept artifact; StepFault where it is gone."""
    kept = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path))
    if not kept.is_dir():
        raise StepFault(
            "ArtifactNotFound", f"the artifact of step {dependency!r} is gone from {kept}"
        )
    return kept


@contextlib.contextmanager
def as_fault(reason: str) -> Iterator[None]:
    """Let what goes wrong with files count as the step's failure, for `reason`."""
    try:
        yield
    except (InvalidInput, NotFound) as error:
        raise StepFault(reason, str(error)) from error
    except C8sError as error:
        raise StepFault("StorageError", str(error)) from error


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
