"""What is asked of an API server, and what may befall it on its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: `number` counts from 1 those of its sort, which is `write`, `watch` or `read`."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    sort: str
    number: int

    @property
    def resource(self) -> str:
        """Such as `jobs`, `pods`, `log`, `exec`."""
        parts = self.path.strip("/").split("/")
        after = parts[parts.index("namespaces") + 2 :] if "namespaces" in parts else parts[-1:]
        return after[2] if len(after) > 2 else after[0]

    def __str__(self) -> str:
        return f"{self.sort} {self.number}: {self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets to read in place of what the server says."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls a request.

    It is carried out `times` times. The client gets `answer`, else what the server said (the last
    time), `changed` where that is given, and for a stream what `lines` makes of its lines. With
    `lost` its connection breaks instead, with `silent` nothing comes at all. `before` is called
    when the server has answered and the client knows nothing of it, `after` when it does.

    To an exec happens `halfway` when so many bytes have gone to it (`halfway_in`) or come from it
    (`halfway_out`) behind the handshake; Cut, raised by it, breaks the connection there.
    """

    times: int = 1
    answer: Answer | None = None
    changed: Callable[[bytes], bytes] | None = None
    lines: Callable[[Iterator[bytes]], Iterator[bytes]] | None = None
    lost: bool = False
    silent: bool = False
    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None
    halfway: Callable[[], None] | None = None
    halfway_in: int | None = None
    halfway_out: int | None = None


NONE = Fault()


class Cut(Exception):
    """Raised by what makes lines, or halfway through an exec: the stream breaks here."""


def refusal(status: int, reason: str, message: str, **details: object) -> Answer:
    """An answer as an API server words it."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "message": message,
        "code": status,
        "details": details,
    }
    return Answer(status, body, {"Content-Type": "application/json"})
