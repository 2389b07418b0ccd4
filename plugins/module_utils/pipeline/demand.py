"""The most that a pipeline's steps can ask for at one time, and all together."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from ..core.quantities import Resources
from .antichain import heaviest_antichains
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


def peak_demand(steps: Sequence[Step], graph: Graph, left_out: Collection[str] = ()) -> Demand:
    """The largest sum that can be asked for at one time, for each resource by itself.

    Of each step, cores are rounded up to thousandths and bytes to whole ones; those that are
    `left_out`, by name, ask for nothing in their place of the graph.
    """
    requests = [Resources() if step.name in left_out else step.requests for step in steps]
    millicores, memory, storage, pods = heaviest_antichains(
        graph,
        [_whole(request.cpu, 1000) for request in requests],
        [_whole(request.memory, 1) for request in requests],
        [_whole(request.ephemeral_storage, 1) for request in requests],
        [int(step.name not in left_out) for step in steps],
    )
    return Demand(Decimal(millicores) / 1000, Decimal(memory), Decimal(storage), pods)


def _whole(amount: Decimal | None, scale: int) -> int:
    return int(((amount or Decimal(0)) * scale).to_integral_value(rounding="ROUND_CEILING"))


def peak_amounts(graph: Graph, asked: Sequence[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """The largest sum at one time, by name, of what each step of the graph asks for, in its order.

    Amounts are rounded up to thousandths.
    """
    names = sorted({name for amounts in asked for name in amounts})
    columns = [[_whole(amounts.get(name), 1000) for amounts in asked] for name in names]
    sums = heaviest_antichains(graph, *columns) if names else []
    return {name: Decimal(total) / 1000 for name, total in zip(names, sums, strict=True)}
