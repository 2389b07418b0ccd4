"""Values that are already parsed: what of them can be a document."""

from __future__ import annotations

import datetime
import math

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.core.tree import (
    Boolean,
    Number,
    path_text,
    shown,
    tree,
)


class Tagged(str):
    """Text as ansible hands it over: a subclass that behaves differently."""

    def __str__(self):
        return "something else"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("steps", 2, "dependsOn", 0), "steps[2].dependsOn[0]"),
        (("env", "a b"), "env['a b']"),
        (("env", "a\x1b[31m"), "env['a\\x1b[31m']"),
    ],
)
def test_a_path_is_written(path, text):
    assert path_text(path) == text


def test_a_long_or_hostile_text_is_shown_safely():
    assert shown("x" * 1000) == repr("x" * 60 + "...")
    assert "\x1b" not in shown("\x1b[31m")
    assert "\u202e" not in shown("\u202e")


def test_json_becomes_a_tree():
    found = tree({"a": [1, 2.0, 1.5, True, None, "x"]})
    assert found == {"a": ["1", "2", "1.5", "true", None, "x"]}
    assert [type(item) for item in found["a"]] == [
        Number,
        Number,
        Number,
        Boolean,
        type(None),
        str,
    ]


def test_subclasses_of_text_become_plain_text():
    found = tree({Tagged("key"): Tagged("value")})
    assert found == {"key": "value"}
    assert [type(text) for text in (*found, *found.values())] == [str, str]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": {"b": object()}}, "a.b: object is none"),
        ({"at": datetime.date(2026, 1, 1)}, "at: date is none"),
        ({1: "x"}, "the key '1' is no text"),
        ({"a": "x\0"}, "a: holds a character that cannot be used, U+0000"),
        ({"a": "\ud800"}, "a: holds a character that cannot be used, U+D800"),
        ({"\0": "a"}, "a key holds a character"),
        ({"a": 10**5000}, "a: this number is too large"),
        ({"a": math.inf}, "a: this number is too large"),
    ],
)
def test_what_json_does_not_know_is_refused(value, message):
    with pytest.raises(InvalidInput) as caught:
        tree(value)
    assert message in str(caught.value)


def test_what_holds_itself_is_refused():
    value: list[object] = []
    value.append(value)
    with pytest.raises(InvalidInput, match="nested more than 50 deep"):
        tree(value)


def test_not_a_number_stays_what_no_field_takes():
    assert tree(math.nan) == "nan"
