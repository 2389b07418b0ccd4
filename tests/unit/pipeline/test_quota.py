"""What pods are charged, and whether quotas have room for them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.demand import peak_amounts
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.graph import Graph
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod_charge import (
    charge,
    out_of_range,
    unspecified,
    with_defaults,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.quota import (
    Room,
    counts,
    refusals,
    verdicts,
)


def container(name: str, requests: Any = None, limits: Any = None, **more: Any) -> dict[str, Any]:
    resources = {"requests": requests or {}, "limits": limits or {}}
    return {"name": name, "resources": resources, **more}


def pod(*containers: dict[str, Any], before: Any = (), **more: Any) -> dict[str, Any]:
    return {"initContainers": list(before), "containers": list(containers), **more}


def limit_range(**item: Any) -> dict[str, Any]:
    return {"metadata": {"name": "r"}, "spec": {"limits": [{"type": "Container", **item}]}}


def quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "q"},
        "spec": {"hard": hard, **spec},
        "status": {"used": used or {}},
    }


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        (pod(container("a", {"cpu": "100m"}), container("b", {"cpu": "50m"})), "0.15"),
        # What starts before and ends counts where it asks for more than the rest together.
        (pod(container("a", {"cpu": "1"}), before=[container("i", {"cpu": "2"})]), "2"),
        (pod(container("a", {"cpu": "1"}), before=[container("i", {"cpu": "500m"})]), "1"),
        # Sidecars count beside all that starts after them.
        (
            pod(
                container("a", {"cpu": "1"}),
                before=[
                    container("s", {"cpu": "250m"}, restartPolicy="Always"),
                    container("i", {"cpu": "2"}),
                ],
            ),
            "2.25",
        ),
        (
            pod(
                container("a", {"cpu": "1"}),
                before=[container("s", {"cpu": "250m"}, restartPolicy="Always")],
            ),
            "1.25",
        ),
        # A limit is a request where none is made.
        (pod(container("a", None, {"cpu": "3"})), "3"),
        (pod(container("a")), "0"),
    ],
)
def test_charges(spec: dict[str, Any], cpu: str) -> None:
    amounts = charge(with_defaults(spec, []))
    assert amounts["cpu"] == amounts["requests.cpu"] == Decimal(cpu)
    assert amounts["pods"] == amounts["count/pods"] == 1


def test_a_limit_range_fills_in_what_is_not_said() -> None:
    spec = pod(container("a", {"memory": "1Gi"}))
    usual = limit_range(default={"cpu": "2"}, defaultRequest={"cpu": "200m", "memory": "3Gi"})
    completed = with_defaults(spec, [usual])
    assert completed["containers"][0]["resources"] == {
        "requests": {"cpu": "200m", "memory": "1Gi"},
        "limits": {"cpu": "2"},
    }
    assert spec["containers"][0]["resources"]["limits"] == {}
    assert unspecified(completed, ["limits.cpu", "cpu", "memory", "limits.memory", "pods"]) == {
        "limits.memory": ["a"]
    }


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"max": {"cpu": "1"}}, ["container a: requests of cpu are 2, at most 1 are allowed"]),
        ({"max": {"cpu": "2"}}, []),
        ({"min": {"cpu": "3"}}, ["container a: requests of cpu are 2, at least 3 are wanted"]),
        (
            {"min": {"memory": "1Gi"}},
            ["container a: requests of memory are none, at least 1Gi are wanted"],
        ),
        (
            {"type": "Pod", "max": {"cpu": "1"}},
            ["the pod: requests of cpu are 2, at most 1 are allowed"],
        ),
        ({"type": "PersistentVolumeClaim", "max": {"storage": "1"}}, []),
    ],
)  # fmt: skip
def test_limit_ranges(item: dict[str, Any], said: list[str]) -> None:
    completed = with_defaults(pod(container("a", {"cpu": "2"})), [])
    assert out_of_range(completed, [limit_range(**item)]) == said


@pytest.mark.parametrize(
    ("spec", "more", "counted"),
    [
        ({}, {}, True),
        ({"scopes": ["Terminating"]}, {"activeDeadlineSeconds": 9}, True),
        ({"scopes": ["Terminating"]}, {}, False),
        ({"scopes": ["NotTerminating"]}, {"activeDeadlineSeconds": 9}, False),
        ({"scopes": ["BestEffort"]}, {}, False),
        ({"scopes": ["NotBestEffort"]}, {}, True),
        ({"scopes": ["CrossNamespacePodAffinity"]}, {}, False),
        ({"scopeSelector": ("In", ["high"])}, {"priorityClassName": "high"}, True),
        ({"scopeSelector": ("In", ["high"])}, {"priorityClassName": "low"}, False),
        ({"scopeSelector": ("NotIn", ["high"])}, {}, True),
        ({"scopeSelector": ("Exists", [])}, {}, False),
        ({"scopeSelector": ("DoesNotExist", [])}, {}, True),
    ],
)
def test_scopes(spec: dict[str, Any], more: dict[str, Any], counted: bool) -> None:
    if "scopeSelector" in spec:
        operator, values = spec["scopeSelector"]
        wanted = {"scopeName": "PriorityClass", "operator": operator, "values": values}
        spec = {"scopeSelector": {"matchExpressions": [wanted]}}
    completed = with_defaults(pod(container("a", {"cpu": "1"}), **more), [])
    assert counts(quota({}, **spec), completed) is counted


@pytest.mark.parametrize(
    ("first", "peak", "largest", "room", "said"),
    [
        ("1", "2", "1", Room.FITS, "cpu: 2 of 3 that are left"),
        ("2", "4", "2", Room.WAITS, "at most 4 are asked for at one time, 3 of 4 are left"),
        ("4", "4", "2", Room.WAITS, "4 are asked for at first, 3 of 4 are left: it would wait now"),
        ("5", "5", "5", Room.NEVER, "a step asks for 5, and 4 is all there is: it never fits"),
    ],
)
def test_room(first: str, peak: str, largest: str, room: Room, said: str) -> None:
    amounts = ({"cpu": Decimal(text)} for text in (first, peak, largest))
    (verdict,) = verdicts(quota({"cpu": "4", "pods": "1"}, {"cpu": "1"}), *amounts)
    assert verdict.room is room
    assert said in str(verdict)
    assert verdict.as_dict()["hard"] == 4.0


def test_what_a_quota_counts_has_to_be_said() -> None:
    completed = with_defaults(pod(container("a", {"cpu": "1"}), container("b")), [])
    assert refusals(quota({"requests.cpu": "4", "pods": "9"}), completed) == [
        "quota q counts requests.cpu, which containers do not say: b; a LimitRange in the namespace"
        " can give defaults"
    ]


def test_amounts_add_up_along_the_graph() -> None:
    """a -> b, and c beside both: c runs beside the larger of the two."""
    steps = load(
        """version: v1alpha1
name: p
steps:
  - {name: a, image: i, commands: [x]}
  - {name: b, image: i, commands: [x], dependsOn: [a]}
  - {name: c, image: i, commands: [x]}
"""
    ).steps
    asked = [
        {"cpu": Decimal("0.1")},
        {"cpu": Decimal("0.5"), "memory": Decimal(2**30)},
        {"cpu": Decimal("0.2"), "memory": Decimal(2**20)},
    ]
    assert peak_amounts(Graph.of(steps), asked) == {
        "cpu": Decimal("0.7"),
        "memory": Decimal(2**30 + 2**20),
    }
    assert peak_amounts(Graph.of(steps), [{}, {}, {}]) == {}
