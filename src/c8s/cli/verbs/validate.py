"""`c8s validate`: is a pipeline file right?"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import pipeline_file
from ..ending import Exit
from ..options import Output, Report
from ..terminal import paint, say
from ..writing import write, write_as

if TYPE_CHECKING:
    from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Problem

_WARNINGS_SAID = 20

EXAMPLES = """\
  c8s validate                        .c8s.yaml in this folder
  c8s validate ci/*.yaml --strict     warnings are errors
  c8s validate -o json | jq .errors   for programs
"""


@dataclasses.dataclass(frozen=True, slots=True)
class _Finding:
    """What there is to say of one file."""

    file: str
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    missing: bool = False

    @property
    def valid(self) -> bool:
        return not self.errors


def validate(
    files: Annotated[
        list[pathlib.Path] | None,
        typer.Argument(
            metavar="[FILE]...", show_default=False, help="Default .c8s.yaml, - is stdin"
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings as errors")] = False,
    output: Output = Report.TEXT,
) -> None:
    """Check pipeline files, and show every error with its place.

    Prints 'Valid!' and ends with 0, or the errors and ends with 2 (3 where a
    file does not exist). Warnings go to stderr.
    """
    findings = [_find(file, strict=strict) for file in files or [pipeline_file.DEFAULT]]
    if output is Report.TEXT:
        _warn([problem for finding in findings for problem in finding.warnings])
        write("\n".join(_text(finding, alone=len(findings) == 1) for finding in findings))
    else:
        write_as(output, _document(findings))
    if any(finding.missing for finding in findings):
        raise typer.Exit(Exit.NOT_FOUND)
    if not all(finding.valid for finding in findings):
        raise typer.Exit(Exit.INVALID)


def _find(file: pathlib.Path, *, strict: bool) -> _Finding:
    from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
        InvalidInput,
        NotFound,
        Problem,
    )
    from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load, warnings

    label = pipeline_file.label(file)
    try:
        text = pipeline_file.read(file)
        advice = warnings(load(text, label), text, label)
    except InvalidInput as error:
        return _Finding(label, error.problems)
    except NotFound as error:
        return _Finding(label, (Problem(error.message),), missing=True)
    return _Finding(label, advice) if strict else _Finding(label, (), advice)


def _warn(problems: Sequence[Problem]) -> None:
    """Say the first of them; who wants them all takes them as data."""
    mark = paint("warning:", "yellow", bold=True)
    for problem in problems[:_WARNINGS_SAID]:
        say(f"{mark} {problem}")
    if len(problems) > _WARNINGS_SAID:
        say(f"{mark} and {len(problems) - _WARNINGS_SAID} more; '-o json' shows all")


def _text(finding: _Finding, *, alone: bool) -> str:
    lines = [str(problem) for problem in finding.errors]
    if finding.valid:
        lines.append("Valid!" if alone else f"{finding.file}: Valid!")
    return "\n".join(lines)


def _document(findings: list[_Finding]) -> dict[str, Any]:
    return {
        "valid": all(finding.valid for finding in findings),
        "errors": [_shown(problem, found.file) for found in findings for problem in found.errors],
        "warnings": [
            _shown(problem, found.file) for found in findings for problem in found.warnings
        ],
        "files": [{"file": finding.file, "valid": finding.valid} for finding in findings],
    }


def _shown(problem: Problem, file: str) -> dict[str, Any]:
    return {**dataclasses.asdict(problem), "file": problem.file or file}
