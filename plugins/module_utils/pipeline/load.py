"""Text to `Pipeline`, or every problem at once, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from ..core.errors import InvalidInput
from ..core.tree import Tree, tree
from ..core.yaml import Source, parse
from . import build
from .advice import warnings
from .faults import Faults
from .meaning import judge
from .overrides import NONE, Overrides
from .schema import FILE
from .spec import Pipeline

__all__ = ["FILE_NAME", "document", "load", "load_document", "warnings"]

FILE_NAME = ".c8s.yaml"


def load(text: str | bytes, file: str = FILE_NAME, *, allowed: Overrides = NONE) -> Pipeline:
    """The pipeline of a file's text; `file` is only its name for messages.

    `allowed` names what an administrator permits beyond the sandbox. Raises InvalidInput, which
    holds all problems in the order of the file.
    """
    source = parse(text, file)
    return _pipeline(source.root, Faults(written=True), source, allowed)


def load_document(document: Mapping[str, Any], *, allowed: Overrides = NONE) -> Pipeline:
    """The pipeline of a document that is already parsed: of a record, a resource, an option.

    The same rules hold as for a file, but text must be text: a number has lost how it was written.
    """
    return _pipeline(tree(document), Faults(written=False), None, allowed)


def document(text: str | bytes, file: str = FILE_NAME) -> dict[str, Any]:
    """The file as plain JSON data that `load_document` takes, with all scalars as they are meant.

    Raises InvalidInput where the text is no YAML or the data do not have the right form.
    """
    source = parse(text, file)
    faults = Faults(written=True)
    found = _read(source.root, faults)
    _raise_if_any(faults, source)
    return found


def _pipeline(root: Tree, faults: Faults, source: Source | None, allowed: Overrides) -> Pipeline:
    found = _read(root, faults)
    judge(found, faults, allowed)
    _raise_if_any(faults, source)
    return build.pipeline(found)


def _read(root: Tree, faults: Faults) -> dict[str, Any]:
    if root is None:
        faults.add((), "is empty; a pipeline needs 'version', 'name' and 'steps'")
        return {}
    return FILE.read(root, (), faults) or {}


def _raise_if_any(faults: Faults, source: Source | None) -> None:
    problems = (*(source.problems if source else ()), *faults.problems(source))
    if problems:
        # What has no line (the count of those left out) stays at the end.
        raise InvalidInput(*sorted(problems, key=lambda one: (one.line or inf, one.column)))
