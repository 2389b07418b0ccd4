"""What a schema cannot say: whether the parts of a document fit each other.

Every function here looks at a document whose values have the right kinds. What did not have one
is missing there (None in a list) and has been noted, so that all faults are told in one go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..core.errors import InvalidInput
from ..core.names import variable_name
from ..core.tree import Path, shown
from . import build
from .faults import Faults
from .matrix import combinations
from .order import judge_order
from .overrides import Overrides
from .step_meaning import judge_globs, judge_resources, judge_step, judge_timeout
from .template_meaning import judge_templates

Document = Mapping[str, Any]


def judge(document: Document, faults: Faults, allowed: Overrides) -> None:
    """Note everything in a document that does not fit."""
    judge_timeout(document, (), faults)
    for field in ("branches", "tags"):
        judge_globs(document.get(field, ()), (field,), faults)
    defaults = document.get("defaults", {})
    judge_timeout(defaults, ("defaults",), faults)
    judge_resources(defaults, {}, ("defaults",), faults)
    if "matrix" in document:
        _judge_matrix(document["matrix"], faults, allowed)
    steps = document.get("steps", ())
    judge_order(steps, faults)
    for index, step in enumerate(steps):
        if step:
            judge_step(step, ("steps", index), defaults, faults, allowed)
    judge_templates(document, faults)


def _judge_matrix(document: Document, faults: Faults, allowed: Overrides) -> None:
    dimensions = document.get("dimensions")
    if any(fault.path[:1] == ("matrix",) for fault in faults.found) or not dimensions:
        return
    variables: dict[str, str] = {}
    for name in dimensions:
        other = variables.setdefault(variable_name(name), name)
        if other != name:
            variable = f"C8S_MATRIX_{variable_name(name)}"
            message = f"{other!r} and {name!r} would both be the variable {variable}"
            faults.add(("matrix", "dimensions", name), message, at_key=True)
    for name, values in dimensions.items():
        for index, value in enumerate(values):
            if value in values[:index]:
                message = f"{shown(value)} is in the list twice"
                faults.add(("matrix", "dimensions", name, index), message)
    try:
        combinations(build.matrix(document), allowed.combinations)
    except InvalidInput as error:
        for problem in error.problems:
            faults.add(_path(problem.path), problem.message, suggestion=problem.suggestion)


def _path(text: str) -> Path:
    """`matrix.exclude[0]` in parts."""
    return tuple(
        int(index) if index else name for index, name in re.findall(r"\[(\d+)\]|([^.\[\]]+)", text)
    )
