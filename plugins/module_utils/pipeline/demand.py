"""The most that a pipeline's steps can ask for at one time.

Steps that can run together are an antichain of the graph, so the peak is the weight of its
heaviest antichain. By Dilworth's theorem (in its weighted form, R. P. Dilworth 1950; the reduction
to a flow with lower bounds is in L. R. Ford and D. R. Fulkerson, "Flows in Networks", 1962) that is
the least flow which covers every step as often as it weighs.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Sequence
from decimal import Decimal

from .graph import Graph
from .spec import Step


@dataclasses.dataclass(frozen=True, slots=True)
class Demand:
    """Requests in cores and bytes, and a number of pods. Each is a peak or sum of its own."""

    cpu: Decimal
    memory: Decimal
    ephemeral_storage: Decimal
    pods: int


def total_demand(steps: Sequence[Step]) -> Demand:
    """The plain sum over all steps, as if they all ran together."""
    return Demand(
        sum((step.requests.cpu or Decimal(0) for step in steps), Decimal(0)),
        sum((step.requests.memory or Decimal(0) for step in steps), Decimal(0)),
        sum((step.requests.ephemeral_storage or Decimal(0) for step in steps), Decimal(0)),
        len(steps),
    )


def peak_demand(steps: Sequence[Step], graph: Graph) -> Demand:
    """The largest sum that can be asked for at one time, for each resource by itself."""
    millicores = [_whole(step.requests.cpu, 1000) for step in steps]
    return Demand(
        Decimal(heaviest_antichain(graph, millicores)) / 1000,
        Decimal(heaviest_antichain(graph, [_whole(step.requests.memory, 1) for step in steps])),
        Decimal(
            heaviest_antichain(
                graph, [_whole(step.requests.ephemeral_storage, 1) for step in steps]
            )
        ),
        heaviest_antichain(graph, [1] * len(steps)),
    )


def _whole(amount: Decimal | None, scale: int) -> int:
    return int(((amount or Decimal(0)) * scale).to_integral_value(rounding="ROUND_CEILING"))


def heaviest_antichain(graph: Graph, weights: Sequence[int]) -> int:
    """The largest sum of `weights` over steps of which none waits, directly or not, for another."""
    before = [set(needed) for needed in graph.dependencies]
    after = [set(waiting) for waiting in graph.dependents]
    weight = dict(enumerate(weights))
    _merge(before, after, weight)
    if len(weight) == 1:
        return next(iter(weight.values()))
    if all(not before[step] for step in weight):
        return sum(weight.values())
    return _least_cover(before, after, weight)


def _merge(before: list[set[int]], after: list[set[int]], weight: dict[int, int]) -> None:
    """Fold steps together where that keeps the answer, in place, until nothing folds.

    Two in a row that only know each other never run together: the heavier stands for both. Two
    with the same neighbours always may: their sum does. Most pipelines fold into one step.
    """
    again = True
    while again:
        again = False
        for step in list(weight):
            if step in weight and len(after[step]) == 1:
                (follower,) = after[step]
                if len(before[follower]) == 1:
                    weight[step] = max(weight[step], weight.pop(follower))
                    after[step] = after[follower]
                    for later in after[follower]:
                        before[later].remove(follower)
                        before[later].add(step)
                    again = True
        twins: dict[tuple[frozenset[int], frozenset[int]], int] = {}
        for step in list(weight):
            first = twins.setdefault((frozenset(before[step]), frozenset(after[step])), step)
            if first != step:
                weight[first] += weight.pop(step)
                for earlier in before[step]:
                    after[earlier].remove(step)
                for later in after[step]:
                    before[later].remove(step)
                again = True


def _least_cover(before: list[set[int]], after: list[set[int]], weight: dict[int, int]) -> int:
    """The least flow through the graph that passes each step at least `weight` times.

    It begins with a flow of its own for every step and takes away what paths that already pass
    can carry: that is a largest flow from the end back to the start.
    """
    inward = {step: 2 + 2 * number for number, step in enumerate(weight)}
    flow = _Flow(2 + 2 * len(weight))
    source, sink = 0, 1
    unbounded = sum(weight.values())
    for step, amount in weight.items():
        arrive, leave = inward[step], inward[step] + 1
        # Backwards, what exceeds the bound may be given back: at first nothing does.
        flow.join(source, arrive, unbounded, back=amount)
        flow.join(arrive, leave, unbounded, back=0)
        flow.join(leave, sink, unbounded, back=amount)
        for later in after[step]:
            flow.join(leave, inward[later], unbounded, back=0)
    return unbounded - flow.largest(sink, source)


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
