"""The filter c8s.ci.graph_layers."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.c8s.ci.plugins.filter.graph_layers import FilterModule

graph_layers = FilterModule().filters()["graph_layers"]


def step(name: str, *depends_on: str) -> dict[str, Any]:
    return {"name": name, "image": "none:1", "commands": ["true"], "dependsOn": list(depends_on)}


PIPELINE = {
    "version": "v1alpha1",
    "name": "demo",
    "steps": [step("build", "lint", "unit"), step("lint"), step("unit"), step("ship", "build")],
}
LAYERS = [["lint", "unit"], ["build"], ["ship"]]


class Marked(str):
    """As Ansible marks texts that are not to be trusted."""


def test_a_document_has_layers():
    assert graph_layers(PIPELINE) == LAYERS


@pytest.mark.parametrize("kind", [str, Marked])
def test_a_text_has_layers(kind: type[str]):
    assert graph_layers(kind(yaml.safe_dump(PIPELINE))) == LAYERS


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (7, "takes a text or a mapping, this is a int"),
        ({**PIPELINE, "steps": [step("a", "b"), step("b", "a")]}, "a -> b -> a|b -> a -> b"),
        ({**PIPELINE, "steps": [step("a", "gone")]}, "no step is named 'gone'"),
        ("", "is empty"),
    ],
)
def test_what_is_no_pipeline_is_said(value: Any, said: str):
    with pytest.raises(AnsibleFilterError, match=said):
        graph_layers(value)
