"""The Jobs and pods of runs as they are now, kept up to date by one watch for each kind."""

from __future__ import annotations

import dataclasses

from ...kube.connection import Client
from ...kube.informer import Informer, Informers
from ...kube.kinds import JOB, POD, Kind
from ...pipeline.container import Manifest
from ...pipeline.job import LABEL

SYNC_SECONDS = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What there is of one attempt; `pods` oldest first."""

    job: Manifest | None = None
    pods: tuple[Manifest, ...] = ()

    @property
    def newest(self) -> Manifest | None:
        return self.pods[-1] if self.pods else None


NOTHING = Seen()


class Watched:
    """All Jobs and pods of a namespace that fit a selector, by run, step and attempt.

    Pods tell what steps do, and whoever waits hears of their changes. What becomes of Jobs behind
    them is bookkeeping: it is there to be looked at.
    """

    def __init__(self, client: Client, namespace: str, selector: str) -> None:
        self._namespace = namespace
        self._selector = selector
        self._informers = {
            kind: Informers(client, group_label=f"{LABEL}/run-id") for kind in (JOB, POD)
        }
        self._marks = dict.fromkeys(self._informers, 0)

    def start(self) -> None:
        """Begin to watch and wait for the first lists; does nothing when called again.

        Raises Denied where that is not allowed, Timeout where the server does not answer.
        """
        for informer in [self._informer(kind) for kind in self._informers]:
            informer.wait_synced(SYNC_SECONDS)

    def stop(self) -> None:
        for informers in self._informers.values():
            informers.close()

    def wake(self, run_id: str) -> None:
        """Let whoever waits look at this run again."""
        self._informers[POD].changes.note([run_id])

    def wait(self, seconds: float) -> frozenset[str]:
        """Wait at most `seconds` for changes since the last wait; the runs they are of, by id."""
        self._informers[POD].changes.wait(self._marks[POD], max(0.0, seconds))
        return self._changed(POD)

    def with_changed_jobs(self) -> frozenset[str]:
        """The ids of the runs whose Jobs have changed since the last call."""
        return self._changed(JOB)

    def _changed(self, kind: Kind) -> frozenset[str]:
        self._marks[kind], changed = self._informers[kind].changes.since(self._marks[kind])
        return changed

    def forget(self, run_id: str) -> None:
        """Nobody will ask for this run again."""
        for informers in self._informers.values():
            informers.changes.forget(run_id)

    def of_run(self, run_id: str) -> dict[tuple[str, int], Seen]:
        """Everything there is of a run, by step and attempt."""
        jobs: dict[tuple[str, int], Manifest] = {}
        pods: dict[tuple[str, int], list[Manifest]] = {}
        for found in self._informer(JOB).objects(run_id):
            jobs[_key(found)] = found
        for found in self._informer(POD).objects(run_id):
            pods.setdefault(_key(found), []).append(found)
        return {
            key: Seen(jobs.get(key), tuple(sorted(pods.get(key, ()), key=_born)))
            for key in jobs.keys() | pods.keys()
        }

    def _informer(self, kind: Kind) -> Informer:
        return self._informers[kind].of(kind, self._namespace, labels=self._selector)


def _key(found: Manifest) -> tuple[str, int]:
    labels = found["metadata"]["labels"]
    return labels[f"{LABEL}/step"], int(labels[f"{LABEL}/attempt"])


def _born(pod: Manifest) -> tuple[str, int]:
    metadata = pod["metadata"]
    return metadata["creationTimestamp"], int(metadata.get("resourceVersion") or 0)
