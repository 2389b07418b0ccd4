"""What can go wrong, as a small tree of errors that a door translates once.

A door (module, command, service) catches `C8sError` and shows `str(error)`; everything below
raises the one that fits where the fault is known. Messages say what, where, and what to do.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One fault in an input, with its place.

    Lines and columns count from 1; 0 means that the place is unknown. `path` is that of the
    value inside the document (`steps[2].dependsOn[0]`), empty for the document itself.
    """

    message: str
    path: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    suggestion: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}:{self.column}" if place else f"{self.line}:{self.column}"
        parts = [part for part in (place, self.path) if part]
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return ": ".join([*parts, self.message]) + hint


class C8sError(Exception):
    """The root. `exit_code` is what the command ends with (see `c8s --help`)."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(C8sError):
    """The caller gave something that cannot be right; every fault found is in `problems`."""

    exit_code = 2

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(
            Problem(problem) if isinstance(problem, str) else problem for problem in problems
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NotFound(C8sError):
    """What was asked for does not exist."""

    exit_code = 3


class Conflict(C8sError):
    """The state of things does not allow it now: it exists already, or somebody else holds it."""

    exit_code = 1


class Denied(C8sError):
    """The caller has no right to it."""

    exit_code = 4


class Unavailable(C8sError):
    """A part outside (an API server, a store, an engine) cannot be reached or does not work."""

    exit_code = 5


class Timeout(C8sError):
    """It did not come about in the time given."""

    exit_code = 1
