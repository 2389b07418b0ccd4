"""Every Job and pod that ever was in a cluster while a test looked: made, ended, deleted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kube.cluster import Cluster

SELECTOR = "app.kubernetes.io%2Fmanaged-by%3Dc8s"
PATHS = {"jobs": "/apis/batch/v1/jobs", "pods": "/api/v1/pods"}


@dataclass(frozen=True, slots=True)
class Sighting:
    """One object's life: `deleted` while it was looked at."""

    name: str
    uid: str
    step: str
    attempt: str
    deleted: bool = False


@dataclass
class Sightings:
    """By kind and namespace; looked at through the API server itself, whatever stands before it."""

    _seen: dict[tuple[str, str], dict[str, Sighting]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, kind: str, namespace: str) -> list[Sighting]:
        """What was seen of a kind (`jobs`, `pods`) in a namespace."""
        with self._lock:
            return list(self._seen.get((kind, namespace), {}).values())

    def take(self, kind: str, event: dict[str, Any]) -> None:
        metadata = event["object"]["metadata"]
        labels = metadata["labels"]
        sighting = Sighting(
            metadata["name"],
            metadata["uid"],
            labels["c8s.dev/step"],
            labels["c8s.dev/attempt"],
            event["type"] == "DELETED",
        )
        with self._lock:
            known = self._seen.setdefault((kind, metadata["namespace"]), {})
            known[metadata["uid"]] = sighting


@contextmanager
def watching(cluster: Cluster) -> Iterator[Sightings]:
    """Look at all that drivers make in a cluster from here on."""
    found = Sightings()
    api = cluster.api()
    connections = [api.connection() for _kind in PATHS]
    threads = []
    for (kind, path), connection in zip(PATHS.items(), connections, strict=True):
        version = api.get(f"{path}?labelSelector={SELECTOR}&limit=1")["metadata"]["resourceVersion"]
        query = f"watch=true&labelSelector={SELECTOR}&resourceVersion={version}"
        connection.request("GET", f"{path}?{query}&timeoutSeconds=3600")
        response = connection.getresponse()

        def look(kind: str = kind, response: Any = response) -> None:
            try:
                for line in response:
                    event = json.loads(line)
                    if event["type"] in ("ADDED", "MODIFIED", "DELETED"):
                        found.take(kind, event)
            except (OSError, ValueError, AttributeError):
                return  # Closed when the test was over.

        threads.append(threading.Thread(target=look, daemon=True))
        threads[-1].start()
    try:
        yield found
    finally:
        for connection in connections:
            if connection.sock is not None:
                connection.sock.close()
