"""Who drives a run, said in its record in the cluster, so that drivers on other hosts see it.

On one host a lock on a file tells, at once and for sure. Between hosts it is a claim that runs out:
the driver renews it while it lives, by the cluster's time, and whoever meets one that is still good
follows the run instead of driving it. A driver that could not renew its own in time does nothing
for the run until it is known whose the run is: every write asks that it is still its own.
"""

from __future__ import annotations

import dataclasses
import datetime
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
HOLDER = f"{LABEL}/driver"
"""The annotation that names the store whose lock the driver holds; it stays when the run ends."""
UNTIL = f"{LABEL}/driven-until"
"""The annotation that says until when the claim is good; empty once the run has ended."""


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """Who drives, and until when that holds."""

    holder: str
    until: datetime.datetime

    @classmethod
    def of(cls, config_map: Mapping[str, Any]) -> Claim | None:
        """The claim in a record's ConfigMap; None where there is none, or what is there is none."""
        annotations = config_map["metadata"].get("annotations") or {}
        try:
            return cls(annotations[HOLDER], parse_time(annotations[UNTIL]))
        except (ValueError, KeyError):
            return None

    def annotations(self) -> dict[str, str]:
        return {HOLDER: self.holder, UNTIL: rfc3339(self.until)}


@dataclasses.dataclass(slots=True)
class _Own:
    """Until when a claim of ours holds if what was written last came through, and for certain."""

    asked: datetime.datetime
    sure: datetime.datetime | None = None


class Claims:
    """The claims of one store, which is named after its directory. Safe from many threads."""

    def __init__(self, store: RunDirectory, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._own: dict[str, _Own] = {}
        self._lost: set[str] = set()
        self._holder = ""
        self._others: dict[str, Claim | None] = {}

    @property
    def holder(self) -> str:
        """What stands in the claims of this store."""
        self._holder = self._holder or self._store.identity(make=True)
        return self._holder

    def fresh(self, run: str, *, among: int = 1) -> Claim:
        """The claim on a run from now on, to be written; then `confirm` it, or tell `failed`.

        `among`: of how many it is one that are claimed together.
        """
        holder = self.holder
        with self._lock:
            until = self._clock() + CLAIM * self._stretch(among)
            self._own.setdefault(run, _Own(until)).asked = until
        return Claim(holder, until)

    def again(self, run: str) -> Claim | None:
        """The same for a run that is claimed already; None where that is over."""
        with self._lock:
            known = run in self._own
        return self.fresh(run) if known else None

    def confirm(self, run: str, claim: Claim) -> None:
        """It is written."""
        with self._lock:
            own = self._own.get(run)
            if own is not None:
                own.sure = max(own.sure or claim.until, claim.until)

    def failed(self, run: str) -> None:
        """It could not be written: it is due again."""
        with self._lock:
            own = self._own.get(run)
            if own is not None:
                own.asked = own.sure or self._clock()

    def owns(self, run: str) -> bool:
        """Whether this store's claim on a run is certainly good."""
        with self._lock:
            own = self._own.get(run)
            return own is not None and own.sure is not None and own.sure > self._clock()

    def doubtful(self) -> frozenset[str]:
        """The runs of which another store may be the driver by now."""
        now = self._clock()
        with self._lock:
            return frozenset(
                run for run, own in self._own.items() if own.sure is None or own.sure <= now
            )

    def forget(self, run: str) -> None:
        """It has ended, or somebody else was quicker."""
        with self._lock:
            self._own.pop(run, None)

    def lose(self, run: str) -> None:
        """Another store drives it now."""
        with self._lock:
            self._own.pop(run, None)
            self._lost.add(run)

    def lost(self) -> frozenset[str]:
        """The runs that were lost since the last call."""
        with self._lock:
            lost, self._lost = frozenset(self._lost), set()
        return lost

    def due(self) -> list[str]:
        """The runs whose claims are to be renewed."""
        with self._lock:
            limit = self._clock() + (CLAIM - RENEWAL) * self._stretch()
            return [run for run, own in self._own.items() if own.asked <= limit]

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
