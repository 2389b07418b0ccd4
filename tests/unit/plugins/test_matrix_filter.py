"""The filter c8s.ci.matrix."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.c8s.ci.plugins.filter.matrix import FilterModule

matrix = FilterModule().filters()["matrix"]

DIMENSIONS = {"os": ["linux", "bsd"], "n": ["1", 2]}
ALL = [
    {"os": "linux", "n": "1"},
    {"os": "linux", "n": "2"},
    {"os": "bsd", "n": "1"},
    {"os": "bsd", "n": "2"},
]
PIPELINE = {
    "version": "v1alpha1",
    "name": "demo",
    "steps": [{"name": "only", "image": "none:1", "commands": ["true"]}],
}
TEXT = """
version: v1alpha1
name: demo
matrix: {dimensions: {os: [linux]}}
steps: [{name: only, image: "none:1", commands: ["echo ${{ matrix.os }}"]}]
"""


class Marked(str):
    """As Ansible marks texts that are not to be trusted."""


def test_dimensions_alone_are_combined():
    assert matrix(DIMENSIONS) == ALL


def test_a_whole_matrix_is_combined():
    value = {
        "dimensions": DIMENSIONS,
        "exclude": [{"os": "bsd"}],
        "include": [{"os": "a", "n": "3"}],
    }
    assert matrix(value) == [*ALL[:2], {"os": "a", "n": "3"}]


def test_a_document_is_looked_into():
    assert matrix({**PIPELINE, "matrix": {"dimensions": DIMENSIONS}}) == ALL
    assert matrix(PIPELINE) == []


@pytest.mark.parametrize("kind", [str, Marked])
def test_a_text_is_read(kind: type[str]):
    assert matrix(kind(TEXT)) == [{"os": "linux"}]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "takes a text or a mapping, this is a NoneType"),
        (["linux"], "this is a list"),
        ({"os": []}, "matrix.dimensions.os: needs at least 1 item"),
        ({"os": ["a"], "n": {}}, "matrix.dimensions.n"),
        ({"dimensions": {"os": ["a"]}, "exclude": [{"os": "a"}]}, "every combination is excluded"),
        ({letter: list(range(10)) for letter in "abcdef"}, "1000000 combinations are more than"),
        ("no: pipeline", "'version'"),
        ("{", ".c8s.yaml:"),
    ],
)
def test_what_is_no_matrix_is_said(value: Any, said: str):
    with pytest.raises(AnsibleFilterError, match=said):
        matrix(value)
