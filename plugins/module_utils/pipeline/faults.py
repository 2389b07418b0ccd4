"""Everything that is wrong with a document, gathered while it is read."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable

from ..core.errors import Problem
from ..core.tree import Path, path_text
from ..core.yaml import Source

LIMIT = 1000
# Likeness is costly; who has this many faults does not read a suggestion for each.
_SUGGESTION_LIMIT = 50
_CANDIDATE_LIMIT = 2000


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One of them. `at_key` places it at the key; `template` at that `${{` of the value."""

    path: Path
    message: str
    suggestion: str = ""
    at_key: bool = False
    template: int | None = None


class Faults:
    """A list of them. `written` tells that the document is a file's text, not a parsed value."""

    def __init__(self, *, written: bool) -> None:
        self.written = written
        self.found: list[Fault] = []
        self.templated: list[tuple[Path, str, str]] = []
        self._suggestions = 0

    def add(
        self,
        path: Path,
        message: str,
        *,
        suggestion: str = "",
        at_key: bool = False,
        template: int | None = None,
    ) -> None:
        """Note one."""
        self.found.append(Fault(path, message, suggestion, at_key, template))

    def closest(self, word: str, candidates: Iterable[str]) -> str:
        """`did you mean 'test'?`, where one of the candidates is like the word."""
        self._suggestions += 1
        if self._suggestions > _SUGGESTION_LIMIT:
            return ""
        return closest(word, candidates)

    def problems(self, source: Source | None) -> tuple[Problem, ...]:
        """As problems with places, in the order they were found; at most LIMIT and a count."""
        problems = [_problem(fault, source) for fault in self.found[:LIMIT]]
        if len(self.found) > LIMIT:
            problems.append(Problem(f"and {len(self.found) - LIMIT} more problems"))
        return tuple(problems)


def closest(word: str, candidates: Iterable[str]) -> str:
    """A question that names the candidate most like the word; empty where none is."""
    near = [name for name in candidates if abs(len(name) - len(word)) <= 3 + len(word) // 4]
    matches = difflib.get_close_matches(word[:80], near[:_CANDIDATE_LIMIT], n=1, cutoff=0.6)
    if not matches:
        matches = [name for name in near if name.lower() == word.lower()][:1]
    return f"did you mean {matches[0]!r}?" if matches else ""


def _problem(fault: Fault, source: Source | None) -> Problem:
    path = path_text(fault.path)
    if source is None:
        return Problem(fault.message, path, suggestion=fault.suggestion)
    offset = source.offset(fault.path, key=fault.at_key)
    if fault.template is not None:
        offset = _template_offset(source.text, offset, fault.template)
    line, column = source.place(offset)
    return Problem(fault.message, path, source.file, line, column, fault.suggestion)


def _template_offset(text: str, begin: int, number: int) -> int:
    """Of the `${{` of that number behind `begin`; `begin` where an escape hides it."""
    offset = begin - 1
    for _template in range(number + 1):
        offset = text.find("${{", offset + 1)
        if offset < 0:
            return begin
    return offset
