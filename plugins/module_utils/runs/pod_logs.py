"""Logs of step pods, followed while they run: masked, then kept on this host."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable

from ..kube.connection import Client
from ..kube.logs import LogFollower, LogSource
from ..masking.masker import Secrets
from ..pipeline.pod import STEP_CONTAINER, Manifest
from ..pipeline.run import Run
from ..storage.capped_log import CappedLog
from ..storage.run_directory import RunDirectory
from .masked_log import MaskedLog

FOLLOWERS = 100
PATIENCE_SECONDS = 0.25
"""What ends sooner is asked for once and not twice; nobody waits much for the first line."""


class Following:
    """One log on its way into the store."""

    def __init__(self, follower: LogFollower, log: MaskedLog) -> None:
        self._follower = follower
        self._log = log
        self.kept: concurrent.futures.Future[None] = concurrent.futures.Future()
        """Done when all of the log is kept."""

    def keep(self) -> None:
        """Pass the log on until its end."""
        follower, log = self._follower, self._log
        try:
            for block in follower.blocks():
                log.write(block)
            if follower.gone:
                log.write(b"\n[c8s: the pod is gone; the rest of its log is lost]\n")
            elif follower.notice:
                log.write(f"\n[c8s: the node said: {follower.notice}]\n".encode())
        finally:
            log.close()

    def container_ended(self) -> None:
        """Read what is left and end; may be said more than once."""
        self._follower.finish()

    def stop(self) -> None:
        """Give up on it: its driver goes."""
        self._follower.stop()


class PodLogs:
    """Follows up to `FOLLOWERS` logs side by side; further ones are read when there is room."""

    def __init__(self, client: Client, namespace: str, store: RunDirectory) -> None:
        self._client = client
        self._namespace = namespace
        self._store = store
        self._followers = concurrent.futures.ThreadPoolExecutor(FOLLOWERS, "c8s-log")

    def url(self, run: Run, step: str, attempt: int) -> str:
        """Where the log of an attempt is kept."""
        return self._store.log(run.name, step, attempt).as_uri()

    def follow(
        self,
        run: Run,
        step: str,
        attempt: int,
        pod: Manifest,
        masks: Secrets,
        done: Callable[[], None],
    ) -> Following:
        """Begin to follow; `done` is called once the whole log is kept."""
        source = LogSource(self._namespace, pod["metadata"]["name"], STEP_CONTAINER)
        kept = CappedLog(self._store.log(run.name, step, attempt))
        # The driver says when the container has ended: it watches the pod anyway.
        follower = LogFollower(self._client, source, ended=lambda: False, patience=PATIENCE_SECONDS)
        following = Following(follower, MaskedLog(kept, masks))
        following.kept = self._followers.submit(following.keep)
        following.kept.add_done_callback(lambda _future: done())
        return following
