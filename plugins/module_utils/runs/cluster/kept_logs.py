"""Where the logs of attempts in a cluster are kept: on this host, or here until an object store
has them."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import pathlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

from ...core.errors import C8sError, Unavailable
from ...kube.backoff import Backoff
from ...pipeline.run import Run
from ...storage import log_spool
from ...storage.capped_log import DEFAULT_CAP
from ...storage.log_mark import LogMark
from ...storage.log_parts import LogPart, LogParts, newest_mark
from ...storage.log_spool import LogSpool
from ...storage.log_uploads import Brought, LogKeys, LogUpload, LogUploads
from ...storage.objects import Objects
from ...storage.run_directory import RunDirectory
from ...storage.run_objects import RunObjects

KEEP_SECONDS = 900.0
"""How long the end of a run is put off for a store that takes no logs; of a cancelled one less."""
CANCELLED_KEEP_SECONDS = 30.0
LEFTOVER_SECONDS = 10.0
"""How long a process that has nothing more to do waits for logs that others have left."""


@dataclasses.dataclass(slots=True)
class _OfRun:
    """What is under way for one run; `faults` are those of logs that cannot be begun yet."""

    uploads: list[LogUpload] = dataclasses.field(default_factory=list)
    faults: dict[str, C8sError] = dataclasses.field(default_factory=dict)
    troubled: bool = False
    waits_since: float | None = None
    given_up: bool = False


class KeptLogs:
    """`changed` is called with a run's id, by any thread, when there may be news of it or it may
    have settled."""

    def __init__(
        self,
        store: RunDirectory,
        objects: RunObjects | None = None,
        *,
        changed: Callable[[str], None] = lambda _run_id: None,
        cap: int = DEFAULT_CAP,
    ) -> None:
        self.changed = changed
        self._store = store
        self._objects = objects
        self._cap = cap
        self._guard = threading.Lock()
        self._runs: dict[str, _OfRun] = {}
        self._uploads: LogUploads | None = None
        self._leftovers: list[LogUpload] = []

    def url(self, run: Run, step: str, attempt: int) -> str:
        """Where the log of an attempt is kept."""
        if self._objects is not None:
            return self._objects.objects.url(self._objects.log(run.name, step, attempt))
        return self._store.log(run.name, step, attempt).as_uri()

    def begin(
        self,
        run: Run,
        step: str,
        attempt: int,
        origin: str,
        *,
        fresh: bool,
        stopped: threading.Event,
    ) -> LogSpool | None:
        """What takes the log of a pod with the uid `origin`, from its mark on.

        `fresh`: nobody can have kept anything of it. None where all of it is in the store, or
        after `stopped`.
        """
        path = self._store.log(run.name, step, attempt)
        if self._objects is None:
            found = None if fresh else log_spool.found(path, origin)
            return LogSpool(path, origin, self._cap, found=found)
        objects = self._objects.objects
        keys = self._objects.keys_of(run.name, path.name, origin)
        begin = _Beginning(None, None)
        if not fresh:
            parts = self._look(run, objects, keys, stopped)
            if parts is None:
                return None
            begin = _agreed(parts, origin, path, self._cap)
            LogParts(objects, keys.parts).delete(begin.surplus)
        spool = LogSpool(path, origin, self._cap, found=begin.found, target=objects.url(keys.log))
        upload = LogUpload(
            objects, keys, spool, begin.brought, changed=lambda: self.changed(run.uid)
        )
        self._add(run, upload)
        return spool

    def take_leftovers(self) -> None:
        """Bring over what earlier processes of this host had to leave here, as far as the store
        takes it while this one lives."""
        if self._objects is None:
            return
        for path, mark in self._store.whole_logs():
            run = path.parent.parent.name
            keys = self._objects.keys_of(run, path.name, mark.origin)
            if mark.target != self._objects.objects.url(keys.log):
                continue
            if self._objects.objects.size(keys.sealed) is not None:
                log_spool.remove(path)  # Another host has seen the rest of it.
                continue
            spool = LogSpool(path, mark.origin, found=mark, target=mark.target)
            self._leftovers.append(LogUpload(self._objects.objects, keys, spool, None))
            self._running().add(self._leftovers[-1])

    def ended(self, run: Run) -> None:
        """A log of the run has come to its end: it need not wait for its turn."""
        own = self._runs.get(run.uid)
        if own is not None and self._uploads is not None:
            self._uploads.hurry(own.uploads)

    def _look(
        self, run: Run, objects: Objects, keys: LogKeys, stopped: threading.Event
    ) -> list[LogPart] | None:
        """The parts that the store has, however long it takes; None where it has the whole."""
        backoff = Backoff(1.0, 30.0)
        faults = self._of(run).faults
        while True:
            try:
                if objects.size(keys.sealed) is not None:
                    return None
                parts = LogParts(objects, keys.parts).whole()
            except Unavailable as error:
                faults[keys.log] = error
                self.changed(run.uid)
                if stopped.wait(backoff.next()):
                    return None
            else:
                faults.pop(keys.log, None)
                return parts

    def _add(self, run: Run, upload: LogUpload) -> None:
        self._of(run).uploads.append(upload)
        self._running().add(upload)

    def _running(self) -> LogUploads:
        with self._guard:
            if self._uploads is None:
                self._uploads = LogUploads()
            return self._uploads

    def _of(self, run: Run) -> _OfRun:
        with self._guard:
            return self._runs.setdefault(run.uid, _OfRun())

    # --- what the driver asks ------------------------------------------------------------------

    def news(self, run: Run) -> Iterator[str]:
        """What is to be told of the store, each thing once."""
        if self._objects is None:
            return
        own = self._of(run)
        faults = [upload.fault for upload in own.uploads if upload.fault is not None]
        faults += list(own.faults.values())
        folder = f"{self._store.run(run.name)}/logs on {socket.gethostname()}"
        if faults and not own.troubled:
            yield f"logs wait in {folder} for the object store, which is tried on: {faults[0]}"
        elif own.troubled and not faults:
            yield "the object store takes logs again"
        own.troubled = bool(faults)
        if own.given_up:
            lost = [str(upload) for upload in own.uploads if not upload.kept.done()]
            own.given_up = False
            why = f": {faults[0]}" if faults else ""
            yield f"{', '.join(lost)} could not be kept and stay in {folder}{why}"

    def settled(self, run: Run) -> bool:
        """Whether the store has all logs of a run that is about to end, or no hope is left.

        What failed for good raises its error.
        """
        own = self._of(run)
        waiting = [upload for upload in own.uploads if not upload.kept.done()]
        for upload in own.uploads:
            if upload.kept.done():
                upload.kept.result()
        if not waiting:
            return True
        now = time.monotonic()
        if own.waits_since is None:
            own.waits_since = now
        patience = CANCELLED_KEEP_SECONDS if run.cancel else KEEP_SECONDS
        own.given_up = now - own.waits_since >= patience
        return own.given_up

    def forget(self, run: Run) -> None:
        """The run has ended, or its driver goes."""
        with self._guard:
            own = self._runs.pop(run.uid, None)
        if own is not None and self._uploads is not None:
            self._uploads.drop(own.uploads)

    def close(self) -> None:
        """Bring nothing over any more until a log is begun again."""
        with self._guard:
            uploads, self._uploads = self._uploads, None
        hopeful = [log.kept for log in self._leftovers if log.fault is None]
        concurrent.futures.wait(hopeful, LEFTOVER_SECONDS)
        self._leftovers.clear()
        if uploads is not None:
            uploads.close()


@dataclasses.dataclass(frozen=True, slots=True)
class _Beginning:
    """From where the spool of this host and its copy in the store go on; `surplus` are parts of
    the copy that would lie behind that."""

    found: LogMark | None
    brought: Brought | None
    surplus: list[int] = dataclasses.field(default_factory=list)


def _agreed(parts: list[LogPart], origin: str, path: pathlib.Path, cap: int) -> _Beginning:
    """Both hold a beginning of the same log, unless they are another pod's."""
    found, mark = log_spool.found(path, origin), newest_mark(parts, origin)
    if mark is None:
        return _Beginning(found, None)
    if found is None or found.size < mark.size:
        if not log_spool.rebuild(path, parts, mark, cap):
            return _Beginning(None, None)
        found = mark
    starts = tuple(part.start for part in parts if part.start < mark.size)
    surplus = [part.start for part in parts if part.start >= mark.size]
    return _Beginning(found, Brought(mark, starts), surplus)
