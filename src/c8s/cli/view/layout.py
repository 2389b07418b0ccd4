"""Where the steps of a pipeline stand in a picture of its graph, drawn as a tree.

Each step hangs below the one it waits for that comes latest; what else it waits for is named
beside it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.graph import Graph
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Step
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.branches import UNICODE, Branches

# Deeper steps are drawn side by side: a chain of a hundred must not leave the screen.
DEEPEST = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A step's line: its index in the file, what is drawn before it, and who else it waits for."""

    step: int
    prefix: str
    also_after: tuple[str, ...]


def layout(steps: Sequence[Step], branches: Branches = UNICODE) -> tuple[Place, ...]:
    """The steps in the order of their lines; each stands below what it waits for."""
    graph = Graph.of(steps)
    above = _above(graph)
    below: dict[int | None, list[int]] = {}
    for step in range(len(steps)):
        below.setdefault(above[step], []).append(step)
    places: list[Place] = []
    waiting = [(step, "", "", 0) for step in reversed(below.get(None, []))]
    while waiting:
        step, prefix, indent, depth = waiting.pop()
        others = [graph.names[other] for other in graph.dependencies[step] if other != above[step]]
        # A step that watches over all the others says so by when it runs.
        places.append(Place(step, prefix, tuple(others) if steps[step].depends_on else ()))
        for child in reversed(below.get(step, [])):
            if depth == DEEPEST:
                waiting.append((child, prefix, indent, depth))
            else:
                head, rest = branches.ends(last=child == below[step][-1])
                waiting.append((child, indent + head, indent + rest, depth + 1))
    return tuple(places)


def _above(graph: Graph) -> list[int | None]:
    """For each step the one it hangs below: of those it waits for the deepest."""
    depth = [0] * len(graph.names)
    above: list[int | None] = [None] * len(graph.names)
    for step in graph.order:
        needed = graph.dependencies[step]
        if needed:
            above[step] = max(needed, key=lambda other: (depth[other], -other))
            depth[step] = 1 + max(depth[other] for other in needed)
    return above
