"""The claims of this host in the records of runs: taken, renewed, lost where others took them."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable
from typing import Any

from ...core.errors import Conflict, InvalidInput, Unavailable
from ...kube.connection import JSON_PATCH, MERGE_PATCH, Client
from .claims import HOLDER, Claim, Claims
from .config_map import annotated, held_by

TRIES = 5
LOOK_SECONDS = 1.0


class ClaimWriter:
    """Writes `claims` into the ConfigMaps at `place(run)`.

    `read` reads a run's record and lets the claims see it; renewals go through `pool`.
    """

    def __init__(
        self,
        client: Client,
        claims: Claims,
        place: Callable[[str], str],
        read: Callable[[str], dict[str, Any]],
        pool: concurrent.futures.Executor,
    ) -> None:
        self._client = client
        self._claims = claims
        self._place = place
        self._read = read
        self._pool = pool
        self._look_at = 0.0

    def take(self, run: str) -> bool:
        """Whether the run may be driven from here: no other host has a good claim on it."""
        for _try in range(TRIES):
            if self._claims.owns(run):
                return True
            found = self._read(run)
            if self._claims.elsewhere(run):
                return False
            claim = self._claims.fresh(run)
            metadata = {
                "annotations": claim.annotations(),
                "resourceVersion": found["metadata"]["resourceVersion"],
            }
            try:
                self._patch(run, {"metadata": metadata}, MERGE_PATCH)
            except Conflict:
                self._claims.forget(run)
            else:
                self._claims.confirm(run, claim)
        return self._claims.owns(run)

    def renew(self) -> None:
        """Renew what is due, now and then; nobody waits for it."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        for run in self._claims.due():
            # Claimed here, so that what waits for its turn is not due once more.
            claim = self._claims.again(run)
            if claim is not None:
                self._pool.submit(self._renew, run, claim)

    def _renew(self, run: str, claim: Claim) -> None:
        patch = [held_by(claim.holder), *annotated(claim.annotations())]
        try:
            self._patch(run, patch, JSON_PATCH)
        except Unavailable:
            self._claims.failed(run)
        except InvalidInput:
            self.is_lost(run)
        else:
            self._claims.confirm(run, claim)

    def is_lost(self, run: str) -> bool:
        """A write was refused: whether that is because another host drives the run, or did."""
        holder = (self._read(run)["metadata"].get("annotations") or {}).get(HOLDER, "")
        if holder in ("", self._claims.holder):
            return False
        self._claims.lose(run)
        return True

    def _patch(self, run: str, patch: Any, content_type: str) -> None:
        self._client.request(
            "PATCH",
            self._place(run),
            patch,
            content_type=content_type,
            repeatable=True,
            doing=f"claim run {run}",
        )
