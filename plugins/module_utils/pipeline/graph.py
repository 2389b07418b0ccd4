"""The order in which steps may run."""

from __future__ import annotations

import dataclasses
import graphlib
from collections.abc import Sequence

from ..core.errors import InvalidInput
from .spec import Step, WhenStatus


@dataclasses.dataclass(frozen=True, slots=True)
class Graph:
    """Steps by their index in the file: what each waits for, and an order that respects it.

    A step that runs on failure or always and names nothing to wait for waits for all others, so
    that it sees how the run went; left out are its like and what stands behind them. These all
    wait for `watched`: the very same tuple stands in `dependencies` for each, and `dependents`
    does not repeat it, or half a file of such steps would be millions of arrows.
    """

    names: tuple[str, ...]
    dependencies: tuple[tuple[int, ...], ...]
    dependents: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]
    watched: tuple[int, ...] = ()

    @classmethod
    def of(cls, steps: Sequence[Step]) -> Graph:
        """Build it; InvalidInput names an unknown step, a duplicate, or a cycle's members."""
        dependencies = _named_dependencies(steps)
        order = _order(steps, dependencies)
        dependents: list[list[int]] = [[] for _step in steps]
        for position, needed in enumerate(dependencies):
            for dependency in needed:
                dependents[dependency].append(position)
        watchers = [
            position
            for position, step in enumerate(steps)
            if step.when.status is not WhenStatus.SUCCESS and not step.depends_on
        ]
        watched: tuple[int, ...] = ()
        if watchers:
            behind = _reached(dependents, watchers)
            watched = tuple(position for position in range(len(steps)) if position not in behind)
            for position in watchers:
                dependencies[position] = watched
            # Nothing watched waits for a watcher, so these may all come first.
            order = sorted(order, key=behind.__contains__)
        return cls(
            tuple(step.name for step in steps),
            tuple(dependencies),
            tuple(map(tuple, dependents)),
            tuple(order),
            watched,
        )

    def layers(self) -> tuple[tuple[str, ...], ...]:
        """Steps by their distance from the start, for display; each layer in file order."""
        depth = [0] * len(self.names)
        below_watched: int | None = None
        for position in self.order:
            needed = self.dependencies[position]
            if needed is self.watched and below_watched is not None:
                depth[position] = below_watched
                continue
            depth[position] = 1 + max((depth[dependency] for dependency in needed), default=-1)
            if needed is self.watched:
                below_watched = depth[position]
        layers: list[list[str]] = [[] for _layer in range(max(depth, default=-1) + 1)]
        for position, name in enumerate(self.names):
            layers[depth[position]].append(name)
        return tuple(tuple(layer) for layer in layers)


def _named_dependencies(steps: Sequence[Step]) -> list[tuple[int, ...]]:
    index: dict[str, int] = {}
    for position, step in enumerate(steps):
        if step.name in index:
            raise InvalidInput(f"two steps are named {step.name!r}")
        index[step.name] = position
    for step in steps:
        for name in step.depends_on:
            if name not in index:
                raise InvalidInput(f"step {step.name!r} depends on unknown step {name!r}")
    return [tuple([index[name] for name in step.depends_on]) for step in steps]


def _order(steps: Sequence[Step], dependencies: Sequence[tuple[int, ...]]) -> list[int]:
    sorter = graphlib.TopologicalSorter(dict(enumerate(dependencies)))
    try:
        return list(sorter.static_order())
    except graphlib.CycleError as error:
        cycle = " -> ".join(steps[position].name for position in reversed(error.args[1]))
        raise InvalidInput(f"steps depend on each other in a circle: {cycle}") from None


def _reached(edges: Sequence[Sequence[int]], starts: Sequence[int]) -> set[int]:
    """`starts` and all that the edges lead to from there."""
    found = set(starts)
    frontier = list(starts)
    while frontier:
        for after in edges[frontier.pop()]:
            if after not in found:
                found.add(after)
                frontier.append(after)
    return found
