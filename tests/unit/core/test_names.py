"""Names and labels are valid whatever they are made from."""

from __future__ import annotations

import re

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.names import (
    dns_label,
    is_dns_label,
    is_image,
    label_value,
    variable_name,
)
from hypothesis import example, given
from hypothesis import strategies as st

ANY_TEXT = st.text(st.characters(), max_size=200)
# The rules as Kubernetes states them (RFC 1123 label; label values).
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?\Z")


@given(st.lists(ANY_TEXT, min_size=1, max_size=4), st.integers(16, 63))
@example(["", ""], 63)
@example(["feature/x", "\ud800"], 63)
@example(["a" * 300, "b"], 63)
@example(["-rf"], 63)
def test_every_name_is_a_label(parts, limit):
    name = dns_label(*parts, limit=limit)
    assert DNS_LABEL.match(name)
    assert len(name) <= limit
    assert name == dns_label(*parts, limit=limit)


@given(ANY_TEXT)
@example("x" * 64)
@example("feature/x")
@example("$(id)")
@example("_")
def test_every_text_gives_a_label_value(text):
    value = label_value(text)
    assert len(value) <= 63
    assert LABEL_VALUE.match(value)


def test_what_is_valid_stays():
    assert dns_label("run-1", "build") == "run-1-build"
    assert label_value("Feature_x.y-1") == "Feature_x.y-1"
    assert label_value("") == ""


@given(ANY_TEXT, ANY_TEXT)
@example("feature/x", "feature-x")
@example("A" * 70, "A" * 71)
@example("A", "a")
def test_different_texts_give_different_names(one, other):
    if one != other:
        assert dns_label(one) != dns_label(other)
        assert label_value(one) != label_value(other)


def test_a_limit_without_room_for_a_digest_is_refused():
    with pytest.raises(ValueError, match="no room"):
        dns_label("x", limit=8)


@pytest.mark.parametrize("text", ["a", "0", "a-b", "a" * 63])
def test_labels_are_known(text):
    assert is_dns_label(text)


@pytest.mark.parametrize("text", ["", "-a", "a-", "A", "a.b", "a\n", "a" * 64, "ä"])
def test_what_is_no_label_is_known(text):
    assert not is_dns_label(text)


@pytest.mark.parametrize(
    "text", ["busybox", "ghcr.io/a/b:1.0", "localhost:5000/a@sha256:" + "0" * 64]
)
def test_images_are_known(text):
    assert is_image(text)


@pytest.mark.parametrize("text", ["", "-v", "a b", "a;b", "a\n", "$(id)", ":1", "a'"])
def test_what_is_no_image_is_known(text):
    assert not is_image(text)


def test_a_variable_is_named_after_a_dimension():
    assert variable_name("go-version") == "GO_VERSION"
