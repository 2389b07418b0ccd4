"""Whether the caller may do what it is about to do: asked of the API server, side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from .connection import Client
from .kinds import ACCESS_REVIEW

_SIDE_BY_SIDE = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Right:
    """One thing to be allowed: `create` on `jobs` of group `batch` in a namespace.

    An empty namespace means all of them (or a resource that has none), an empty name any object.
    """

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        resource = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        group = f".{self.group}" if self.group else ""
        name = f" {self.name}" if self.name else ""
        place = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {resource}{group}{name}{place}"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What the API server says to one right, with its reason where it gives one."""

    right: Right
    allowed: bool
    reason: str = ""


def verdicts(client: Client, rights: Sequence[Right]) -> tuple[Verdict, ...]:
    """The API server's word on each right, in order. Raises what the client's requests raise."""
    if not rights:
        return ()
    with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(rights)), "c8s-access") as pool:
        return tuple(pool.map(lambda right: _verdict(client, right), rights))


def missing(client: Client, rights: Sequence[Right]) -> tuple[Right, ...]:
    """Those of the rights that the caller does not have."""
    return tuple(found.right for found in verdicts(client, rights) if not found.allowed)


def _verdict(client: Client, right: Right) -> Verdict:
    attributes = {name: value for name, value in dataclasses.asdict(right).items() if value}
    answer = client.request(
        "POST",
        ACCESS_REVIEW.path(),
        {
            "apiVersion": ACCESS_REVIEW.api_version,
            "kind": ACCESS_REVIEW.name,
            "spec": {"resourceAttributes": attributes},
        },
        repeatable=True,
        doing=f"ask whether you may {right}",
    )
    status = answer.get("status") or {}
    reason = str(status.get("reason") or status.get("evaluationError") or "")
    return Verdict(right, bool(status.get("allowed")), reason)
