"""Who drives a run, said in its record in the cluster, so that drivers on other hosts see it.

On one host a lock on a file tells, at once and for sure. Between hosts it is a claim that runs out:
the driver renews it while it lives, by the cluster's time, and whoever meets one that is still good
follows the run instead of driving it.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import threading
from collections.abc import Mapping
from typing import Any

from ...pipeline.job import LABEL
from ...pipeline.record_fields import parse_time, rfc3339
from ...storage.run_directory import RunDirectory
from ..clock import Clock

CLAIM = datetime.timedelta(seconds=90)
"""How long a claim is good. A host that is lost is followed in vain for so long, and no longer."""
RENEWAL = datetime.timedelta(seconds=30)
CROWD = 150
"""With more runs than this at once both are longer in proportion, up to ten minutes for a thousand
runs: renewals must not keep the server from their steps."""
CLAIM_ANNOTATION = f"{LABEL}/driver"


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """`holder` names the store whose lock its driver holds."""

    holder: str
    until: datetime.datetime

    @classmethod
    def of(cls, config_map: Mapping[str, Any]) -> Claim | None:
        """The claim in a record's ConfigMap; None where there is none, or what is there is none."""
        text = (config_map["metadata"].get("annotations") or {}).get(CLAIM_ANNOTATION, "")
        try:
            found = json.loads(text)
            return cls(str(found["holder"]), parse_time(found["until"]))
        except (ValueError, KeyError, TypeError):
            return None

    def annotation(self) -> dict[str, str]:
        told = {"holder": self.holder, "until": rfc3339(self.until)}
        return {CLAIM_ANNOTATION: json.dumps(told, separators=(",", ":"))}


class Claims:
    """The claims of one store, which is named after its directory. Safe from many threads."""

    def __init__(self, store: RunDirectory, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._own: dict[str, datetime.datetime] = {}
        self._others: dict[str, Claim | None] = {}

    def fresh(self, run: str, *, among: int = 1) -> dict[str, str]:
        """The annotation that claims a run from now on, to be written.

        `among`: of how many it is one that are claimed together.
        """
        holder = self._store.identity(make=True)
        with self._lock:
            until = self._own[run] = self._clock() + CLAIM * self._stretch(among)
        return Claim(holder, until).annotation()

    def owns(self, run: str) -> bool:
        """Whether this store's claim on a run is still good."""
        with self._lock:
            until = self._own.get(run)
        return until is not None and until > self._clock()

    def forget(self, run: str) -> None:
        """It has ended, or somebody else was quicker."""
        with self._lock:
            self._own.pop(run, None)

    def due(self) -> list[str]:
        """The runs whose claims are to be renewed."""
        with self._lock:
            limit = self._clock() + (CLAIM - RENEWAL) * self._stretch()
            return [run for run, until in self._own.items() if until <= limit]

    def _stretch(self, among: int = 1) -> float:
        return max(1.0, len(self._own) / CROWD, among / CROWD)

    def saw(self, run: str, config_map: Mapping[str, Any]) -> None:
        """Take in what a record that was read says."""
        with self._lock:
            self._others[run] = Claim.of(config_map)

    def known(self, run: str) -> bool:
        """Whether the run's record was ever read."""
        with self._lock:
            return run in self._others

    def elsewhere(self, run: str) -> bool:
        """Whether a driver of another store had a good claim when the record was read last."""
        with self._lock:
            claim = self._others.get(run)
        if claim is None or claim.until <= self._clock():
            return False
        return claim.holder != self._store.identity()
