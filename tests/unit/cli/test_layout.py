"""Where steps stand in the picture of a graph."""

from __future__ import annotations

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Step
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.branches import ASCII, UNICODE
from hypothesis import given
from hypothesis import strategies as st

from c8s.cli.view.layout import DEEPEST, layout
from sample_runs import pipeline_text


def steps_of(graph: dict[str, list[str]], **fields: object) -> tuple[Step, ...]:
    return load(pipeline_text(graph, **fields)).steps


def drawn(graph: dict[str, list[str]]) -> list[str]:
    steps = steps_of(graph)
    return [f"{place.prefix}{steps[place.step].name}" for place in layout(steps)]


def test_each_below_what_it_waits_for():
    assert drawn({"a": [], "b": ["a"], "c": ["a"], "d": ["c"], "e": []}) == [
        "a",
        "├─ b",
        "└─ c",
        "   └─ d",
        "e",
    ]
    assert drawn({"a": [], "b": ["a"], "c": ["b"], "d": ["a"]}) == [
        "a",
        "├─ b",
        "│  └─ c",
        "└─ d",
    ]


def test_below_the_latest_of_several():
    steps = steps_of({"join": ["a", "c", "b"], "a": [], "b": [], "c": ["b"]})
    places = layout(steps)
    assert [steps[place.step].name for place in places] == ["a", "b", "c", "join"]
    assert places[-1].also_after == ("a", "b")
    assert all(not place.also_after for place in places[:-1])


def test_a_step_that_watches_the_others_does_not_name_them_all():
    text = pipeline_text({"a": [], "b": []})
    watching = text.replace('"name": "b"', '"name": "b", "when": {"status": "always"}')
    places = layout(load(watching).steps)
    assert [place.also_after for place in places] == [(), ()]


def test_where_there_is_no_unicode():
    steps = steps_of({"a": [], "b": ["a"], "c": ["a"]})
    assert [place.prefix for place in layout(steps, ASCII)] == ["", "|- ", "`- "]


@pytest.mark.parametrize("length", [DEEPEST, DEEPEST + 1, 2000])
def test_a_long_chain_stays_on_the_screen(length: int):
    graph = {f"s{n}": [f"s{n - 1}"] if n else [] for n in range(length)}
    places = layout(steps_of(graph))
    assert [place.step for place in places] == list(range(length))
    assert max(len(place.prefix) for place in places) <= DEEPEST * len(UNICODE.blank)


@given(st.data())
def test_any_graph(data: st.DataObject):
    count = data.draw(st.integers(1, 25))
    order = data.draw(st.permutations(range(count)))
    graph: dict[str, list[str]] = {}
    for rank, number in enumerate(order):
        earlier = [f"s{other}" for other in order[:rank]]
        graph[f"s{number}"] = data.draw(
            st.lists(st.sampled_from(earlier), unique=True, max_size=4) if earlier else st.just([])
        )
    steps = steps_of(dict(sorted(graph.items())))
    places = layout(steps)
    assert sorted(place.step for place in places) == list(range(count))
    line = {steps[place.step].name: number for number, place in enumerate(places)}
    for place in places:
        step = steps[place.step]
        named = set(place.also_after)
        assert named <= set(step.depends_on)
        assert len(step.depends_on) - len(named) == bool(step.depends_on)
        for above in set(step.depends_on) - named:
            assert line[above] < line[step.name]
