"""Whether pods fit into the ResourceQuotas of their namespace: now, later, or never."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..core.quantities import quantity
from .pod_charge import Amounts, unspecified


class Room(enum.StrEnum):
    """What a quota leaves: all of it fits now, some of it waits for the rest, or one never fits."""

    FITS = "fits"
    WAITS = "waits"
    NEVER = "never"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What one quota says to one resource.

    `first` is asked for at once, `peak` at most at one time, `largest` by the step that asks for
    most; `hard` is all that the quota allows, of which `used` is taken.
    """

    quota: str
    resource: str
    room: Room
    hard: Decimal
    used: Decimal
    first: Decimal
    peak: Decimal
    largest: Decimal

    def __str__(self) -> str:
        left = max(Decimal(0), self.hard - self.used)
        where = f"quota {self.quota}: {self.resource}"
        if self.room is Room.NEVER:
            return (
                f"{where}: a step asks for {_text(self.largest)}, and {_text(self.hard)} is all"
                " there is: it never fits"
            )
        if self.first > left:
            return (
                f"{where}: {_text(self.first)} are asked for at first, {_text(left)} of"
                f" {_text(self.hard)} are left: it would wait now"
            )
        if self.room is Room.WAITS:
            return (
                f"{where}: at most {_text(self.peak)} are asked for at one time, {_text(left)} of"
                f" {_text(self.hard)} are left: steps may wait for each other"
            )
        return f"{where}: {_text(self.peak)} of {_text(left)} that are left"

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; amounts in base units (cores, bytes, objects)."""
        amounts = {
            name: float(getattr(self, name))
            for name in ("hard", "used", "first", "peak", "largest")
        }
        return {"quota": self.quota, "resource": self.resource, "room": str(self.room), **amounts}


def verdicts(
    quota: Mapping[str, Any], first: Amounts, peak: Amounts, largest: Amounts
) -> list[Verdict]:
    """What a quota says, for each resource that it counts and that is asked for."""
    found = []
    status = quota.get("status") or {}
    hard = (quota.get("spec") or {}).get("hard") or {}
    for resource, most in hard.items():
        if not peak.get(resource):
            continue
        limit = quantity(str(most))
        used = quantity(str((status.get("used") or {}).get(resource, "0")))
        wanted = tuple(amounts.get(resource, Decimal(0)) for amounts in (first, peak, largest))
        room = Room.FITS
        if wanted[2] > limit:
            room = Room.NEVER
        elif max(wanted[:2]) > limit - used:
            room = Room.WAITS
        found.append(Verdict(quota["metadata"]["name"], resource, room, limit, used, *wanted))
    return found


def counts(quota: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Whether the quota counts a pod of that spec, by its scopes."""
    body = quota.get("spec") or {}
    if not all(_in_scope(scope, spec) for scope in body.get("scopes") or ()):
        return False
    selector = body.get("scopeSelector") or {}
    return all(_matches(wanted, spec) for wanted in selector.get("matchExpressions") or ())


def refusals(quota: Mapping[str, Any], spec: Mapping[str, Any]) -> list[str]:
    """Why the quota refuses a completed pod whatever room there is, a sentence for each reason."""
    counted = list((quota.get("spec") or {}).get("hard") or {})
    return [
        f"quota {quota['metadata']['name']} counts {resource}, which containers do not say:"
        f" {', '.join(names)}; a LimitRange in the namespace can give defaults"
        for resource, names in unspecified(spec, counted).items()
    ]


def _in_scope(scope: str, spec: Mapping[str, Any]) -> bool:
    if scope == "Terminating":
        return spec.get("activeDeadlineSeconds") is not None
    if scope == "NotTerminating":
        return spec.get("activeDeadlineSeconds") is None
    if scope == "PriorityClass":
        return bool(spec.get("priorityClassName"))
    if scope in ("BestEffort", "NotBestEffort"):
        return _best_effort(spec) is (scope == "BestEffort")
    return False


def _best_effort(spec: Mapping[str, Any]) -> bool:
    containers: Sequence[Mapping[str, Any]] = [
        *(spec.get("initContainers") or ()),
        *spec["containers"],
    ]
    return not any(
        container["resources"]["requests"] or container["resources"]["limits"]
        for container in containers
    )


def _matches(wanted: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    name, operator = wanted.get("scopeName"), wanted.get("operator")
    if name != "PriorityClass":
        inside = _in_scope(str(name), spec)
        return not inside if operator == "DoesNotExist" else inside
    value, values = spec.get("priorityClassName"), wanted.get("values") or ()
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    return bool(value) is (operator == "Exists")


def _text(amount: Decimal) -> str:
    if amount >= 1024 * 1024 and amount % 1024 == 0:
        for size, suffix in ((2**30, "Gi"), (2**20, "Mi")):
            if amount % size == 0:
                return f"{int(amount // size)}{suffix}"
    return f"{amount.normalize():f}"
