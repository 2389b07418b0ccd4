"""A container's log, followed while it runs and read to its end, over whatever breaks between."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ..core.errors import C8sError, InvalidInput, NotFound, Unavailable
from .backoff import Backoff
from .connection import Client
from .faults import Throttled
from .kinds import POD
from .log_decoder import LogDecoder, LogPosition
from .network_faults import Silent
from .resources import Resources
from .stream import Stream

# A follow that is silent for so long is opened anew: it may be dead, or the file was rotated away
# beneath it (the node then goes on waiting at the end of the old file).
QUIET_SECONDS = 30.0
# A file is rotated when it has grown past a limit (10 MiB, looked at every 10 seconds). What has
# brought much and falls silent is looked after sooner, before a second rotation takes lines away.
_MUCH = 4 * 1024 * 1024
_QUIET_AFTER_MUCH = 4.0
# The container has ended: how long the follow may be silent before the rest is asked for.
_QUIET_AT_END = 0.25
_FIRST_PAUSE = 0.05
# A follow has ended well, and nothing is known of the container's end: most likely it has ended,
# and its node tells so within a second.
_PAUSE_AT_END = 1.0
_LONGEST_PAUSE = 5.0
_WAITS_TO_START = ("is waiting to start", "is not available", "ContainerCreating")


@dataclasses.dataclass(frozen=True, slots=True)
class LogSource:
    """Whose log: a container of a pod; `previous`: of its instance before the last restart."""

    namespace: str
    pod: str
    container: str
    previous: bool = False

    def __str__(self) -> str:
        before = "the previous " if self.previous else ""
        return f"{before}log of {self.namespace}/{self.pod}/{self.container}"


class LogFollower:
    """Gives a container's log, each byte once and in order, until it has ended and all is read.

    One thread reads `blocks`; any thread may `finish` or `stop`. `ended` tells whether the
    container has ended for good; without it the API is asked. With `position` it goes on where
    another follower was (its own `position` then). With `timestamps` the lines keep theirs. What
    ends within `patience` seconds is read once, after its end.
    """

    def __init__(
        self,
        client: Client,
        source: LogSource,
        *,
        position: LogPosition | None = None,
        ended: Callable[[], bool] | None = None,
        timestamps: bool = False,
        quiet: float = QUIET_SECONDS,
        patience: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source = source
        self.gone = False
        self._client = client
        self._decoder = LogDecoder(position, timestamps=timestamps)
        self._ended = ended or self._container_ended
        self._quiet = quiet
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._received = 0
        self._heard_at = clock()
        self._finishing = threading.Event()
        self._stopped = threading.Event()
        self._fault: C8sError | None = None
        self._complete = False
        self._last = False

    @property
    def reads_rest(self) -> bool:
        """Whether the container had ended before the answer began that is read now."""
        return self._last

    @property
    def position(self) -> LogPosition:
        """How far it is, all blocks included that were given out."""
        return self._decoder.position

    @property
    def rotations(self) -> int:
        """How often the log went on in another file; lines between may be missing."""
        return self._decoder.rotations

    @property
    def notice(self) -> str:
        """What the node said instead of a log, such as that it has none any more."""
        return self._decoder.notice

    @property
    def complete(self) -> bool:
        """Whether the log was read to its end, as it seems: an answer has ended by itself, and no
        fault came behind it, though the node may have put the log away since."""
        return self._complete

    @property
    def fault(self) -> C8sError | None:
        """Why nothing comes now (it is tried again), None while all is well."""
        return self._fault

    def finish(self) -> None:
        """The container has ended: give what is left, and end. Returns at once."""
        self._finishing.set()
        with self._lock:
            much = self._received > _MUCH
            rest = self._heard_at + _QUIET_AT_END - self._clock()
            stream = self._stream
        if stream is None or much:
            # The reader is between two requests, or has so much behind it that parts of the log
            # may be in a file that only this stream still has: it ends by itself.
            return
        if rest <= 0:
            stream.close()
        else:
            timer = threading.Timer(rest, self._close_if_quiet, [stream])
            timer.daemon = True
            timer.start()

    def stop(self) -> None:
        """Give nothing more."""
        self._stopped.set()
        self._finishing.set()
        with self._lock:
            if self._stream is not None:
                self._stream.close()

    def blocks(self) -> Iterator[bytes]:
        """The log's bytes in pieces as they come.

        Ends when the container has ended and all was read, when the pod is gone (`gone`), or
        after `stop`. Faults that may pass are waited for. Raises Denied, or InvalidInput for what
        can't be asked; NotFound when there is no previous container.
        """
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        self._finishing.wait(self._patience)
        while not self._stopped.is_set():
            # What is asked for after the end brings all there is.
            self._last = self._last or self._over()
            pause = 0.0
            try:
                for block in self._answer(follow=not self._last):
                    backoff.reset()
                    self._complete = False
                    yield block
                self._fault = None
                self._complete = self._complete or not self.notice
                if self._last:
                    return
                # It may have ended: if not, the API server went away or the node knows more
                # than the API tells yet.
                self._last = self._over()
                pause = 0.0 if self._last else backoff.next(least=_PAUSE_AT_END)
            except Silent:
                self._fault = None
            except NotFound as error:
                self._fault = error
                if self._pod_is_gone():
                    self.gone = True
                    return
                self._complete = False
                # A node that has just started does not know its own pods for a moment.
                pause = backoff.next()
            except InvalidInput as error:
                self._explain(error)
                if self._last:
                    return
                self._complete = False
                pause = backoff.next()
            except Throttled as error:
                self._fault, pause = error, backoff.next(least=error.retry_after)
                self._complete = False
            except Unavailable as error:
                self._fault, pause = error, backoff.next()
                self._complete = False
            (self._stopped if self._last else self._finishing).wait(pause)

    def _explain(self, error: InvalidInput) -> None:
        """Raise what will not pass; a container that has not started yet will."""
        if "previous terminated container" in error.message:
            raise NotFound(error.message) from error
        if not any(words in error.message for words in _WAITS_TO_START):
            raise error

    def _answer(self, *, follow: bool) -> Iterator[bytes]:
        """What one request brings that is new."""
        params: dict[str, str | int | bool] = {
            "container": self.source.container,
            "timestamps": True,
            "follow": follow,
        }
        if self.source.previous:
            params["previous"] = True
        if self._decoder.since:
            params["sinceTime"] = self._decoder.since
        stream = self._client.open(
            POD.path(self.source.namespace, self.source.pod, "log"),
            params,
            idle=self._quiet,
            doing=f"read the {self.source}",
        )
        with self._lock:
            self._stream, self._received, self._heard_at = stream, 0, self._clock()
            if self._stopped.is_set():
                stream.close()
        self._decoder.begin()
        patience = self._quiet
        try:
            for block in stream.blocks():
                self._received += len(block)
                self._heard_at = self._clock()
                allowed = self._allowed_silence()
                if allowed != patience:
                    patience = allowed
                    stream.wait_at_most(patience)
                if new := self._decoder.feed(block):
                    yield new
        finally:
            with self._lock:
                self._stream = None
            stream.close()

    def _allowed_silence(self) -> float:
        if self._received > _MUCH:
            return min(self._quiet, _QUIET_AFTER_MUCH)
        return _QUIET_AT_END if self._finishing.is_set() else self._quiet

    def _close_if_quiet(self, stream: Stream) -> None:
        with self._lock:
            same = self._stream is stream
        if same and self._clock() - self._heard_at >= _QUIET_AT_END:
            stream.close()

    def _over(self) -> bool:
        """Whether the container has ended, as far as can be known now."""
        if self._finishing.is_set():
            return True
        try:
            return self._ended()
        except NotFound:
            return True
        except Unavailable as error:
            self._fault = error
            return False

    def _container_ended(self) -> bool:
        if self.source.previous:
            return True
        pod = Resources(self._client).get(POD, self.source.pod, self.source.namespace)
        return container_ended(pod, self.source.container)

    def _pod_is_gone(self) -> bool:
        try:
            found = Resources(self._client).find(POD, self.source.pod, self.source.namespace)
        except Unavailable:
            return False
        return found is None


def container_ended(pod: dict[str, Any], name: str) -> bool:
    """Whether this container of the pod (of any sort) has ended and will not start again."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return True
    lists = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    for container in (found for key in lists for found in status.get(key) or ()):
        if container.get("name") == name:
            return "terminated" in (container.get("state") or {})
    return False
