"""Which names a template may use at which place of a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator

from ..core.names import leaves
from ..core.tree import Path, shown
from . import glob
from .expression import Malformed, Reference, scan
from .faults import Faults
from .script import is_posix

# The value of these is chosen by whoever pushes: no shell may ever read it as its own language.
FOREIGN = {"branch": "C8S_BRANCH", "tag": "C8S_TAG", "repository": "C8S_REPOSITORY"}
# These are made by us or checked: a label, hexadecimal digits, one of a few words, a number.
OWN = ("name", "commit", "event", "number")

# How many variables may refer to each other in a row.
ENV_DEPTH_LIMIT = 20

# Variables that every step finds set.
ALWAYS_SET = frozenset(
    {
        *("CI", "C8S", "C8S_RUN", "C8S_STEP", "C8S_PIPELINE", "C8S_COMMIT", "C8S_BRANCH"),
        *("C8S_TAG", "C8S_EVENT", "C8S_REPOSITORY", "C8S_WORKSPACE", "C8S_NAMESPACE"),
        *("COMMIT_SHA", "BRANCH", "PIPELINE_RUN", "STEP_NAME", "WORKSPACE"),
    }
)

PLACES = {
    "image": "image",
    "env": "env",
    "cache": "cache keys",
    "artifact": "artifact names",
    "when": "when",
    "commands": "commands",
    "args": "entrypoint and args",
    "group": "concurrency.group",
}
_INTERPRETERS = frozenset({"env", "node", "perl", "php", "pwsh", "python", "python3", "ruby"})
_FROM_ELSEWHERE = {
    "secrets": "'secrets' of the step gives them as variables",
    "github": "did you mean 'run'?",
    "vars": "did you mean 'env'?",
}


@dataclasses.dataclass(frozen=True)
class Scope:
    """The names that are known where a text stands.

    `variables` are those of `env` whose values may be pasted, `readable` those that only the
    step itself can read (secrets, and what is always set). `shell` runs the commands; `program`
    is what `entrypoint` and `args` begin with. In a `service`, only its own variables are set.
    """

    dimensions: Collection[str] = ()
    variables: Collection[str] = ()
    readable: Collection[str] = ()
    shell: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    service: bool = False

    def names(self) -> Iterator[str]:
        """All of them, for suggestions."""
        yield from (f"run.{name}" for name in (*OWN, *FOREIGN))
        yield from (f"matrix.{name}" for name in self.dimensions)
        yield from (f"env.{name}" for name in self.variables)
        yield "hashFiles('...')"


def check(path: Path, text: str, place: str, scope: Scope, faults: Faults) -> None:
    """Note every template of the text that cannot be evaluated where it stands."""
    for part in scan(text):
        if isinstance(part, Malformed):
            faults.add(path, part.message, suggestion=part.suggestion, template=part.number)
        elif isinstance(part, Reference):
            message, suggestion = _fault(part, place, scope, faults)
            if message:
                faults.add(path, message, suggestion=suggestion, template=part.number)


def _fault(reference: Reference, place: str, scope: Scope, faults: Faults) -> tuple[str, str]:
    """What is wrong with a reference, and a suggestion; empty where nothing is."""
    if not place:
        return "templates are not evaluated here", f"they are in {', '.join(PLACES.values())}"
    if reference.root == "hashFiles":
        if not reference.globs:
            return "hashFiles needs globs", "write hashFiles('**/*.lock')"
        if place != "cache":
            return "hashFiles is known only in cache keys: elsewhere there are no files yet", ""
        return _files_fault(reference), ""
    if not _is_known(reference, place, scope):
        return _unknown(reference, scope, faults)
    if is_foreign(reference):
        if place == "commands":
            return _shell_fault(reference, scope)
        if place == "args" and _is_interpreter(scope.program):
            name = variable(reference)
            message = f"{reference} must not become part of a program's text"
            return message, f"let {scope.program[0]} read the variable {name}"
    return "", ""


def _files_fault(reference: Reference) -> str:
    for pattern in reference.globs:
        if leaves(pattern):
            return f"{shown(pattern)} leaves the workspace; give a path in it, without '..'"
        if wrong := glob.fault(pattern):
            return f"{shown(pattern)}: {wrong}"
    return ""


def _is_known(reference: Reference, place: str, scope: Scope) -> bool:
    match reference.root:
        case "run":
            return reference.name in OWN or reference.name in FOREIGN
        case "matrix":
            return reference.name in scope.dimensions
        case "env":
            if reference.name in scope.variables:
                return True
            return place == "commands" and reference.name in scope.readable
    return False


def _unknown(reference: Reference, scope: Scope, faults: Faults) -> tuple[str, str]:
    root, name = reference.root, reference.name
    if root in _FROM_ELSEWHERE:
        return f"{reference} is not known", _FROM_ELSEWHERE[root]
    if root == "matrix" and not scope.dimensions:
        return f"{reference} is not known: the file has no matrix", ""
    if root == "env" and name in scope.readable:
        return f"{reference} is known only in commands: its value is not in the file", ""
    return f"{reference} is not known", faults.closest(str(reference), scope.names())


def _shell_fault(reference: Reference, scope: Scope) -> tuple[str, str]:
    name = variable(reference)
    if scope.service and reference.root == "run":
        return f"{reference} is not set in a service", "give it to the service by its 'env'"
    if scope.shell and not is_posix(scope.shell):
        message = f"{reference} must not become part of a program's text"
        return message, f"let {scope.shell[0]} read the variable {name}"
    return "", ""


def _is_interpreter(program: tuple[str, ...]) -> bool:
    name = program[0].rpartition("/")[2] if program else ""
    return is_posix((name,)) or name in _INTERPRETERS


def variable(reference: Reference) -> str:
    """The environment variable that holds a foreign value while a step runs."""
    return reference.name if reference.root == "env" else FOREIGN[reference.name]


def is_foreign(reference: Reference) -> bool:
    """Whether others than the file's author may have chosen the value."""
    return reference.root == "env" or (reference.root == "run" and reference.name in FOREIGN)
