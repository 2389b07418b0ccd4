"""What was looked at, what came of it, and what to do about it."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence
from typing import Any

from ...core.errors import C8sError, Denied, Unavailable


class Grade(enum.StrEnum):
    """How a check came out. A warning is of what not everybody needs, or what cannot be seen."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One of them: its name, how it came out, what was found, and what mends it.

    `exit_code` is what a failed one means for the command: 1, or 4 where a right is missing, or 5
    where something cannot be reached.
    """

    name: str
    status: Grade
    what: str
    remedy: str = ""
    exit_code: int = 0

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "name": self.name,
            "status": str(self.status),
            "what": self.what,
            "remedy": self.remedy,
        }


def passed(name: str, what: str) -> Check:
    return Check(name, Grade.PASSED, what)


def warning(name: str, what: str, remedy: str = "") -> Check:
    return Check(name, Grade.WARNING, what, remedy)


def failed(name: str, what: str, remedy: str = "", *, exit_code: int = 1) -> Check:
    return Check(name, Grade.FAILED, what, remedy, exit_code)


def failed_by(name: str, error: C8sError, remedy: str = "") -> Check:
    """The check that this error ended."""
    known = isinstance(error, Denied | Unavailable)
    return failed(name, error.message, remedy, exit_code=error.exit_code if known else 1)


def exit_code(checks: Sequence[Check]) -> int:
    """0 where nothing failed, else the gravest: unreachable before denied before the rest."""
    return max((check.exit_code for check in checks), default=0)


def table(checks: Sequence[Check]) -> str:
    """Lines for people: each check, and below what is not well how to mend it."""
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        first, *rest = check.what.splitlines() or [""]
        lines.append(f"{check.status:<8} {check.name:<{width}}  {first}".rstrip())
        lines += [f"{'':{width + 11}}{line}" for line in rest]
        for place, line in enumerate(check.remedy.splitlines()):
            lines.append(f"{'':{width + 11}}{'' if place else 'mend: '}{line}")
    return "\n".join(lines)
