"""Durations: what is one, what is none, and that writing and reading agree."""

from __future__ import annotations

import re

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.durations import (
    LIMIT,
    PATTERN,
    format_duration,
    seconds,
)
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("30s", 30),
        ("5m", 300),
        ("2h", 7200),
        ("1h30m", 5400),
        ("90s", 90),
        ("1h0m5s", 3605),
        ("0h1s", 1),
        ("007m", 420),
    ],
)
def test_a_duration_is_read(text, total):
    assert seconds(text) == total


@pytest.mark.parametrize(
    "text",
    [
        "",
        "123",
        "30x",
        "m",
        "0s",
        "0h0m0s",
        "-5m",
        "1.5h",
        "5m1h",
        "1h1h",
        "1 h",
        " 1h",
        "1h\n",
        "١h",
        "99999999999999999999999999h",
        "87601h",
    ],
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(InvalidInput) as caught:
        seconds(text)
    assert text[:10] in str(caught.value) or repr(text)[1:-1][:10] in str(caught.value)


@given(st.integers(min_value=1, max_value=LIMIT))
def test_what_is_written_is_read_back(total):
    assert seconds(format_duration(total)) == total


def test_zero_is_written_as_seconds():
    assert format_duration(0) == "0s"


@given(st.from_regex(r"[0-9]?h?[0-9]{0,2}m?[0-9]{0,2}s?[hms]?", fullmatch=True))
def test_the_pattern_for_schemas_agrees_with_the_reader(text):
    fits = re.fullmatch(PATTERN.strip("^$"), text, re.ASCII) is not None
    if fits:
        assert seconds(text) > 0
    else:
        with pytest.raises(InvalidInput):
            seconds(text)
