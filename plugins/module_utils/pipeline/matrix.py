"""Every combination of a matrix, in a stable order, and the names of the runs they become."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping

from ..core.errors import InvalidInput, Problem
from ..core.names import dns_label
from .spec import Matrix, Scalar

COMBINATION_LIMIT = 256

Combination = Mapping[str, Scalar]


def combinations(matrix: Matrix, limit: int = COMBINATION_LIMIT) -> tuple[Combination, ...]:
    """All combinations in file order: those of the dimensions less `exclude`, then `include`.

    An `exclude` matches when all of its values do; an `include` that is there already is not
    added again. Raises InvalidInput when none is left or more than `limit` are.
    """
    found = _problems(matrix, limit)
    if found:
        raise InvalidInput(*found)
    axes = [[(key, value) for value in values] for key, values in matrix.dimensions.items()]
    kept = [
        combination
        for combination in map(dict, itertools.product(*axes))
        if not any(_matches(combination, pattern) for pattern in matrix.exclude)
    ]
    seen = {identity(combination) for combination in kept}
    for extra in matrix.include:
        ordered = {key: extra[key] for key in matrix.dimensions}
        if identity(ordered) not in seen:
            seen.add(identity(ordered))
            kept.append(ordered)
    if not kept:
        raise InvalidInput(
            Problem("every combination is excluded; remove an entry of it", path="matrix.exclude")
        )
    if len(kept) > limit:
        raise InvalidInput(_too_many(len(kept), limit))
    return tuple(kept)


def identity(combination: Combination) -> str:
    """A text that is the same for the same values, whatever the order of the keys."""
    return json.dumps(dict(combination), sort_keys=True, separators=(",", ":"))


def child_name(parent: str, combination: Combination) -> str:
    """The name of the run for one combination: always valid, stable, different for others."""
    digest = hashlib.sha256(identity(combination).encode()).hexdigest()[:8]
    return dns_label(parent, digest)


def label(combination: Combination) -> str:
    """The combination as people write it: `os=linux, python=3.11`."""
    return ", ".join(f"{key}={text(value)}" for key, value in combination.items())


def text(value: Scalar) -> str:
    """A value as it stands in a command or an environment variable."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _matches(combination: Combination, pattern: Combination) -> bool:
    return all(_same(combination[key], value) for key, value in pattern.items())


def _same(one: Scalar, other: Scalar) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _problems(matrix: Matrix, limit: int) -> list[Problem]:
    found: list[Problem] = []
    if not matrix.dimensions:
        found.append(Problem("a matrix needs at least one dimension", path="matrix.dimensions"))
    # Counted before anything is made: a million combinations must cost nothing.
    product = math.prod(len(values) for values in matrix.dimensions.values())
    if (product > limit and not matrix.exclude) or product > 16 * limit:
        found.append(_too_many(product, limit))
    else:
        found += _value_problems(matrix)
    if len(matrix.exclude) > 4 * limit:
        message = f"{len(matrix.exclude)} entries are more than the {4 * limit} allowed"
        found.append(Problem(message, path="matrix.exclude"))
    found += _key_problems(matrix, "exclude", matrix.exclude, complete=False)
    found += _key_problems(matrix, "include", matrix.include, complete=True)
    return found


def _value_problems(matrix: Matrix) -> Iterator[Problem]:
    for key, values in matrix.dimensions.items():
        where = f"matrix.dimensions.{key}"
        if not values:
            yield Problem("a dimension needs at least one value", path=where)
        if len({identity({key: value}) for value in values}) < len(values):
            yield Problem("a dimension cannot have a value twice", path=where)


def _key_problems(
    matrix: Matrix, field: str, entries: Iterable[Combination], *, complete: bool
) -> list[Problem]:
    found = []
    for position, entry in enumerate(entries):
        where = f"matrix.{field}[{position}]"
        unknown = [key for key in entry if key not in matrix.dimensions]
        missing = [key for key in matrix.dimensions if key not in entry] if complete else []
        if unknown:
            known = ", ".join(matrix.dimensions)
            found.append(Problem(f"{unknown[0]!r} is no dimension; there are {known}", path=where))
        if missing:
            found.append(Problem(f"a value for {missing[0]!r} is missing", path=where))
    return found


def _too_many(count: int, limit: int) -> Problem:
    return Problem(
        f"{count} combinations are more than the {limit} allowed; exclude some or split the file",
        path="matrix",
    )
