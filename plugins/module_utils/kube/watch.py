"""One watch request: what has changed since a version, batch by batch."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from ..core.errors import Unavailable
from .connection import Client
from .encoding import decode
from .faults import error_of_status
from .kinds import Kind
from .stream import Stream

# The server ends a watch after about this time; spread, so that not all come back at once.
_SERVER_SECONDS = 240
_SPREAD_SECONDS = 60
# A bookmark comes about once a minute. What is silent for longer is dead.
IDLE_SECONDS = 75.0

Event = tuple[str, dict[str, Any]]


class Garbled(Unavailable):
    """The stream brought what is no event."""


class Watch:
    """An open watch. One thread reads; any may close."""

    def __init__(self, stream: Stream, what: str) -> None:
        self._stream = stream
        self._what = what

    def batches(self) -> Iterator[list[Event]]:
        """Events as (type, object) in the order of the server, those that came together as one.

        Ends when the server ends the watch. Raises Expired when its version is too old, Throttled,
        Silent, CutOff or Garbled (after all events before), Unavailable for what else the server
        says.
        """
        rest = b""
        for block in self._stream.blocks():
            *lines, rest = (rest + block).split(b"\n")
            good: list[Event] = []
            try:
                for line in lines:
                    if line.strip():
                        good.append(self._event(line))
            finally:
                if good:
                    yield good

    def close(self) -> None:
        """End it, also for the thread that waits for its next events."""
        self._stream.close()

    def _event(self, line: bytes) -> Event:
        try:
            event = decode(line)
            kind, found = event["type"], event["object"]
            named = kind in ("ERROR", "BOOKMARK") or found["metadata"]["name"]
            version = kind == "ERROR" or found["metadata"]["resourceVersion"]
        except (ValueError, KeyError, TypeError) as error:
            raise Garbled(f"the watch of {self._what} brought no event: {line[:80]!r}") from error
        if kind == "ERROR":
            raise error_of_status(found, f"watch {self._what}")
        if not isinstance(version, str) or not named:
            raise Garbled(f"the watch of {self._what} brought an object without name or version")
        return kind, found


def watch(
    client: Client,
    kind: Kind,
    namespace: str,
    version: str,
    *,
    labels: str = "",
    fields: str = "",
    idle: float = IDLE_SECONDS,
    chance: Callable[[], float] = random.random,
) -> Watch:
    """Watch what changes after `version`, in one namespace or (empty) in all.

    `idle` is the time in seconds without a byte (bookmarks count) after which it is dead.
    """
    what = f"{kind.plural} of {namespace or 'the cluster'}"
    params: dict[str, str | int | bool] = {
        "watch": True,
        "allowWatchBookmarks": True,
        "resourceVersion": version,
        "timeoutSeconds": int(_SERVER_SECONDS + chance() * _SPREAD_SECONDS),
    }
    if labels:
        params["labelSelector"] = labels
    if fields:
        params["fieldSelector"] = fields
    stream = client.open(kind.path(namespace), params, idle=idle, doing=f"watch {what}")
    return Watch(stream, what)
