"""Quantities: the grammar of Kubernetes, exactly."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.core.quantities import (
    PATTERN,
    Resources,
    format_bytes,
    format_cpu,
    quantity,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", "0.5"),
        ("2", "2"),
        (".5", "0.5"),
        ("1.", "1"),
        ("0.1", "0.1"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1k", "1000"),
        ("2E", "2e18"),
        ("1e3", "1000"),
        ("1E-3", "0.001"),
        ("100n", "1e-7"),
        ("+1", "1"),
        ("-1", "-1"),
    ],
)
def test_a_quantity_is_exact(text, value):
    assert quantity(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "m", "1 Gi", "1GB", "1gi", "0x10", "1e100", "1,5", "1\n", "--1", "١", "1" * 65]
)
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(InvalidInput, match="no quantity"):
        quantity(text)


def test_ten_tenths_are_one():
    assert sum(quantity("0.1") for _tenth in range(10)) == quantity("1")


@given(st.decimals(min_value=0, max_value=10**6, places=3))
def test_cores_are_written_so_that_they_are_read_back(cores):
    assert quantity(format_cpu(cores)) == cores


@given(st.integers(0, 2**62))
def test_bytes_are_written_so_that_they_are_read_back(amount):
    assert quantity(format_bytes(Decimal(amount))) == amount


def test_what_is_finer_than_a_unit_is_rounded_up():
    assert format_cpu(Decimal("0.0001")) == "1m"
    assert format_bytes(Decimal("0.5")) == "1"


def test_resources_are_written_as_kubernetes_names_them():
    resources = Resources.of(cpu="1500m", memory="1Gi", ephemeral_storage="2G")
    assert resources.manifest() == {
        "cpu": "1500m",
        "memory": "1Gi",
        "ephemeral-storage": "1953125Ki",
    }
    assert Resources().manifest() == {}


@given(st.from_regex(r"[+-]?[0-9]{0,3}\.?[0-9]{0,2}([KMGTPEnumk]i?|[eE][+-]?[0-9]{0,3})?"))
def test_the_pattern_for_schemas_agrees_with_the_reader(text):
    if re.fullmatch(PATTERN.strip("^$"), text, re.ASCII):
        assert quantity(text) >= 0
    elif not text.startswith("-"):
        with pytest.raises(InvalidInput):
            quantity(text)
