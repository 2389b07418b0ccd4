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

    A step that runs on failure or always and names nothing to wait for waits for all that run on
    success, so that it sees how the run went.
    """

    names: tuple[str, ...]
    dependencies: tuple[tuple[int, ...], ...]
    dependents: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]

    @classmethod
    def of(cls, steps: Sequence[Step]) -> Graph:
        """Build it; InvalidInput names an unknown step, a duplicate, or a cycle's members."""
        index: dict[str, int] = {}
        for position, step in enumerate(steps):
            if step.name in index:
                raise InvalidInput(f"two steps are named {step.name!r}")
            index[step.name] = position
        dependencies: list[tuple[int, ...]] = []
        for step in steps:
            for name in step.depends_on:
                if name not in index:
                    raise InvalidInput(f"step {step.name!r} depends on unknown step {name!r}")
            dependencies.append(tuple(index[name] for name in step.depends_on))
        _let_watchers_wait(steps, dependencies)
        sorter = graphlib.TopologicalSorter(dict(enumerate(dependencies)))
        try:
            order = tuple(sorter.static_order())
        except graphlib.CycleError as error:
            cycle = " -> ".join(steps[position].name for position in reversed(error.args[1]))
            raise InvalidInput(f"steps depend on each other in a circle: {cycle}") from None
        dependents: list[list[int]] = [[] for _step in steps]
        for position, needed in enumerate(dependencies):
            for dependency in needed:
                dependents[dependency].append(position)
        return cls(
            tuple(index), tuple(dependencies), tuple(tuple(after) for after in dependents), order
        )

    def layers(self) -> tuple[tuple[str, ...], ...]:
        """Steps by their distance from the start, for display; each layer in file order."""
        depth = [0] * len(self.names)
        for position in self.order:
            needed = self.dependencies[position]
            depth[position] = 1 + max((depth[dependency] for dependency in needed), default=-1)
        layers: list[list[str]] = [[] for _layer in range(max(depth, default=-1) + 1)]
        for position, name in enumerate(self.names):
            layers[depth[position]].append(name)
        return tuple(tuple(layer) for layer in layers)

    def downstream(self, starts: Sequence[int]) -> set[int]:
        """All steps that wait, directly or not, for one of `starts`; these not included."""
        return _reach(self.dependents, starts)


def _reach(edges: Sequence[Sequence[int]], starts: Sequence[int]) -> set[int]:
    found: set[int] = set()
    frontier = list(starts)
    while frontier:
        for after in edges[frontier.pop()]:
            if after not in found:
                found.add(after)
                frontier.append(after)
    return found


def _let_watchers_wait(steps: Sequence[Step], dependencies: list[tuple[int, ...]]) -> None:
    """Give steps that run on failure or always, and wait for nothing, all the others to wait for.

    What itself stands behind such a step is left out, or there would be a cycle.
    """
    watchers = [
        position
        for position, step in enumerate(steps)
        if step.when.status is not WhenStatus.SUCCESS and not step.depends_on
    ]
    if not watchers:
        return
    dependents: list[list[int]] = [[] for _step in steps]
    for position, needed in enumerate(dependencies):
        for dependency in needed:
            dependents[dependency].append(position)
    behind = _reach(dependents, watchers) | set(watchers)
    rest = tuple(position for position in range(len(steps)) if position not in behind)
    for position in watchers:
        dependencies[position] = rest
