"""The callback c8s.ci.progress."""

from __future__ import annotations

import types
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.callback.progress import CallbackModule

PIPELINE = """version: v1alpha1
name: demo
steps:
  - {name: good, image: "none:1", commands: ["true"]}
  - {name: bad, image: "none:1", commands: ["false"], dependsOn: [good]}
"""


@pytest.fixture
def shown() -> list[tuple[str, Any]]:
    return []


@pytest.fixture
def callback(shown: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Any:
    plugin = CallbackModule()
    monkeypatch.setattr(plugin, "_plugin_options", {"ascii": False})
    display = types.SimpleNamespace(display=lambda text, color=None: shown.append((text, color)))
    monkeypatch.setattr(plugin, "_display", display)
    return plugin


def result(told: dict[str, Any], action: str = "c8s.ci.pipeline_run", old: bool = False) -> Any:
    """As ansible-core hands it over; until 2.18 by other names."""
    task = types.SimpleNamespace(action=action)
    if old:
        return types.SimpleNamespace(_task=task, _result=told)
    return types.SimpleNamespace(task=task, result=told)


@pytest.fixture
def told(call, tmp_path: Any) -> dict[str, Any]:
    return call("pipeline_run", content=PIPELINE, store=str(tmp_path / "store")).result


@pytest.mark.parametrize("old", [True, False])
def test_a_result_is_shown_as_a_tree(callback, shown, told: dict[str, Any], old: bool):
    callback.v2_runner_on_failed(result(told, old=old))
    assert [text.split()[:2] for text, _colour in shown] == [
        ["demo-1", "Failed"], ["├─", "good"], ["└─", "bad"]
    ]  # fmt: skip
    colours = [colour for _text, colour in shown]
    assert colours[0] == colours[2] != colours[1]


@pytest.mark.parametrize(
    "event", ["v2_runner_on_ok", "v2_runner_item_on_ok", "v2_runner_item_on_failed"]
)
def test_it_hears_of_every_way_to_end(callback, shown, told: dict[str, Any], event: str):
    getattr(callback, event)(result(told))
    assert len(shown) == 3


def test_it_draws_with_plain_characters_where_that_is_asked(
    callback, shown, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(callback, "_plugin_options", {"ascii": True})
    callback.v2_runner_on_ok(result(told))
    assert all(text.isascii() for text, _colour in shown)


@pytest.mark.parametrize(
    "other",
    [
        result({"runs": [{}]}, action="ansible.builtin.debug"),
        result({"results": []}),
        result({"runs": "censored"}),
        result({"runs": []}),
    ],
)
def test_other_results_are_none_of_its_business(callback, shown, other: Any):
    callback.v2_runner_on_ok(other)
    assert shown == []


def test_records_that_cannot_be_read_are_no_reason_to_stumble(callback, shown):
    record = {"metadata": {"name": "x"}, "spec": {"pipeline": {}}}
    callback.v2_runner_on_ok(result({"runs": [record]}))
    assert "cannot show these runs" in shown[0][0]
