"""The order of steps: what waits for what, layers for display, and what cannot be ordered."""

from __future__ import annotations

import tracemalloc

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.graph import Graph
from hypothesis import given

from unit.pipeline.runs import step
from unit.pipeline.scenarios import graphs_of_steps


def waits(graph: Graph) -> dict[str, list[str]]:
    return {
        name: [graph.names[n] for n in needed]
        for name, needed in zip(graph.names, graph.dependencies, strict=True)
    }


@pytest.mark.parametrize(
    ("steps", "layers"),
    [
        ([], ()),
        ([step("a")], (("a",),)),
        ([step("a"), step("b", "a"), step("c", "b")], (("a",), ("b",), ("c",))),
        ([step("b"), step("a"), step("c")], (("b", "a", "c"),)),
        (
            [step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c")],
            (("a",), ("b", "c"), ("d",)),
        ),
        (
            [step("late", "b"), step("a"), step("b", "a"), step("free")],
            (("a", "free"), ("b",), ("late",)),
        ),
        (
            [step("a"), step("notify", status="always"), step("b", "a")],
            (("a",), ("b",), ("notify",)),
        ),
    ],
    ids=["none", "one", "linear", "parallel", "diamond", "uneven", "watcher"],
)
def test_layers_show_the_distance_from_the_start_in_the_order_of_the_file(steps, layers):
    assert Graph.of(steps).layers() == layers


def test_a_step_stands_one_layer_below_the_last_that_it_waits_for():
    graph = Graph.of([step("a"), step("b", "a"), step("c", "a", "b")])
    assert graph.layers() == (("a",), ("b",), ("c",))


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([step("a"), step("a")], "two steps are named 'a'"),
        ([step("a", "b")], "step 'a' depends on unknown step 'b'"),
        ([step("a", "a")], "steps depend on each other in a circle: a -> a"),
        (
            [step("build", "test"), step("test", "build")],
            "steps depend on each other in a circle: build -> test -> build",
        ),
        (
            [step("start"), step("a", "b", "start"), step("b", "c"), step("c", "a")],
            "steps depend on each other in a circle: a -> b -> c -> a",
        ),
    ],
    ids=["duplicate", "unknown", "self", "two", "three"],
)
def test_what_cannot_be_ordered_is_told_with_names(steps, message):
    with pytest.raises(InvalidInput) as error:
        Graph.of(steps)
    assert str(error.value) == message


def test_a_circle_of_ten_thousand_steps_is_found():
    steps = [step(f"s{n}", f"s{(n + 1) % 10_000}") for n in range(10_000)]
    with pytest.raises(InvalidInput, match=r"s0 -> s1 -> s2 -> .* -> s9999 -> s0$"):
        Graph.of(steps)


def test_a_watcher_that_names_nothing_waits_for_all_but_its_like_and_what_is_behind_them():
    graph = Graph.of(
        [
            step("alert", status="failure"),
            step("build"),
            step("tidy", status="always"),
            step("after-tidy", "tidy"),
            step("test", "build"),
            step("report", "test", status="always"),
        ]
    )
    everything_else = ["build", "test", "report"]
    assert waits(graph)["alert"] == everything_else
    assert waits(graph)["tidy"] == everything_else
    assert waits(graph)["after-tidy"] == ["tidy"]
    assert waits(graph)["report"] == ["test"]


def test_a_watcher_that_is_alone_waits_for_nothing():
    assert waits(Graph.of([step("alert", status="failure")])) == {"alert": []}


@given(graphs_of_steps(most=12))
def test_the_order_respects_every_dependency_and_is_complete(steps):
    graph = Graph.of(steps)
    place = {position: n for n, position in enumerate(graph.order)}
    assert sorted(place) == list(range(len(steps)))
    for position, needed in enumerate(graph.dependencies):
        assert all(place[dependency] < place[position] for dependency in needed)
    assert graph == Graph.of(steps)


@given(graphs_of_steps(most=12))
def test_layers_hold_every_step_once_and_below_all_that_it_waits_for(steps):
    graph = Graph.of(steps)
    layer = {name: n for n, names in enumerate(graph.layers()) for name in names}
    assert sorted(layer) == sorted(graph.names)
    for name, needed in waits(graph).items():
        assert layer[name] == max((layer[other] + 1 for other in needed), default=0)


def test_half_a_file_of_watchers_does_not_make_millions_of_arrows():
    steps = [step(f"s{n}") for n in range(5000)]
    steps += [step(f"w{n}", status="always") for n in range(5000)]
    tracemalloc.start()
    graph = Graph.of(steps)
    layers = graph.layers()
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [len(names) for names in layers] == [5000, 5000]
    assert most < 20_000_000
