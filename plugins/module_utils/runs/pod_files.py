"""Files on their way into and out of the pods of steps, carried by the driver through exec.

No store's credential ever enters a pod: the agent beside the step packs and unpacks, and what
travels is a tar stream over the connection that the driver has anyway.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, BinaryIO

from ..core.errors import C8sError, Conflict, NotFound, Unavailable
from ..kube.connection import Client
from ..kube.exec import execute
from ..masking.masker import Secrets
from ..pipeline.observation import Observation
from ..pipeline.pod import (
    CONTROL,
    HOME,
    KEEPER_CONTAINER,
    RESTORE_CONTAINER,
    WORKSPACE,
    Manifest,
)
from ..pipeline.pod_status import is_deleted, is_running
from ..pipeline.run import Run
from ..pipeline.spec import Cache, Step
from ..pipeline.template import render_key
from ..storage import archive, atomic
from ..storage.run_directory import RunDirectory
from ..storage.selection import select
from .artifacts import ArtifactStore, artifact_folder, as_fault, remove
from .attempt import StepFault

AGENT = ("python3", "-m", "c8s.agent")
CARRY_SECONDS = 1800.0
ARTIFACT_LIMIT = 5 * 2**30
"""Bytes that the files of one artifact or cache may have, unpacked."""


class CarryFailed(C8sError):
    """What carries files beside a step ended badly; to ask again would change nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """URLs of a step's artifacts; a reason and message where keeping them failed.

    `gone`: somebody deleted the pod before all was fetched.
    """

    urls: tuple[str, ...] = ()
    reason: str = ""
    message: str = ""
    gone: bool = False


