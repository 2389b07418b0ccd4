"""The most that can be asked for at one time."""

from __future__ import annotations

import dataclasses
import itertools
from decimal import Decimal

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.quantities import Resources
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.antichain import heaviest_antichains
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.demand import (
    Demand,
    peak_demand,
    total_demand,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.graph import Graph
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Step
from hypothesis import given
from hypothesis import strategies as st

from unit.pipeline.runs import step
from unit.pipeline.scenarios import graphs_of_steps


def asking(name: str, *depends_on: str, cpu: str = "", memory: str = "", storage: str = "") -> Step:
    requests = Resources.of(cpu, memory, storage)
    return dataclasses.replace(step(name, *depends_on), requests=requests)


def by_hand(graph: Graph, weights: list[int]) -> int:
    """Every set of steps, one after the other."""
    before: dict[int, set[int]] = {}
    for position in graph.order:
        needed = graph.dependencies[position]
        before[position] = set(needed).union(*(before[dependency] for dependency in needed))
    return max(
        sum(weights[position] for position in chosen)
        for size in range(len(weights) + 1)
        for chosen in itertools.combinations(range(len(weights)), size)
        if not any(one in before[other] for one in chosen for other in chosen)
    )


@given(graphs_of_steps(most=9), st.data())
def test_the_peak_is_that_of_the_heaviest_set_of_steps_that_can_run_together(steps, data):
    graph = Graph.of(steps)
    weight = st.sampled_from([0, 1, 2, 3, 10])
    columns = data.draw(
        st.lists(st.lists(weight, min_size=len(steps), max_size=len(steps)), min_size=1, max_size=2)
    )
    assert heaviest_antichains(graph, *columns) == [by_hand(graph, column) for column in columns]


@st.composite
def tangles(draw: st.DrawFn) -> list[Step]:
    """Graphs with too many arrows to be folded into one step."""
    count = draw(st.integers(6, 10))
    arrows = draw(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=count, max_size=30)
    )
    steps = []
    for position in range(count):
        needed = {f"s{one}" for one, other in arrows if one < position == other}
        steps.append(step(f"s{position}", *sorted(needed)))
    return steps


@given(tangles(), st.lists(st.integers(0, 20), min_size=10, max_size=10))
def test_also_where_the_graph_is_a_tangle(steps, weights):
    graph = Graph.of(steps)
    column = weights[: len(steps)]
    assert heaviest_antichains(graph, column) == [by_hand(graph, column)]


LINE = (asking("a", cpu="1"), asking("b", "a", cpu="3"), asking("c", "b", cpu="2"))
DIAMOND = (
    asking("a", cpu="4"),
    asking("b", "a", cpu="3"),
    asking("c", "a", cpu="2"),
    asking("d", "b", "c", cpu="1"),
)


@pytest.mark.parametrize(
    ("steps", "cpu", "pods"),
    [
        ((), 0, 0),
        (LINE, 3, 1),
        (DIAMOND, 5, 2),
        ((asking("a", cpu="1"), asking("b", cpu="500m"), asking("c")), Decimal("1.5"), 3),
        # An N: a and c, or b and d, or b and c.
        (
            (
                asking("a", cpu="1"),
                asking("b", cpu="5"),
                asking("c", "a", cpu="1"),
                asking("d", "a", "b", cpu="1"),
            ),
            6,
            2,
        ),
    ],
    ids=["none", "line", "diamond", "parallel", "n"],
)
def test_the_peak_of_small_pipelines(steps, cpu, pods):
    demand = peak_demand(steps, Graph.of(steps))
    assert (demand.cpu, demand.pods) == (cpu, pods)


def test_each_resource_has_a_peak_of_its_own():
    steps = (
        asking("a", cpu="4", memory="1Gi"),
        asking("b", "a", memory="8Gi", storage="10Gi"),
        asking("c", "a", memory="1Gi"),
    )
    assert peak_demand(steps, Graph.of(steps)) == Demand(
        cpu=Decimal(4), memory=Decimal(9 * 2**30), ephemeral_storage=Decimal(10 * 2**30), pods=2
    )
    assert total_demand(steps) == Demand(
        cpu=Decimal(4), memory=Decimal(10 * 2**30), ephemeral_storage=Decimal(10 * 2**30), pods=3
    )


def test_parts_of_a_millicore_count_as_one():
    steps = (asking("a", cpu="100u"), asking("b", cpu="0.0005"))
    assert peak_demand(steps, Graph.of(steps)).cpu == Decimal("0.002")


def test_watchers_run_after_everything_else_not_beside_it():
    steps = (
        asking("a", cpu="2"),
        asking("b", cpu="2"),
        *(dataclasses.replace(step(f"w{n}", status="always"), requests=Resources.of("1"))
          for n in range(3)),
    )  # fmt: skip
    demand = peak_demand(steps, Graph.of(steps))
    assert (demand.cpu, demand.pods) == (4, 3)


def chain(count: int) -> list[Step]:
    return [
        asking(f"s{n}", *([f"s{n - 1}"] if n else []), cpu=str(1 + n % 7)) for n in range(count)
    ]


def fan(count: int) -> list[Step]:
    """One step, then many side by side, then one that gathers them."""
    leaves = [f"s{n}" for n in range(count - 2)]
    return [
        asking("first", cpu="1"),
        *(asking(leaf, "first", cpu="1") for leaf in leaves),
        asking("last", *leaves, cpu="1"),
    ]


def half_watchers(count: int) -> list[Step]:
    steps = [asking(f"s{n}", cpu="1") for n in range(count // 2)]
    return steps + [step(f"w{n}", status="always") for n in range(count // 2)]


@pytest.mark.parametrize(
    ("steps", "cpu", "pods"),
    [(chain(10_000), 7, 1), (fan(10_000), 9998, 9998), (half_watchers(10_000), 5000, 5000)],
    ids=["chain", "fan", "watchers"],
)
def test_ten_thousand_steps(steps, cpu, pods):
    demand = peak_demand(steps, Graph.of(steps))
    assert (demand.cpu, demand.pods) == (cpu, pods)


def test_a_wide_tangle_of_layers():
    """Each of 40 layers of 20 waits for three of the layer before: nothing folds."""
    steps = [
        step(f"s{n}", *{f"s{n // 20 * 20 - 20 + (n * k) % 20}" for k in (1, 3, 7) if n >= 20})
        for n in range(800)
    ]
    graph = Graph.of(steps)
    (pods,) = heaviest_antichains(graph, [1] * 800)
    assert pods >= 20
    (doubled,) = heaviest_antichains(graph, [2] * 800)
    assert doubled == 2 * pods


def test_what_is_left_out_asks_for_nothing_in_its_place():
    steps = (
        asking("a", cpu="1"),
        asking("b", "a", cpu="1"),
        asking("c", "b", cpu="1"),
        asking("d", cpu="1"),
    )
    graph = Graph.of(steps)
    assert peak_demand(steps, graph, {"d"}).pods == 1
    # What waits behind the one that is left out still waits for what is before it.
    assert peak_demand(steps, graph, {"b"}).pods == 2
    assert peak_demand(steps, graph, {"b"}).cpu == 2
    assert peak_demand(steps, graph, {"a", "b", "c", "d"}).pods == 0
