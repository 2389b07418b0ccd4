"""Logs of step pods, followed while they run and masked before anything is kept of them."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable

from ...kube.connection import Client
from ...kube.log_decoder import LogPosition
from ...kube.logs import LogFollower, LogSource
from ...masking.masker import Secrets
from ...pipeline.container import Manifest
from ...pipeline.pod import STEP_CONTAINER
from ...pipeline.run import Run
from ...storage.log_spool import LogSpool
from ..masked_log import MaskedSpool
from .kept_logs import KeptLogs

FOLLOWERS = 100
PATIENCE_SECONDS = 0.25
"""What ends sooner is asked for once and not twice; nobody waits much for the first line."""
CROWD = 20
CROWD_PATIENCE_SECONDS = 0.1
"""With so many logs at once, and so long for each of them, nobody reads them all line by line, and
every request that is spared lets the steps themselves end sooner."""
MOST_PATIENCE_SECONDS = 10.0


class Following:
    """One log on its way into the store. `kept` is done when all of it is kept on this host."""

    def __init__(
        self,
        source: LogSource,
        begin: Callable[[Following], LogSpool | None],
        patience: Callable[[], float],
    ) -> None:
        self.source = source
        self.kept: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.stopped = threading.Event()
        self._begin = begin
        self._patience = patience
        self._guard = threading.Lock()
        self._follower: LogFollower | None = None
        self._ended = False

    def keep(self, client: Client, masks: Secrets) -> None:
        """Pass the log on until its end, from where an earlier driver has left it."""
        spool = self._begin(self)
        if spool is None or spool.mark.sealed:
            return
        log = MaskedSpool(spool, masks)
        # The driver says when the container has ended: it watches the pod anyway.
        position = LogPosition.parse(spool.mark.position) if spool.mark.position else None
        follower = LogFollower(
            client,
            self.source,
            position=position,
            ended=lambda: False,
            patience=self._patience(),
        )
        self._attach(follower)
        try:
            for block in follower.blocks():
                # Where its node gives out the whole rest nobody need go on in the middle of it.
                rest = follower.reads_rest
                log.write(block, None if rest else lambda: str(follower.position))
            if self.stopped.is_set():
                return
            if follower.complete:
                pass
            elif follower.gone:
                log.write(b"\n[c8s: the pod is gone; the rest of its log is lost]\n")
            elif follower.notice:
                log.write(f"\n[c8s: the node said: {follower.notice}]\n".encode())
            log.seal()
        finally:
            log.leave()

    def _attach(self, follower: LogFollower) -> None:
        """What was said before there was a follower is said to it now."""
        with self._guard:
            self._follower = follower
            if self._ended:
                follower.finish()
            if self.stopped.is_set():
                follower.stop()

    @property
    def complete(self) -> bool:
        """Whether the log has been read to its end, as it seems: nothing writes to it any more."""
        with self._guard:
            return self.kept.done() or bool(self._follower and self._follower.complete)

    def container_ended(self) -> None:
        """Read what is left and end; may be said more than once."""
        with self._guard:
            self._ended = True
            if self._follower is not None:
                self._follower.finish()

    def stop(self) -> None:
        """Give up on it: its driver goes."""
        with self._guard:
            self.stopped.set()
            if self._follower is not None:
                self._follower.stop()


class PodLogs:
    """Follows up to `FOLLOWERS` logs side by side; further ones are read when there is room."""

    def __init__(self, client: Client, namespace: str, logs: KeptLogs) -> None:
        self.kept = logs
        self._client = client
        self._namespace = namespace
        self._followers = concurrent.futures.ThreadPoolExecutor(FOLLOWERS, "c8s-log")
        self._following: dict[tuple[str, str, int], Following] = {}
        self._open: set[Following] = set()

    def follow(
        self,
        run: Run,
        step: str,
        attempt: int,
        pod: Manifest,
        masks: Secrets,
        done: Callable[[], None],
        *,
        fresh: bool = False,
    ) -> Following:
        """Begin to follow; `done` is called once the whole log is kept on this host.

        `fresh`: no other driver can have kept anything of this pod.
        """
        key = (run.uid, step, attempt)
        before = self._following.get(key)

        def begin(following: Following) -> LogSpool | None:
            if before is not None:
                # The log of a pod that this one replaces: it goes to the same place.
                concurrent.futures.wait([before.kept])
            uid = pod["metadata"]["uid"]
            return self.kept.begin(run, step, attempt, uid, fresh=fresh, stopped=following.stopped)

        source = LogSource(self._namespace, pod["metadata"]["name"], STEP_CONTAINER)
        following = Following(source, begin, self._patience)
        self._following[key] = following
        self._open.add(following)
        following.kept = self._followers.submit(following.keep, self._client, masks)

        def ended(_kept: concurrent.futures.Future[None]) -> None:
            self._open.discard(following)
            self.kept.ended(run)
            done()

        following.kept.add_done_callback(ended)
        return following

    def _patience(self) -> float:
        """Seconds to wait for a container's end before its log is asked for."""
        count = len(self._open)
        if count < CROWD:
            return PATIENCE_SECONDS
        return min(MOST_PATIENCE_SECONDS, CROWD_PATIENCE_SECONDS * count)

    def forget(self, run: Run) -> None:
        """The run has ended, or its driver goes."""
        for key in [key for key in self._following if key[0] == run.uid]:
            del self._following[key]
        self.kept.forget(run)
