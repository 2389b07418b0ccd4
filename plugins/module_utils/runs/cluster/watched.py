"""The pods of runs as they are now, kept up to date by one watch."""

from __future__ import annotations

from ...kube.connection import Client
from ...kube.informer import Informer, Informers
from ...kube.kinds import POD
from ...pipeline.container import Manifest
from ...pipeline.job import LABEL

SYNC_SECONDS = 60.0


class Watched:
    """All pods of a namespace that fit a selector, by run, step and attempt.

    They tell what steps do. What becomes of the Jobs behind them is bookkeeping, and most of it is
    written several times: whoever wants to know looks at the one Job.
    """

    def __init__(self, client: Client, namespace: str, selector: str) -> None:
        self._namespace = namespace
        self._selector = selector
        self._pods = Informers(client, group_label=f"{LABEL}/run-id")
        self._mark = 0

    def start(self) -> None:
        """Begin to watch and wait for the first list; does nothing when called again.

        Raises Denied where that is not allowed, Timeout where the server does not answer.
        """
        self._informer().wait_synced(SYNC_SECONDS)

    def stop(self) -> None:
        self._pods.close()

    def wake(self, run_id: str) -> None:
        """Let whoever waits look at this run again."""
        self._pods.changes.note([run_id])

    def wait(self, seconds: float) -> frozenset[str]:
        """Wait at most `seconds` for changes since the last wait; the runs they are of, by id."""
        self._pods.changes.wait(self._mark, max(0.0, seconds))
        self._mark, changed = self._pods.changes.since(self._mark)
        return changed

    def forget(self, run_id: str) -> None:
        """Nobody will ask for this run again."""
        self._pods.changes.forget(run_id)

    def of_run(self, run_id: str) -> dict[tuple[str, int], tuple[Manifest, ...]]:
        """The pods of a run, by step and attempt, oldest first."""
        pods: dict[tuple[str, int], list[Manifest]] = {}
        for found in self._informer().objects(run_id):
            pods.setdefault(_key(found), []).append(found)
        return {key: tuple(sorted(found, key=_born)) for key, found in pods.items()}

    def _informer(self) -> Informer:
        return self._pods.of(POD, self._namespace, labels=self._selector)


def _key(found: Manifest) -> tuple[str, int]:
    labels = found["metadata"]["labels"]
    return labels[f"{LABEL}/step"], int(labels[f"{LABEL}/attempt"])


def _born(pod: Manifest) -> tuple[str, int]:
    metadata = pod["metadata"]
    return metadata["creationTimestamp"], int(metadata.get("resourceVersion") or 0)
