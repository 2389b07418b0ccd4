"""The heaviest set of steps that can run together: an antichain of the graph.

By Dilworth's theorem (in its weighted form, R. P. Dilworth 1950; the reduction to a flow with
lower bounds is in L. R. Ford and D. R. Fulkerson, "Flows in Networks", 1962) it weighs as much as
the least flow which covers every step as often as that weighs. Steps are folded together first:
of most pipelines one is left, and there is no flow to look for.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence

from .graph import Graph

Vector = list[int]


def heaviest_antichains(graph: Graph, *weights: Sequence[int]) -> list[int]:
    """For each of `weights` (one for a step, 0 or more) the largest sum over steps of which none
    waits, directly or not, for another.
    """
    watched = set(graph.watched)
    behind = [step for step in graph.order if step not in watched]
    # Who waits for all that is watched never runs beside any of it.
    parts = [
        _Folded(graph, part, weights).heaviest(len(weights)) for part in (graph.watched, behind)
    ]
    return [max(sums) for sums in zip(*parts, strict=True)]


class _Folded:
    """Part of a graph with steps folded together where that keeps the answers.

    Two in a row that only know each other never run together: the larger weights stand for both.
    Two with the same neighbours always may: their sums do.
    """

    def __init__(self, graph: Graph, part: Sequence[int], weights: Sequence[Sequence[int]]) -> None:
        members = set(part)
        self.after = {step: members.intersection(graph.dependents[step]) for step in part}
        self.before: dict[int, set[int]] = {step: set() for step in part}
        for step, later in self.after.items():
            for follower in later:
                self.before[follower].add(step)
        self.weights = {step: [column[step] for column in weights] for step in part}
        self._twins: dict[tuple[frozenset[int], frozenset[int]], int] = {}
        changed: Iterable[int] = part
        while changed:
            changed = self._fold_twins(self._fold_rows(changed))

    def heaviest(self, columns: int) -> Vector:
        """The weight of the heaviest antichain, by each of the weights."""
        answers: Vector = []
        known: dict[tuple[int, ...], int] = {}
        for column in range(columns):
            weights = [vector[column] for vector in self.weights.values()]
            unit = math.gcd(*weights) or 1
            shape = tuple(weight // unit for weight in weights)
            if shape not in known:
                known[shape] = self._heaviest(dict(zip(self.weights, shape, strict=True)))
            answers.append(known[shape] * unit)
        return answers

    def _heaviest(self, weight: dict[int, int]) -> int:
        if not any(self.after.values()):
            return sum(weight.values())
        return _least_cover(self.after, weight)

    def _fold_rows(self, changed: Iterable[int]) -> set[int]:
        """Fold what is in a row with one of `changed`; these and all whose neighbours changed."""
        touched = set(changed)
        for step in changed:
            if step not in self.weights:
                continue
            start = step
            if len(self.before[step]) == 1:
                (leader,) = self.before[step]
                start = leader if len(self.after[leader]) == 1 else step
            while len(self.after[start]) == 1:
                (follower,) = self.after[start]
                if len(self.before[follower]) != 1:
                    break
                self._put_in_one(start, follower)
                touched.add(start)
                touched |= self.after[start]
        return touched

    def _put_in_one(self, step: int, follower: int) -> None:
        later = self.after[step] = self.after.pop(follower)
        for other in later:
            self.before[other].remove(follower)
            self.before[other].add(step)
        del self.before[follower]
        both = zip(self.weights[step], self.weights.pop(follower), strict=True)
        self.weights[step] = [max(pair) for pair in both]

    def _fold_twins(self, touched: Iterable[int]) -> set[int]:
        """Fold those of `touched` that have a twin; all whose neighbours changed thereby."""
        changed: set[int] = set()
        for step in touched:
            if step not in self.weights:
                continue
            before, after = self.before[step], self.after[step]
            # A step's neighbours only change when one is folded away: its old key names that one,
            # so that it never means anything again.
            twin = self._twins.setdefault((frozenset(before), frozenset(after)), step)
            if twin == step:
                continue
            for other in before:
                self.after[other].remove(step)
            for other in after:
                self.before[other].remove(step)
            changed |= before | after
            del self.before[step], self.after[step]
            both = zip(self.weights[twin], self.weights.pop(step), strict=True)
            self.weights[twin] = [sum(pair) for pair in both]
        return changed


def _least_cover(after: dict[int, set[int]], weight: dict[int, int]) -> int:
    """The least flow through the graph that passes each step at least `weight` times.

    It begins with a flow of its own for every step and takes away what paths that already pass
    can carry: that is a largest flow from the end back to the start.
    """
    inward = {step: 2 + 2 * number for number, step in enumerate(weight)}
    flow = _Flow(2 + 2 * len(weight))
    start, end = 0, 1
    unbounded = sum(weight.values())
    for step, amount in weight.items():
        arrive, leave = inward[step], inward[step] + 1
        # Backwards, what exceeds the bound may be given back: at first nothing does.
        flow.join(start, arrive, unbounded, back=amount)
        flow.join(arrive, leave, unbounded, back=0)
        flow.join(leave, end, unbounded, back=amount)
        for later in after[step]:
            flow.join(leave, inward[later], unbounded, back=0)
    return unbounded - flow.largest(end, start)


class _Flow:
    """Dinic's algorithm (E. A. Dinic, 1970) on integer capacities."""

    def __init__(self, nodes: int) -> None:
        self.edges: list[list[int]] = [[] for _node in range(nodes)]
        self.target: list[int] = []
        self.room: list[int] = []

    def join(self, start: int, end: int, capacity: int, *, back: int) -> None:
        self.edges[start].append(len(self.target))
        self.edges[end].append(len(self.target) + 1)
        self.target += [end, start]
        self.room += [capacity, back]

    def largest(self, source: int, sink: int) -> int:
        total = 0
        while (level := self._levels(source, sink)) is not None:
            position = [0] * len(self.edges)
            while (pushed := self._push(source, sink, level, position)) > 0:
                total += pushed
        return total

    def _levels(self, source: int, sink: int) -> list[int] | None:
        level = [-1] * len(self.edges)
        level[source] = 0
        queue = deque([source])
        while queue:
            node = queue.popleft()
            for edge in self.edges[node]:
                if self.room[edge] and level[self.target[edge]] < 0:
                    level[self.target[edge]] = level[node] + 1
                    queue.append(self.target[edge])
        return level if level[sink] >= 0 else None

    def _push(self, source: int, sink: int, level: list[int], position: list[int]) -> int:
        """One path of free edges by rising level; without recursion, chains may be long."""
        path: list[int] = []
        node = source
        while node != sink:
            edges = self.edges[node]
            while position[node] < len(edges):
                edge = edges[position[node]]
                if self.room[edge] and level[self.target[edge]] == level[node] + 1:
                    break
                position[node] += 1
            if position[node] == len(edges):
                if not path:
                    return 0
                level[node] = -1
                node = self.target[path.pop() ^ 1]
                continue
            path.append(edges[position[node]])
            node = self.target[path[-1]]
        amount = min(self.room[edge] for edge in path)
        for edge in path:
            self.room[edge] -= amount
            self.room[edge ^ 1] += amount
        return amount
