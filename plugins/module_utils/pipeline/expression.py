"""The syntax of templates: `${{ run.branch }}`, `${{ hashFiles('**/*.lock') }}`.

`$${{` is a literal `${{`, and a text in quotes (`${{ '$' }}`) stands for itself.
"""

from __future__ import annotations

import dataclasses
import functools
import re

from ..core.errors import InvalidInput, Problem
from ..core.tree import shown

MARK = "${{"
ESCAPED_MARK = "$${{"

_OPENING = re.compile(r"\$?\$\{\{")
_STRING = r"""(?:'[^']*'|"[^"]*")"""
_EXPRESSION = re.compile(
    r"\s*(?:"
    r"(?P<root>[A-Za-z_][A-Za-z0-9_-]*)(?:\.(?P<name>[A-Za-z_][A-Za-z0-9_-]*))?"
    rf"|(?P<literal>{_STRING})"
    rf"|(?P<function>hashFiles)\(\s*(?P<globs>{_STRING}(?:\s*,\s*{_STRING})*)\s*\)"
    r")\s*\}\}"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """A value to put in: `root.name`, or `hashFiles` of globs. `number` counts the marks before."""

    root: str
    name: str = ""
    globs: tuple[str, ...] = ()
    number: int = 0

    def __str__(self) -> str:
        if self.globs:
            # A glob holds at most one sort of quote: it stood between quotes itself.
            quoted = (f'"{glob}"' if "'" in glob else f"'{glob}'" for glob in self.globs)
            return f"hashFiles({', '.join(quoted)})"
        return f"{self.root}.{self.name}" if self.name else self.root


@dataclasses.dataclass(frozen=True, slots=True)
class Malformed:
    """A template that cannot be read, and why; it takes all the text behind it."""

    message: str
    suggestion: str
    number: int


@functools.lru_cache(maxsize=4096)
def scan(text: str) -> tuple[str | Reference | Malformed, ...]:
    """Literal parts and references in turn, and at the end perhaps what cannot be read."""
    parts: list[str | Reference | Malformed] = []
    literal, number, end = "", 0, 0
    while match := _OPENING.search(text, end):
        literal += text[end : match.start()]
        if match[0] == ESCAPED_MARK:
            literal, end = literal + MARK, match.end()
        else:
            expression = _EXPRESSION.match(text, match.end())
            if expression is None:
                return (*parts, *([literal] if literal else []), _malformed(text, match, number))
            end = expression.end()
            if expression["literal"]:
                literal += expression["literal"][1:-1]
            else:
                parts += [literal] if literal else []
                parts.append(_reference(expression, number))
                literal = ""
        number += 1
    literal += text[end:]
    return (*parts, literal) if literal else tuple(parts)


def parse(text: str) -> tuple[str | Reference, ...]:
    """Literal parts and references in turn; InvalidInput where one cannot be read."""
    parts = []
    for part in scan(text):
        if isinstance(part, Malformed):
            raise InvalidInput(Problem(part.message, suggestion=part.suggestion))
        parts.append(part)
    return tuple(parts)


def references(text: str) -> tuple[Reference, ...]:
    """Those of a text that can be read."""
    if MARK not in text:
        return ()
    return tuple(part for part in scan(text) if isinstance(part, Reference))


def quoted(text: str) -> str:
    """The text such that `parse` gives it back as one literal, whatever follows it."""
    kept = text.rstrip("$")
    dollars = text[len(kept) :]
    end = f"{MARK} '{dollars}' }}}}" if dollars else ""
    return kept.replace(MARK, ESCAPED_MARK) + end


def _reference(match: re.Match[str], number: int) -> Reference:
    if match["function"]:
        globs = tuple(glob[1:-1] for glob in re.findall(_STRING, match["globs"]))
        return Reference("hashFiles", globs=globs, number=number)
    return Reference(match["root"], match["name"] or "", number=number)


def _malformed(text: str, opening: re.Match[str], number: int) -> Malformed:
    inside, close, _rest = text[opening.end() :].partition("}}")
    if not close:
        hint = f"write {ESCAPED_MARK} where the text {MARK} itself is meant"
        return Malformed(f"a template opens with {MARK} and has no }}}}", hint, number)
    if not inside.strip():
        return Malformed("the template is empty", "", number)
    hint = "there are run.*, matrix.*, env.* and hashFiles('glob', ...)"
    return Malformed(f"{shown(inside.strip())} is not a template", hint, number)