class PodFiles:
    """Carries artifacts and caches between pods of one namespace and the store."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        store: RunDirectory,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._store = store
        self._clock = clock

    def restore(self, run: Run, step: Step, pod: Manifest, masks: Secrets) -> None:
        """Bring caches and the artifacts of dependencies into the workspace, then let it begin.

        May be repeated. Raises StepFault where an artifact is gone or a file cannot be brought,
        Unavailable where only the way to the pod is broken.
        """
        for cache in step.caches:
            key = self._key(pod, RESTORE_CONTAINER, cache)
            for folder, _paths in _folders(cache):
                kept = self._store.cache(f"{folder}:{key}")
                if kept.exists():
                    with _as_fault("CacheFailed"), open(kept, "rb") as stream:
                        self._agent(pod, RESTORE_CONTAINER, "unpack", folder, stdin=stream)
        for dependency in step.depends_on:
            for url in run.status.step(dependency).artifact_urls:
                self._bring(pod, artifact_folder(url, dependency))
        self._open_door(pod, RESTORE_CONTAINER, "restored")

    def _bring(self, pod: Manifest, folder: pathlib.Path) -> None:
        with _as_fault("ArtifactsFailed"), tempfile.TemporaryFile() as stream:
            archive.pack(folder, select(folder, ["*"]), stream)
            stream.seek(0)
            self._agent(pod, RESTORE_CONTAINER, "unpack", WORKSPACE, stdin=stream)

    def collect(
        self, run: Run, step: Step, pod: Manifest, masks: Secrets, seen: Observation
    ) -> Kept:
        """Fetch what an ended step left, then let its pod go.

        Artifacts whatever its end, caches after a success. What was fetched is noted down first:
        a driver that comes after this one needs no pod for it. Raises Unavailable where only the
        way to the pod is broken.
        """
        if not (step.artifacts or step.caches):
            return Kept()
        name = pod["metadata"]["name"]
        note = self._store.run(run.name) / "fetched" / f"{name}.json"
        kept = _noted(note)
        if kept is None:
            try:
                kept = self._fetch(run, step, pod, masks, seen)
            except C8sError as error:
                if isinstance(error, Unavailable) and is_running(pod, KEEPER_CONTAINER):
                    raise
                message = f"its files were lost: {error}"
                return Kept(reason="ArtifactsFailed", message=message, gone=is_deleted(pod))
            atomic.write(note, atomic.to_json(dataclasses.asdict(kept)), durable=False)
        if is_running(pod, KEEPER_CONTAINER):
            self.let_go(pod)
        return kept

    def let_go(self, pod: Manifest) -> None:
        """Let a pod end that waits for its files to be fetched."""
        # Gone meanwhile? Then it waits no more.
        with contextlib.suppress(Conflict, NotFound):
            self._open_door(pod, KEEPER_CONTAINER, "fetched")

    def _fetch(
        self, run: Run, step: Step, pod: Manifest, masks: Secrets, seen: Observation
    ) -> Kept:
        urls, missed = self._fetch_artifacts(run, step, pod, masks)
        if seen.exit_code == 0 and not seen.reason:
            for cache in step.caches:
                self._fetch_cache(pod, cache)
        message = f"nothing matches artifact {', '.join(missed)}" if missed else ""
        return Kept(tuple(urls), message=message)

    def _fetch_artifacts(
        self, run: Run, step: Step, pod: Manifest, masks: Secrets
    ) -> tuple[list[str], list[str]]:
        store = ArtifactStore(self._store, masks, self._clock)
        urls, missed = [], []
        for artifact in step.artifacts:
            folder = pathlib.Path(tempfile.mkdtemp(prefix="c8s-artifact-"))
            try:
                with tempfile.TemporaryFile() as stream:
                    globs = json.dumps(list(artifact.paths)).encode()
                    self._agent(
                        pod, KEEPER_CONTAINER, "pack", WORKSPACE, stdin=globs, stdout=stream
                    )
                    stream.seek(0)
                    archive.unpack(stream, folder, size_limit=ARTIFACT_LIMIT)
                paths = select(folder, ["*"])
                if paths:
                    urls.append(store.keep(run.name, step.name, artifact, folder, paths))
                else:
                    missed.append(artifact.name)
            finally:
                remove(folder)
        return urls, missed

    def _fetch_cache(self, pod: Manifest, cache: Cache) -> None:
        key = self._key(pod, KEEPER_CONTAINER, cache)
        for folder, paths in _folders(cache):
            target = self._store.cache(f"{folder}:{key}")
            if target.exists():
                continue  # A key stands for its content: what is there already is the same.
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as draft:
                try:
                    globs = json.dumps(paths).encode()
                    self._agent(pod, KEEPER_CONTAINER, "pack", folder, stdin=globs, stdout=draft)
                    pathlib.Path(draft.name).replace(target)
                finally:
                    pathlib.Path(draft.name).unlink(missing_ok=True)

    def _key(self, pod: Manifest, container: str, cache: Cache) -> str:
        """The cache's key; files are hashed where they are."""

        def hashed(globs: Sequence[str]) -> str:
            with tempfile.TemporaryFile() as stream:
                wanted = json.dumps(list(globs)).encode()
                self._agent(pod, container, "digest", WORKSPACE, stdin=wanted, stdout=stream)
                stream.seek(0)
                return stream.read().decode().strip()

        return render_key(cache.key, hashed)

    # --- exec ----------------------------------------------------------------------------------

    def _open_door(self, pod: Manifest, container: str, file: str) -> None:
        """Make the file that a waiting container of ours looks for."""
        self._exec(pod, container, ["touch", f"{CONTROL}/{file}"])

    def _agent(
        self,
        pod: Manifest,
        container: str,
        verb: str,
        folder: str,
        *,
        stdin: bytes | BinaryIO = b"",
        stdout: IO[bytes] | None = None,
    ) -> None:
        self._exec(pod, container, [*AGENT, verb, folder], stdin=stdin, stdout=stdout)

    def _exec(
        self,
        pod: Manifest,
        container: str,
        command: list[str],
        *,
        stdin: bytes | BinaryIO | None = None,
        stdout: IO[bytes] | None = None,
    ) -> None:
        """Run a command of ours beside the step. CarryFailed where it does not end well."""
        name = pod["metadata"]["name"]
        result = execute(
            self._client,
            self._namespace,
            name,
            container,
            command,
            stdin=stdin,
            stdout=stdout.write if stdout is not None else None,
            timeout=CARRY_SECONDS,
            output_limit=ARTIFACT_LIMIT,
        )
        if result.exit_code != 0:
            said = result.message or result.stderr.decode(errors="replace").strip()
            raise CarryFailed(f"{command[-2]} in {name}/{container} failed: {said}")


@contextlib.contextmanager
def _as_fault(reason: str) -> Iterator[None]:
    """As `as_fault`, but where only the way to the pod is broken: that is tried again."""
    try:
        with as_fault(reason):
            yield
    except StepFault as fault:
        if isinstance(fault.__cause__, Unavailable):
            raise fault.__cause__ from None
        raise


def _noted(note: pathlib.Path) -> Kept | None:
    """What was fetched of a pod for good, None where nothing was."""
    if not note.exists():
        return None
    found = atomic.read_json(note)
    return Kept(tuple(found["urls"]), found["reason"], found["message"])


def _folders(cache: Cache) -> Iterator[tuple[str, list[str]]]:
    """Folders of the pod with the cache's paths below each: `~/` is the home."""
    here = [path for path in cache.paths if not path.startswith("~/")]
    home = [path[2:] for path in cache.paths if path.startswith("~/")]
    if here:
        yield WORKSPACE, here
    if home:
        yield HOME, home
