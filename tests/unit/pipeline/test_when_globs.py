"""Globs: what they match, and that no pattern is slow."""

from __future__ import annotations

import fnmatch
import re
import string
import time

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.glob import (
    escape,
    fault,
    matches,
    selects,
)
from hypothesis import example, given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "main", True),
        ("*", "feature/x", True),
        ("*", "", True),
        ("main", "main", True),
        ("main", "maintenance", False),
        ("feature/*", "feature/x", True),
        ("feature/*", "feature/x/y", True),
        ("feature/*", "feature", False),
        ("release-?", "release-1", True),
        ("release-?", "release-10", False),
        ("v[0-9]*", "v1.2", True),
        ("v[0-9]*", "vx", False),
        ("v[!0-9]", "vx", True),
        ("v[^0-9]", "v1", False),
        ("[]x]", "]", True),
        ("[!]", "!", True),
        ("\\*", "*", True),
        ("\\*", "x", False),
        ("a.c", "abc", False),
        ("**", "a/b", True),
        ("***", "a/b", True),
        ("*a*a*", "xaxax", True),
        ("", "", True),
        ("", "x", False),
        ("Main", "main", False),
        ("ünï*", "ünïcode", True),
        ("a\nb", "a\nb", True),
    ],
)
def test_names_of_branches(pattern, text, expected):
    assert matches(pattern, text) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*.md", "README.md", True),
        ("*.md", "docs/a.md", False),
        ("docs/*", "docs/a", True),
        ("docs/*", "docs/a/b", False),
        ("docs/**", "docs/a/b", True),
        ("docs/", "docs/a/b", True),
        ("docs/", "docs", False),
        ("docs", "docs/a", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "a/b/c.py", True),
        ("**/*.py", "a/b/c.pyc", False),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "ab", False),
        ("a/**/b", "a/xb", False),
        ("**/**/b", "b", True),
        ("**/b/**", "a/b/c", True),
        ("**", "a/b", True),
        ("a**b", "a/x/b", True),
        ("?", "/", False),
        ("[!x]", "/", False),
        ("a?b", "a/b", False),
        ("**/test_*/x", "a/test_1/x", True),
    ],
)
def test_paths(pattern, text, expected):
    assert matches(pattern, text, path=True) is expected


@pytest.mark.parametrize(
    ("patterns", "text", "expected"),
    [
        (["*", "!wip/*"], "main", True),
        (["*", "!wip/*"], "wip/x", False),
        (["!wip/*", "*"], "wip/x", False),
        (["!wip/*"], "main", True),
        (["!wip/*"], "wip/x", False),
        (["main", "dev"], "dev", True),
        (["main", "dev"], "test", False),
        (["\\!x"], "!x", True),
        ([], "main", True),
    ],
)
def test_patterns_that_exclude(patterns, text, expected):
    assert selects(patterns, text) is expected


@pytest.mark.parametrize("pattern", ["!", "", "a[", "[", "a[]", "[z-a]", "a\\", "{a,b}", "x{1,2}y"])
def test_patterns_that_are_refused(pattern):
    assert fault(pattern)


@pytest.mark.parametrize(
    "pattern", ["*", "!a", "[a]", "[]]", "\\[", "{a}", "\\{a,b}", "a-b", "["[1:]]
)
def test_patterns_that_are_not(pattern):
    assert not fault(pattern) or not pattern


ALPHABET = "ab/*?[]!-\\"


@given(st.text(st.sampled_from("ab/*?"), max_size=8), st.text(st.sampled_from("ab/"), max_size=8))
@example("*a*b", "aab")
def test_names_match_as_fnmatch_says(pattern, text):
    assert matches(pattern, text) == fnmatch.fnmatchcase(text, pattern)


@given(st.text(st.sampled_from("ab/*?"), max_size=8), st.text(st.sampled_from("ab/"), max_size=8))
@example("**/a", "b/a")
@example("a/**/b", "a/b")
@example("*/**/*", "a/b")
def test_paths_match_as_a_regular_expression_says(pattern, text):
    if pattern.endswith("/"):
        pattern += "**"
    expression, rest = "", re.sub(r"\*{3,}", "**", pattern)
    while rest:
        if rest.startswith("**/") and expression[-1:] in ("", "/"):
            expression, rest = expression + "(?:.*/)?", rest[3:]
            # What stands for folders ends where a part begins.
            while rest.startswith("**/"):
                rest = rest[3:]
            if rest.startswith("**"):
                expression, rest = expression + ".*", rest[2:]
            continue
        token = "**" if rest.startswith("**") else rest[0]
        expression += {"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token, token)
        rest = rest[len(token) :]
    if text.startswith("/") or "//" in text:
        return  # no path of a file in a repository
    assert matches(pattern, text, path=True) == bool(re.fullmatch(expression, text, re.DOTALL))


@given(st.text())
def test_an_escaped_text_matches_itself_alone(text):
    for path in (False, True):
        assert matches(escape(text), text, path=path)
        if not text.endswith("/"):  # in paths, that is everything below
            assert not matches(escape(text), text + "x", path=path)
    assert not fault(escape(text)) or not text


@given(st.text(st.sampled_from(ALPHABET)), st.text(st.sampled_from(ALPHABET)), st.booleans())
def test_any_pattern_can_be_matched(pattern, text, path):
    assert matches(pattern, text, path=path) in (True, False)


@pytest.mark.parametrize("path", [False, True])
@pytest.mark.parametrize(
    "pattern", ["*a" * 120 + "b", "**/" * 80 + "b", "*?" * 120, "[ab]*" * 50 + "c", "a*" * 128]
)
def test_no_pattern_is_slow(pattern, path):
    text = "a" * 5000
    begin = time.process_time()
    matches(pattern, text, path=path)
    matches(pattern, text + "/" + text, path=path)
    assert time.process_time() - begin < 0.5


def test_every_letter_is_itself():
    for letter in string.printable:
        assert matches(escape(letter), letter)
