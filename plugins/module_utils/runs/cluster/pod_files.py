"""What is brought into the pods of steps before their commands, and what is kept of them after.

No store's credential ever enters a pod: the agent beside the step packs and unpacks, and what
travels is a tar stream over the connection that the driver has anyway, or goes to and from an
address that the driver has signed for this one object.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator

from ...core.errors import C8sError, Denied, InvalidInput, NotFound, Unavailable
from ...masking.masker import Secrets
from ...pipeline.container import Manifest
from ...pipeline.observation import Observation
from ...pipeline.pod import KEEPER_CONTAINER, RESCUE_SECONDS, RESTORE_CONTAINER
from ...pipeline.pod_status import is_deleted, is_running, takes_words
from ...pipeline.run import Run
from ...pipeline.spec import Cache, Step
from ...pipeline.template import render_key
from ...storage import atomic
from ...storage.run_objects import RunObjects
from ..step_fault import StepFault
from .pod_agent import CarryFailed, ContainerEnded, PodAgent
from .pod_artifacts import PodArtifacts, bring_object, keep_object


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
    """Carries artifacts and caches between pods of one namespace and where they are kept."""

    def __init__(self, agent: PodAgent, artifacts: PodArtifacts, objects: RunObjects) -> None:
        self._agent = agent
        self._artifacts = artifacts
        self._objects = objects

    def restore(self, run: Run, step: Step, pod: Manifest) -> None:
        """Bring caches and the artifacts of dependencies into the workspace, then let it begin.

        Nothing is left to do where the container has ended that it goes through: a driver before
        this one may have let the step begin. Raises StepFault where an artifact is gone or a file
        cannot be brought, Unavailable where that may be tried again.
        """
        with contextlib.suppress(ContainerEnded):
            self._restore(run, step, pod)

    def _restore(self, run: Run, step: Step, pod: Manifest) -> None:
        for cache in step.caches:
            with _as_fault("CacheFailed"):
                key = self._cache(pod, RESTORE_CONTAINER, cache)
                if self._objects.objects.size(key) is not None:
                    bring_object(self._agent, self._objects, pod, key)
        for dependency in step.depends_on:
            for url in run.status.step(dependency).artifact_urls:
                with _as_fault("ArtifactsFailed"):
                    self._artifacts.bring(pod, url, dependency)
        self._agent.open_door(pod, RESTORE_CONTAINER, "restored")

    def collect(
        self, run: Run, step: Step, pod: Manifest, masks: Secrets, seen: Observation
    ) -> Kept:
        """Fetch what an ended step left, whose log is kept; then let its pod go.

        Artifacts whatever its end, caches after a success. A driver that comes after this one
        finds it all, though the pod gives nothing any more. Raises Unavailable where it may be
        tried again.
        """
        if not (step.artifacts or step.caches):
            return Kept()
        try:
            kept = self._sealed(run, pod)
            if kept is None:
                kept = self._collect(run, step, pod, masks, seen)
                content = atomic.to_json(dataclasses.asdict(kept))
                self._objects.objects.put(self._seal(run, pod), content)
        except Unavailable as error:
            if is_running(pod, KEEPER_CONTAINER):
                raise
            return _lost(pod, f"its pod has ended, and {error}")
        except (C8sError, StepFault) as error:
            kept = _lost(pod, str(error))
        if is_running(pod, KEEPER_CONTAINER):
            self.let_go(pod)
        return kept

    def prepare_rescue(self, run: Run, pod: Manifest) -> None:
        """Get ready for `rescue` of a pod that is to be ended next; this takes little time.

        A pod on its way out hears no word by its annotations: it is to look into the object store.
        """
        objects, key = self._objects.objects, self._objects.words(run.name, pod["metadata"]["uid"])
        address = objects.signed("GET", key, 2 * RESCUE_SECONDS) if takes_words(pod) else None
        if address is not None:
            # What it does not hear it cannot do: its files are lost then, and that is told.
            with contextlib.suppress(C8sError):
                self._agent.listen(pod, KEEPER_CONTAINER, address, objects.authorities)

    def rescue(
        self, run: Run, step: Step, pod: Manifest, masks: Secrets, seen: Observation
    ) -> Kept:
        """As `collect`, of a step that is being ended and may not have ended yet."""
        if not takes_words(pod):
            return self.collect(run, step, pod, masks, seen)
        objects, key = self._objects.objects, self._objects.words(run.name, pod["metadata"]["uid"])
        with self._agent.telling(pod, lambda word: objects.put(key, word)):
            kept = self.collect(run, step, pod, masks, seen)
        with contextlib.suppress(C8sError):
            objects.delete([key])  # It goes with the run, if not now.
        return kept

    def let_go(self, pod: Manifest) -> None:
        """Let a pod end that waits for its files to be fetched."""
        # One that has gone waits for nothing any more; who may not reach it has been told.
        with contextlib.suppress(ContainerEnded, Denied):
            self._agent.open_door(pod, KEEPER_CONTAINER, "fetched")

    def _collect(
        self, run: Run, step: Step, pod: Manifest, masks: Secrets, seen: Observation
    ) -> Kept:
        urls: list[str] = []
        missed = []
        for artifact in step.artifacts:
            found = self._artifacts.keep(run, step, artifact, pod, masks)
            urls += found
            if not found:
                missed.append(artifact.name)
        if seen.exit_code == 0 and not seen.reason:
            for cache in step.caches:
                key = self._cache(pod, KEEPER_CONTAINER, cache)
                # A key stands for its content: what is there already is the same.
                if self._objects.objects.size(key) is None:
                    keep_object(self._agent, self._objects, pod, key, cache.paths)
        note = f"nothing matches artifact {', '.join(missed)}" if missed else ""
        return Kept(tuple(urls), message=note)

    def _sealed(self, run: Run, pod: Manifest) -> Kept | None:
        """What is kept of a pod for good; None where that is not complete."""
        try:
            found = json.loads(self._objects.objects.get(self._seal(run, pod)))
        except NotFound:
            return None
        return Kept(tuple(found["urls"]), found["reason"], found["message"])

    def _seal(self, run: Run, pod: Manifest) -> str:
        return self._objects.kept(run.name, pod["metadata"]["uid"])

    def _cache(self, pod: Manifest, container: str, cache: Cache) -> str:
        """The key of a cache's object; files are hashed where they are."""
        name = render_key(cache.key, lambda globs: self._agent.digest(pod, container, globs))
        return self._objects.cache(name)


def _lost(pod: Manifest, why: str) -> Kept:
    message = f"its files were lost: {why}"
    return Kept(reason="ArtifactsFailed", message=message, gone=is_deleted(pod))


@contextlib.contextmanager
def _as_fault(reason: str) -> Iterator[None]:
    """Let what goes wrong with files count as the step's failure; what may pass is tried again."""
    try:
        yield
    except (ContainerEnded, Unavailable):
        raise
    except (InvalidInput, NotFound, CarryFailed) as error:
        raise StepFault(reason, str(error)) from error
    except C8sError as error:
        raise StepFault("StorageError", str(error)) from error
