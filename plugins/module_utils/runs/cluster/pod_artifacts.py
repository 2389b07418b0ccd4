"""Artifacts between the pods of steps and where they are kept, their texts masked on the way."""

from __future__ import annotations

import contextlib
import datetime
import pathlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import Protocol

from ...masking.masker import Secrets
from ...pipeline.container import Manifest
from ...pipeline.pod import KEEPER_CONTAINER, RESTORE_CONTAINER, WORKSPACE
from ...pipeline.run import Run
from ...pipeline.spec import Artifact, Step
from ...storage import archive
from ...storage.run_directory import RunDirectory
from ...storage.run_objects import RunObjects
from ...storage.selection import select
from ..artifacts import ArtifactStore, artifact_folder, copy_masked, remove
from ..clock import Clock
from ..step_fault import StepFault
from .pod_agent import ARTIFACT_LIMIT, PodAgent

SIGNED_SECONDS = 300
"""How long a signed address may be used to begin with; what has begun may take longer."""


class PodArtifacts(Protocol):
    """Calls raise Unavailable where they may be repeated later."""

    def keep(
        self, run: Run, step: Step, artifact: Artifact, pod: Manifest, masks: Secrets
    ) -> list[str]:
        """Keep an artifact of an ended step; its URLs, none where nothing matches."""

    def bring(self, pod: Manifest, url: str, dependency: str) -> None:
        """Put what is kept into the workspace; StepFault where it is gone."""


class FolderArtifacts:
    """Artifacts as folders of this host; archives of them travel through exec."""

    def __init__(self, agent: PodAgent, store: RunDirectory, clock: Clock) -> None:
        self._agent = agent
        self._store = store
        self._clock = clock

    def keep(
        self, run: Run, step: Step, artifact: Artifact, pod: Manifest, masks: Secrets
    ) -> list[str]:
        with _fetched(self._agent, pod, artifact, "all") as folder:
            paths = select(folder, ["*"])
            if not paths:
                return []
            store = ArtifactStore(self._store, masks, self._clock)
            return [store.keep(run.name, step.name, artifact, folder, paths)]

    def bring(self, pod: Manifest, url: str, dependency: str) -> None:
        if not url.startswith("file:"):
            raise StepFault(
                "ArtifactNotFound",
                f"the artifact of step {dependency!r} is in {url}; name that store by object_store",
            )
        folder = artifact_folder(url, dependency)
        with tempfile.TemporaryFile() as stream:
            archive.pack(folder, select(folder, ["*"]), stream)
            stream.seek(0)
            self._agent.unpack(pod, RESTORE_CONTAINER, WORKSPACE, stream)


class ObjectArtifacts:
    """Artifacts as archives in an object store.

    Texts travel through this process, which masks them: what is in the store is masked from its
    first moment, and no value of a secret is needed in the pod for that. All other files, which
    are the large ones, go between pod and store by themselves.
    """

    def __init__(self, agent: PodAgent, objects: RunObjects, clock: Clock) -> None:
        self._agent = agent
        self._place = objects
        self._objects = objects.objects
        self._clock = clock

    def keep(
        self, run: Run, step: Step, artifact: Artifact, pod: Manifest, masks: Secrets
    ) -> list[str]:
        place = self._place.artifact(run.name, step.name, artifact.name)
        keys = []
        if self._keep_texts(f"{place}texts.tar", artifact, pod, masks):
            keys.append(f"{place}texts.tar")
        address = self._objects.signed("PUT", f"{place}files.tar", SIGNED_SECONDS)
        if address is None:
            raise StepFault("StorageError", f"{self._objects} gives out no signed addresses")
        if self._agent.upload(
            pod, KEEPER_CONTAINER, WORKSPACE, artifact.paths, address,
            self._objects.authorities, "files",
        ):  # fmt: skip
            keys.append(f"{place}files.tar")
        if keys and artifact.expire_in is not None:
            until = self._clock() + datetime.timedelta(seconds=artifact.expire_in)
            self._place.expire(keys, until)
        return [self._objects.url(key) for key in keys]

    def _keep_texts(self, key: str, artifact: Artifact, pod: Manifest, masks: Secrets) -> int:
        """Bring the texts here, mask them and put them into the store; how many there are."""
        with _fetched(self._agent, pod, artifact, "texts") as raw, _folder() as masked:
            paths = select(raw, ["*"])
            if paths:
                for path in paths:
                    copy_masked(raw / path, masked / path, masks)
                with tempfile.TemporaryFile() as stream:
                    archive.pack(masked, paths, stream)
                    self._objects.put_file(key, stream)
            return len(paths)

    def bring(self, pod: Manifest, url: str, dependency: str) -> None:
        key = self._objects.key(url)
        if key is None or self._objects.size(key) is None:
            raise StepFault("ArtifactNotFound", f"the artifact of step {dependency!r} is no"
                            f" longer, or not in this object store: {url}")  # fmt: skip
        bring_object(self._agent, self._place, pod, key)


def bring_object(agent: PodAgent, place: RunObjects, pod: Manifest, key: str) -> None:
    """Have the archive with this key unpacked in the workspace."""
    address = place.objects.signed("GET", key, SIGNED_SECONDS)
    if address is None:
        agent.unpack(pod, RESTORE_CONTAINER, WORKSPACE, place.objects.read(key))
    else:
        agent.download(pod, RESTORE_CONTAINER, WORKSPACE, address, place.objects.authorities)


def keep_object(
    agent: PodAgent, place: RunObjects, pod: Manifest, key: str, paths: Sequence[str]
) -> None:
    """Have an archive of what the globs name in the workspace written to this key."""
    address = place.objects.signed("PUT", key, SIGNED_SECONDS)
    if address is not None:
        agent.upload(pod, KEEPER_CONTAINER, WORKSPACE, paths, address, place.objects.authorities)
        return
    with tempfile.TemporaryFile() as stream:
        agent.pack(pod, KEEPER_CONTAINER, WORKSPACE, paths, stream)
        place.objects.put_file(key, stream)


@contextlib.contextmanager
def _fetched(
    agent: PodAgent, pod: Manifest, artifact: Artifact, kind: str
) -> Iterator[pathlib.Path]:
    """A folder of this host with files of the artifact, gone with the context."""
    with _folder() as folder:
        with tempfile.TemporaryFile() as stream:
            agent.pack(pod, KEEPER_CONTAINER, WORKSPACE, artifact.paths, stream, kind)
            stream.seek(0)
            archive.unpack(stream, folder, size_limit=ARTIFACT_LIMIT)
        yield folder


@contextlib.contextmanager
def _folder() -> Iterator[pathlib.Path]:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="c8s-artifact-"))
    try:
        yield folder
    finally:
        remove(folder)
