"""The objects of one kind as they are now: one list, then one watch, for all who ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ..core.errors import C8sError, Denied, InvalidInput, NotFound, Timeout, Unavailable
from .backoff import Backoff
from .changes import Changes
from .connection import Client
from .faults import Expired, Throttled
from .kinds import Kind
from .network_faults import Silent
from .object_cache import ObjectCache
from .resources import Resources
from .watch import IDLE_SECONDS, Watch, watch

# How often all is listed anew, so that even an event that was never sent is not missed for ever.
RELIST_SECONDS = 600.0
_LONGEST_PAUSE = 30.0
_STOP_SECONDS = 2.0
# A watch that ends sooner was not ended by its time limit: don't come back at full speed.
_SHORT_WATCH = 1.0
# A list older than what was seen comes from a replica that lags. This often it is asked again;
# then the store itself must have gone back (a restored backup).
_STALE_LISTS = 5


class Informer:
    """The current objects of one kind and selector, kept up to date by a thread of its own.

    It survives cut, silent and garbled streams, throttling, an API server that is away, and
    versions that are too old. What it holds never goes back in time. Objects are shared: don't
    change them. `group_label` names the label by which objects belong together.
    """

    def __init__(
        self,
        client: Client,
        kind: Kind,
        namespace: str,
        *,
        labels: str = "",
        fields: str = "",
        group_label: str = "",
        changes: Changes | None = None,
        idle: float = IDLE_SECONDS,
        relist: float = RELIST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kind = kind
        self.namespace = namespace
        self.changes = changes or Changes()
        self._client = client
        self._resources = Resources(client)
        self._labels = labels
        self._fields = fields
        self._cache = ObjectCache(group_label, self.changes)
        self._idle = idle
        self._relist = relist
        self._clock = clock
        self._version = ""
        self._synced = False
        self._listed_at = 0.0
        self._stale_lists = 0
        self._fault: C8sError | None = None
        self._settled = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._watch: Watch | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"c8s-watch-{kind.plural}", daemon=True
        )

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and its stream."""
        self._stopped.set()
        with self._lock:
            if self._watch is not None:
                self._watch.close()
        self.changes.note(())
        if self._thread.ident is not None:
            # One that hangs in a connect to a dead server ends with it, or with the process.
            self._thread.join(_STOP_SECONDS)

    @property
    def synced(self) -> bool:
        """Whether all objects were seen once."""
        return self._synced

    @property
    def fault(self) -> C8sError | None:
        """Why it is not up to date now, None when it is."""
        return self._fault

    def wait_synced(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for the first list.

        Raises Denied, NotFound or InvalidInput as soon as the server says so, else Timeout with
        the last fault in it.
        """
        limit = self._clock() + timeout
        while not self.synced:
            if isinstance(self._fault, Denied | NotFound | InvalidInput):
                raise self._fault
            rest = limit - self._clock()
            if rest <= 0 or self._stopped.is_set():
                said = f": {self._fault}" if self._fault else ""
                raise Timeout(f"{self.kind.plural} were not listed in {timeout:.0f} s{said}")
            self._settled.wait(rest)
            self._settled.clear()

    def objects(self, group: str | None = None) -> tuple[dict[str, Any], ...]:
        """All objects, or those of one group."""
        return self._cache.objects(group)

    def get(self, name: str, namespace: str = "") -> dict[str, Any] | None:
        """The object of that name as it was seen last, None when there is none."""
        return self._cache.get(namespace or self.namespace, name)

    def observe(self, found: dict[str, Any]) -> None:
        """Take in an object that a request has brought, such as the answer to a create."""
        self._cache.update([found])

    def refresh(self, name: str, namespace: str = "") -> dict[str, Any] | None:
        """Ask the server for one object and take it in; None when it is gone.

        For whoever waits on an object and has heard nothing for suspiciously long.
        """
        namespace = namespace or self.namespace
        found = self._resources.find(self.kind, name, namespace)
        if found is None:
            self._cache.remove(namespace, name)
            return None
        self._cache.update([found])
        return self._cache.get(namespace, name)

    def _run(self) -> None:
        backoff = Backoff(most=_LONGEST_PAUSE)
        while not self._stopped.is_set():
            pause = 0.0
            try:
                if not self._version or self._clock() - self._listed_at > self._relist:
                    self._list()
                begun = self._clock()
                self._follow(backoff)
                if self._clock() - begun > _SHORT_WATCH:
                    continue
                pause = backoff.next()
            except Silent as error:
                self._fault = error
            except Expired as error:
                self._version, self._fault = "", error
                pause = backoff.next()
            except Throttled as error:
                self._fault = error
                pause = backoff.next(least=error.retry_after)
            except Unavailable as error:
                self._fault = error
                pause = backoff.next()
            except C8sError as error:
                # Who may not watch may still list: that is slow, and better than nothing.
                self._version, self._fault = "", error
                pause = backoff.next()
            self._settled.set()
            self._stopped.wait(pause)

    def _list(self) -> None:
        listing = self._resources.listing(
            self.kind,
            self.namespace,
            labels=self._labels,
            fields=self._fields,
            patience=0.0,
        )
        if self._cache.is_ahead_of(listing.resource_version) and self._stale_lists < _STALE_LISTS:
            self._stale_lists += 1
            raise Unavailable(f"the list of {self.kind.plural} is older than what was seen")
        # After so many the store has gone back: what was seen counts for nothing.
        self._cache.replace(listing, whole=self._stale_lists >= _STALE_LISTS)
        self._stale_lists = 0
        self._version = listing.resource_version
        self._synced = True
        self._listed_at = self._clock()
        self._fault = None
        self._settled.set()

    def _follow(self, backoff: Backoff) -> None:
        opened = watch(
            self._client,
            self.kind,
            self.namespace,
            self._version,
            labels=self._labels,
            fields=self._fields,
            idle=self._idle,
        )
        with self._lock:
            self._watch = opened
        if self._stopped.is_set():
            opened.close()
        self._fault = None
        for batch in opened.batches():
            backoff.reset()
            changed = [found for kind, found in batch if kind in ("ADDED", "MODIFIED")]
            gone = [found for kind, found in batch if kind == "DELETED"]
            self._cache.update(changed, gone)
            self._version = self._cache.newest([event[1] for event in batch], self._version)


class Informers:
    """The informers of one process: one for each kind, namespace and selector, shared by all.

    `changes` counts the changes of all of them.
    """

    def __init__(
        self,
        client: Client,
        *,
        group_label: str = "",
        idle: float = IDLE_SECONDS,
        relist: float = RELIST_SECONDS,
    ) -> None:
        self.changes = Changes()
        self._client = client
        self._group_label = group_label
        self._idle = idle
        self._relist = relist
        self._lock = threading.Lock()
        self._informers: dict[tuple[Kind, str, str, str], Informer] = {}

    def of(self, kind: Kind, namespace: str, *, labels: str = "", fields: str = "") -> Informer:
        """The informer for these objects, started at the first call; wait for `wait_synced`."""
        key = (kind, namespace, labels, fields)
        with self._lock:
            if key not in self._informers:
                self._informers[key] = Informer(
                    self._client,
                    kind,
                    namespace,
                    labels=labels,
                    fields=fields,
                    group_label=self._group_label,
                    changes=self.changes,
                    idle=self._idle,
                    relist=self._relist,
                )
                self._informers[key].start()
            return self._informers[key]

    def close(self) -> None:
        """Stop them all."""
        with self._lock:
            informers, self._informers = list(self._informers.values()), {}
        for informer in informers:
            informer.stop()

    def __enter__(self) -> Informers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
