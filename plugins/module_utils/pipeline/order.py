"""Names of steps and what they wait for, as a document gives them: unique, known, in no circle."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.tree import shown
from .faults import Faults

_CYCLE_LIMIT = 20


def judge_order(steps: Sequence[Mapping[str, Any] | None], faults: Faults) -> None:
    """Note every second use of a name, every unknown one in `dependsOn`, and every cycle."""
    index: dict[str, int] = {}
    for position, step in enumerate(steps):
        name = step.get("name") if step else None
        if name is None:
            continue
        if name in index:
            message = f"two steps are named {shown(name)}; the other is steps[{index[name]}]"
            faults.add(("steps", position, "name"), message)
        else:
            index[name] = position
    graph = {
        position: _dependencies(position, step, index, faults)
        for position, step in enumerate(steps)
        if step
    }
    _judge_cycles(steps, graph, faults)


def _dependencies(
    position: int, step: Mapping[str, Any], index: Mapping[str, int], faults: Faults
) -> list[int]:
    found = []
    for place, name in enumerate(step.get("dependsOn", ())):
        if name is None:
            continue
        path = ("steps", position, "dependsOn", place)
        if name not in index:
            message = f"no step is named {shown(name)}"
            faults.add(path, message, suggestion=faults.closest(name, index))
        elif index[name] == position:
            faults.add(path, "a step cannot wait for itself")
        else:
            found.append(index[name])
    return found


def _judge_cycles(
    steps: Sequence[Mapping[str, Any] | None], graph: dict[int, list[int]], faults: Faults
) -> None:
    for _cycle in range(_CYCLE_LIMIT):
        sorter = graphlib.TopologicalSorter(graph)
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            # Each member of graphlib's list is what the next one waits for; told the other way
            # round, and from the member that comes first in the file.
            members = list(reversed(error.args[1][1:]))
            first = members.index(min(members))
            members = members[first:] + members[:first]
            entries = [steps[member] or {} for member in (*members, members[0])]
            circle = " -> ".join(entry["name"] for entry in entries)
            place = entries[0]["dependsOn"].index(entries[1]["name"])
            path = ("steps", members[0], "dependsOn", place)
            faults.add(path, f"these steps wait for each other: {circle}")
            # Without its members the next cycle, if any, comes to light.
            graph = {
                position: [before for before in needed if before not in members]
                for position, needed in graph.items()
                if position not in members
            }
        else:
            return
