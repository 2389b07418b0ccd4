"""What one pod is charged by the quotas of its namespace, and what its limit ranges say of it.

The arithmetic is that of the API server: containers of the start count one by one, sidecars beside
everything that starts after them (k8s.io/component-helpers/resource), and a LimitRange fills in
what a container does not say.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..core.quantities import quantity

Manifest = dict[str, Any]
Amounts = dict[str, Decimal]

COMPUTE = ("cpu", "memory", "ephemeral-storage")
_ENFORCED = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")


def with_defaults(spec: Mapping[str, Any], ranges: Sequence[Mapping[str, Any]]) -> Manifest:
    """The pod's spec as the API server completes it: by limit ranges, and requests by limits."""
    completed: Manifest = copy.deepcopy(dict(spec))
    for container in _containers(completed):
        resources = container.setdefault("resources", {})
        requests = dict(resources.get("requests") or {})
        limits = dict(resources.get("limits") or {})
        requests = {**limits, **requests}
        for item in _items(ranges, "Container"):
            limits = {**(item.get("default") or {}), **limits}
            requests = {**(item.get("defaultRequest") or {}), **requests}
        resources.update(requests=requests, limits=limits)
    return completed


def charge(spec: Mapping[str, Any]) -> Amounts:
    """What a completed pod is charged, by the names that quotas have for it."""
    amounts: Amounts = {"pods": Decimal(1), "count/pods": Decimal(1)}
    for name in COMPUTE:
        requested = _pod_amount(spec, "requests", name)
        amounts[name] = amounts[f"requests.{name}"] = requested
        amounts[f"limits.{name}"] = _pod_amount(spec, "limits", name)
    return amounts


def unspecified(spec: Mapping[str, Any], counted: Sequence[str]) -> dict[str, list[str]]:
    """Containers of a completed pod that do not say what a quota counts, by its name for it.

    The API server refuses such a pod.
    """
    lacking: dict[str, list[str]] = {}
    for counted_name in counted:
        if counted_name not in _ENFORCED:
            continue
        kind, _dot, name = counted_name.rpartition(".")
        for container in _containers(spec):
            if name not in container["resources"][kind or "requests"]:
                lacking.setdefault(counted_name, []).append(container["name"])
    return lacking


def out_of_range(spec: Mapping[str, Any], ranges: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why limit ranges refuse a completed pod, a sentence for each reason."""
    found = []
    for item in _items(ranges, "Container"):
        for container in _containers(spec):
            for reason in _judged(item, container["resources"]):
                found.append(f"container {container['name']}: {reason}")
    for item in _items(ranges, "Pod"):
        resources = {
            kind: {name: str(_pod_amount(spec, kind, name)) for name in COMPUTE}
            for kind in ("requests", "limits")
        }
        found += [f"the pod: {reason}" for reason in _judged(item, resources)]
    return found


def _judged(item: Mapping[str, Any], resources: Mapping[str, Any]) -> Iterator[str]:
    for name, most in (item.get("max") or {}).items():
        for kind in ("requests", "limits"):
            asked = resources[kind].get(name)
            if asked is not None and quantity(str(asked)) > quantity(str(most)):
                yield f"{kind} of {name} are {asked}, at most {most} are allowed"
    for name, least in (item.get("min") or {}).items():
        asked = resources["requests"].get(name)
        if asked is None or quantity(str(asked)) < quantity(str(least)):
            yield f"requests of {name} are {asked or 'none'}, at least {least} are wanted"


def _pod_amount(spec: Mapping[str, Any], kind: str, name: str) -> Decimal:
    beside = most = Decimal(0)
    for container in spec.get("initContainers") or ():
        amount = _amount(container, kind, name)
        if container.get("restartPolicy") == "Always":
            beside += amount
            most = max(most, beside)
        else:
            most = max(most, beside + amount)
    together = sum((_amount(one, kind, name) for one in spec["containers"]), Decimal(0))
    return max(most, beside + together)


def _amount(container: Mapping[str, Any], kind: str, name: str) -> Decimal:
    return quantity(str(container["resources"][kind].get(name, "0")))


def _containers(spec: Mapping[str, Any]) -> list[Manifest]:
    return [*(spec.get("initContainers") or ()), *spec["containers"]]


def _items(ranges: Sequence[Mapping[str, Any]], kind: str) -> Iterator[Mapping[str, Any]]:
    for found in ranges:
        for item in (found.get("spec") or {}).get("limits") or ():
            if item.get("type") == kind:
                yield item
