"""Whether an API server answers, which version it is, and how far our clocks are apart."""

from __future__ import annotations

import dataclasses
import datetime
import email.utils
from collections.abc import Callable

from ..core.errors import Unavailable
from .connection import Client
from .encoding import decode


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """`version` as the server tells it (`v1.36.3`), `number` its first two numbers.

    `skew`: the seconds that our clock is ahead of the server's (behind, below zero); None where the
    server does not tell the time.
    """

    version: str
    number: tuple[int, int]
    skew: float | None


def health(client: Client, clock: Callable[[], datetime.datetime]) -> Health:
    """Ask the server for its version and its time.

    Raises Unavailable where it is away or is no Kubernetes, Denied where it refuses the login.
    """
    before = clock()
    answer = client.answer("GET", "/version", doing="ask for the server's version")
    after = clock()
    try:
        found = decode(answer.body)
        version = str(found["gitVersion"])
        major, minor = (int(part) for part in version.lstrip("v").split(".")[:2])
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"{client.server} tells no version: is it a Kubernetes API?") from error
    return Health(version, (major, minor), _skew(answer.date, before, after))


def _skew(date: str, before: datetime.datetime, after: datetime.datetime) -> float | None:
    """The seconds that no delay on the way and no cut to whole seconds explains."""
    if not date:
        return None
    theirs = email.utils.parsedate_to_datetime(date)
    ahead = (before - theirs).total_seconds() - 1
    behind = (after - theirs).total_seconds()
    return max(0.0, ahead) or min(0.0, behind)
