"""Whether the parts of one step fit each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..core.durations import seconds
from ..core.errors import InvalidInput
from ..core.names import is_image, leaves
from ..core.quantities import quantity
from ..core.tree import Path, shown
from . import build, glob
from .expression import MARK, scan
from .faults import Faults
from .overrides import Overrides
from .spec import Event
from .step_schema import POD_FIELDS
from .vocabulary import VARIABLE

Document = Mapping[str, Any]

_ARTIFACT_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
# Linux passes 128 KiB in one argument (MAX_ARG_STRLEN); something stands between the commands.
SCRIPT_LIMIT = 120_000
_LENGTH_BETWEEN = 80
_MOST = {"cpu": Decimal(10**6), "memory": Decimal(2**63), "ephemeralStorage": Decimal(2**63)}


def judge_step(
    step: Document, path: Path, defaults: Document, faults: Faults, allowed: Overrides
) -> None:
    """Note everything in a step that does not fit."""
    if "image" in step:
        _judge_image(step["image"], (*path, "image"), faults)
    elif "image" not in defaults:
        faults.add(path, "needs 'image', here or in 'defaults'")
    for field in POD_FIELDS:
        if field in step and field not in allowed.fields:
            message = "reaches past the sandbox, and the administrator has not allowed it here"
            faults.add((*path, field), message, at_key=True)
    judge_timeout(step, path, faults)
    _judge_length(step.get("commands", ()), (*path, "commands"), faults)
    if "resources" in step:
        judge_resources(step, defaults.get("resources", {}), path, faults)
    for field in ("when", "conditional"):
        if field in step:
            _judge_when(step[field], (*path, field), faults)
    if "secrets" in step:
        _judge_secrets(step, path, faults)
    if "artifacts" in step:
        _judge_artifacts(step, path, faults)
    for index, cache in enumerate(step.get("cache", ())):
        if cache:
            _judge_paths(cache.get("paths", ()), (*path, "cache", index, "paths"), faults)
    if "services" in step:
        _judge_services(step["services"], (*path, "services"), faults)


def judge_timeout(document: Document, path: Path, faults: Faults, field: str = "timeout") -> None:
    """Note a duration that has the right form and is too long all the same."""
    if field in document:
        try:
            seconds(document[field])
        except InvalidInput as error:
            if not _is_noted((*path, field), faults):
                faults.add((*path, field), error.message)


def judge_globs(globs: Iterable[str | None], path: Path, faults: Faults) -> None:
    """Note globs that cannot be read; those with templates only when they are expanded."""
    for index, pattern in enumerate(globs):
        if pattern and MARK not in pattern and (wrong := glob.fault(pattern)):
            faults.add((*path, index), wrong)


def judge_resources(holder: Document, defaults: Document, path: Path, faults: Faults) -> None:
    """Note amounts that nobody can mean, and requests above their limits."""
    document = holder.get("resources", {})
    path = (*path, "resources")
    for amounts, place in ((document, path), (document.get("limits", {}), (*path, "limits"))):
        for field, most in _MOST.items():
            if field in amounts:
                wrong = _amount_fault(field, amounts[field], most, limit=place != path)
                if wrong:
                    faults.add((*place, field), wrong)
    requests, limits = build.resources(document, defaults)
    if limits is None:
        return
    for field, name in zip(_MOST, ("cpu", "memory", "ephemeral_storage"), strict=True):
        asked, most = getattr(requests, name), getattr(limits, name)
        if asked is not None and most is not None and asked > most:
            place = (*path, field) if field in document else (*path, "limits", field)
            faults.add(place, f"the request for {field} is above its limit")


def _amount_fault(field: str, text: str, most: Decimal, *, limit: bool) -> str:
    amount = quantity(text)
    if amount > most:
        return f"{text} is more than any machine has"
    if limit and amount == 0:
        return "a limit must be above zero"
    if field != "cpu" and text.endswith("m"):
        return f"{text} is {text[:-1]} thousandths of a byte; mega is M, or Mi for 1024 x 1024"
    return ""


def _judge_length(commands: Sequence[str | None], path: Path, faults: Faults) -> None:
    """Note a script that no system starts, because it is one argument of the shell."""
    between = len(commands) * _LENGTH_BETWEEN
    length = between + sum(len(command.encode()) for command in commands if command)
    if length > SCRIPT_LIMIT:
        message = f"have {length} bytes together, and a shell takes {SCRIPT_LIMIT} at most"
        faults.add(path, message, suggestion="put them into a file of the repository")


def _judge_image(image: str, path: Path, faults: Faults) -> None:
    text = _with_stand_ins(image)
    if text and not is_image(text):
        faults.add(path, f"{shown(image)} is not the name of an image")


def _judge_when(when: Document, path: Path, faults: Faults) -> None:
    for field in ("branch", "tag", "event", "paths"):
        judge_globs(when.get(field, ()), (*path, field), faults)
    for index, pattern in enumerate(when.get("event", ())):
        if pattern and MARK not in pattern:
            wanted = pattern.removeprefix("!")
            if not any(glob.matches(wanted, event) for event in Event):
                events = ", ".join(Event)
                message = f"{shown(wanted)} is no event; there are {events}"
                suggestion = faults.closest(wanted, map(str, Event))
                faults.add((*path, "event", index), message, suggestion=suggestion)


def _judge_secrets(step: Document, path: Path, faults: Faults) -> None:
    variables, files = set(step.get("env", ())), set[str]()
    for index, entry in enumerate(step["secrets"]):
        if not entry or "secretRef" not in entry or "key" not in entry:
            continue
        place = (*path, "secrets", index)
        secret = build.secret(entry)
        if secret.env_var:
            _judge_variable(secret.env_var, place, "envVar" in entry, faults)
            if secret.env_var in variables:
                faults.add(place, f"the variable {shown(secret.env_var)} is set twice in this step")
            variables.add(secret.env_var)
        elif "file" in entry:
            _judge_paths([secret.file], (*place, "file"), faults, root="/secrets")
            parts = secret.file.split("/")
            outer = {"/".join(parts[:count]) for count in range(1, len(parts) + 1)}
            if outer & files or any(file.startswith(f"{secret.file}/") for file in files):
                faults.add(place, f"the file {shown(secret.file)} is there already")
            files.add(secret.file)


def _judge_variable(name: str, path: Path, named: bool, faults: Faults) -> None:
    noted = Faults(written=True)
    VARIABLE.read(name, path, noted)
    if noted.found and not named:
        message = f"the key {shown(name)} cannot be the name of a variable"
        faults.add(path, message, suggestion="give another one by 'envVar', or a 'file'")


def _judge_artifacts(step: Document, path: Path, faults: Faults) -> None:
    entries = step["artifacts"]
    names: set[str] = set()
    if any(isinstance(entry, str) for entry in entries):
        names.add(step.get("name", ""))
    for index, entry in enumerate(entries):
        place = (*path, "artifacts", index)
        if isinstance(entry, str):
            _judge_paths([entry], place, faults, indexed=False)
        elif entry:
            _judge_paths(entry.get("paths", ()), (*place, "paths"), faults)
            judge_timeout(entry, place, faults, "expireIn")
            name = entry.get("name", step.get("name", ""))
            if "name" in entry:
                _judge_artifact_name(name, (*place, "name"), faults)
            if name in names:
                hint = "" if "name" in entry else "give it a 'name'"
                message = f"two artifacts of this step are named {shown(name)}"
                faults.add(place, message, suggestion=hint)
            names.add(name)


def _judge_artifact_name(name: str, path: Path, faults: Faults) -> None:
    literal = _with_stand_ins(name)
    if not _ARTIFACT_NAME.issuperset(literal) or literal[:1] in (".", "-"):
        message = f"{shown(name)} is not a name of letters, digits, '.', '_' and '-'"
        faults.add(path, message)


_HOME_GOES = (
    "the home ends with the step: let the program keep its cache in the workspace, by a variable"
    " such as PIP_CACHE_DIR"
)


def _judge_paths(
    texts: Iterable[str | None],
    path: Path,
    faults: Faults,
    *,
    root: str = "the workspace",
    indexed: bool = True,
) -> None:
    for index, text in enumerate(texts):
        if text and leaves(text):
            place = (*path, index) if indexed and root == "the workspace" else path
            message = f"{shown(text)} leaves {root}; give a path in it, without '..'"
            faults.add(place, message, suggestion=_HOME_GOES if text.startswith("~") else "")


def _judge_services(services: Sequence[Document | None], path: Path, faults: Faults) -> None:
    names: set[str] = set()
    for index, service in enumerate(services):
        if not service:
            continue
        if "image" in service:
            _judge_image(service["image"], (*path, index, "image"), faults)
        if "readiness" in service:
            judge_timeout(service["readiness"], (*path, index, "readiness"), faults)
        name = service.get("name")
        if name in names:
            faults.add((*path, index, "name"), f"two services of this step are named {shown(name)}")
        elif name:
            names.add(name)


def _is_noted(path: Path, faults: Faults) -> bool:
    return any(fault.path == path for fault in faults.found)


def _with_stand_ins(text: str) -> str:
    """The text with a letter for every template."""
    return "".join(part if isinstance(part, str) else "x" for part in scan(text))
