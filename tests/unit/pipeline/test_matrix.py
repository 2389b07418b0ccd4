"""Every combination of a matrix, and the names of the runs that they become."""

from __future__ import annotations

import tracemalloc

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.core.names import is_dns_label
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.matrix import (
    child_name,
    combinations,
    identity,
    label,
    text,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Matrix
from hypothesis import given
from hypothesis import strategies as st

TWO_BY_TWO = {"os": ("linux", "darwin"), "go": ("1.21", "1.22")}

scalars = st.text(max_size=8) | st.integers() | st.booleans() | st.floats(allow_nan=False)


def labels(matrix: Matrix, **limit: int) -> list[str]:
    return [label(combination) for combination in combinations(matrix, **limit)]


ALL_FOUR = ["os=linux, go=1.21", "os=linux, go=1.22", "os=darwin, go=1.21", "os=darwin, go=1.22"]


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (Matrix(TWO_BY_TWO), ALL_FOUR),
        (Matrix({"os": ("linux",)}), ["os=linux"]),
        (Matrix(TWO_BY_TWO, exclude=({"os": "darwin"},)), ALL_FOUR[:2]),
        (Matrix(TWO_BY_TWO, exclude=({"go": "1.21", "os": "linux"},)), ALL_FOUR[1:]),
        (Matrix(TWO_BY_TWO, exclude=({"os": "plan9"},)), ALL_FOUR),
        (
            Matrix(TWO_BY_TWO, include=({"go": "1.23", "os": "linux"},)),
            [*ALL_FOUR, "os=linux, go=1.23"],
        ),
        (Matrix(TWO_BY_TWO, include=({"os": "linux", "go": "1.21"},)), ALL_FOUR),
        (
            Matrix(
                TWO_BY_TWO,
                exclude=({"os": "darwin"}, {"os": "linux"}),
                include=({"os": "darwin", "go": "1.22"},),
            ),
            ALL_FOUR[3:],
        ),
        (Matrix({"a": (True, 1, "1")}, exclude=({"a": True},)), ["a=1", "a=1"]),
    ],
    ids=[
        "2x2",
        "1x1",
        "partial exclude",
        "whole exclude",
        "exclude of nothing",
        "include",
        "include of what is there",
        "exclude first, then include",
        "true is not 1",
    ],
)
def test_combinations_come_in_the_order_of_the_file(matrix, expected):
    assert labels(matrix) == expected


@pytest.mark.parametrize(
    ("matrix", "problems"),
    [
        (Matrix({}), ["matrix.dimensions: a matrix needs at least one dimension"]),
        (
            Matrix({"os": (), "go": ("1", "1")}),
            [
                "matrix.dimensions.os: a dimension needs at least one value",
                "matrix.dimensions.go: a dimension cannot have a value twice",
            ],
        ),
        (
            Matrix(TWO_BY_TWO, exclude=({"os": "linux"}, {"os": "darwin"})),
            ["matrix.exclude: every combination is excluded; remove an entry of it"],
        ),
        (
            Matrix(TWO_BY_TWO, exclude=({"arch": "arm"},), include=({"os": "linux"},)),
            [
                "matrix.exclude[0]: 'arch' is no dimension; there are os, go",
                "matrix.include[0]: a value for 'go' is missing",
            ],
        ),
    ],
    ids=["no dimension", "no value, and one twice", "all excluded", "unknown and missing"],
)
def test_what_makes_no_sense_is_told_all_at_once(matrix, problems):
    with pytest.raises(InvalidInput) as error:
        combinations(matrix)
    assert str(error.value).splitlines() == problems


def test_at_most_256_combinations_are_made_unless_the_limit_is_raised():
    sixteen = tuple(range(16))
    assert len(combinations(Matrix({"a": sixteen, "b": sixteen}))) == 256
    more = Matrix({"a": sixteen, "b": sixteen}, include=({"a": 16, "b": 0},))
    with pytest.raises(InvalidInput, match="257 combinations are more than the 256 allowed"):
        combinations(more)
    assert len(combinations(more, limit=300)) == 257


def test_exclude_may_bring_a_large_product_down():
    twenty = tuple(range(20))
    matrix = Matrix({"a": twenty, "b": twenty}, exclude=tuple({"a": n} for n in range(10)))
    assert len(combinations(matrix)) == 200


@pytest.mark.parametrize("exclude", [(), ({"d0": 1},)])
def test_a_million_combinations_are_refused_before_any_is_made(exclude):
    matrix = Matrix({f"d{n}": tuple(range(10)) for n in range(6)}, exclude=exclude)
    tracemalloc.start()
    with pytest.raises(InvalidInput, match="1000000 combinations are more than the 256 allowed"):
        combinations(matrix)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000


def test_so_are_thousands_of_exclusions():
    matrix = Matrix({"a": tuple(range(200))}, exclude=tuple({"a": n} for n in range(1025)))
    with pytest.raises(InvalidInput, match="1025 entries are more than the 1024 allowed"):
        combinations(matrix)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5),
        st.lists(scalars, min_size=1, max_size=4, unique_by=lambda value: identity({"": value})),
        min_size=1,
        max_size=3,
    )
)
def test_without_exclude_and_include_it_is_the_product_each_once(dimensions):
    found = combinations(Matrix({key: tuple(values) for key, values in dimensions.items()}))
    product = 1
    for values in dimensions.values():
        product *= len(values)
    assert len(found) == product
    assert len({identity(combination) for combination in found}) == product
    assert all(list(combination) == list(dimensions) for combination in found)


@given(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=63).filter(is_dns_label),
    st.dictionaries(st.text(max_size=10), scalars, max_size=4),
    st.randoms(use_true_random=False),
)
def test_the_name_of_a_child_is_valid_and_depends_on_nothing_but_the_values(
    parent, combination, random
):
    name = child_name(parent, combination)
    assert is_dns_label(name)
    shuffled = random.sample(list(combination.items()), len(combination))
    assert child_name(parent, dict(shuffled)) == name
    assert child_name(parent, {**combination, "one more": 1}) != name


def test_names_of_children_begin_with_the_parents_and_stay_what_they_were():
    assert child_name("demo-7", {"go_version": "1.22", "os": "a/b c"}) == "demo-7-701f6a5c"
    assert child_name("demo-7", {"x": "1"}) != child_name("demo-7", {"x": 1})


def test_values_are_written_as_people_write_them():
    assert [text(value) for value in ("3.10", 3, 1.5, True, False)] == [
        "3.10",
        "3",
        "1.5",
        "true",
        "false",
    ]
