"""The kinds of value that a pipeline file is made of.

Each kind says three things of itself, side by side so that they cannot drift: how a value of it is
read, how it is written in the JSON schema of the file (for editors), and in the structural OpenAPI
schema of a custom resource (for the API server).

`read` gives the value in its final JSON form: text as `str`, numbers as `int`. None stands for a
value that could not be used at all; then a fault has been noted.

A structural schema allows neither several types nor `type` in its junctors. Where a field takes
more than one kind, its schema has no `type` and shuts the others out by their own bounds: a
`minimum` above the `maximum` fits no number and judges nothing else.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import Any, Protocol

from ..core.tree import Boolean, Number, Path, Tree, Written, shown
from .faults import Faults

Schema = dict[str, Any]

NO_NUMBER: Schema = {"minimum": 1, "maximum": 0}
NO_LIST: Schema = {"minItems": 1, "maxItems": 0}
NO_MAPPING: Schema = {"minProperties": 1, "maxProperties": 0}
NO_TEXT: Schema = {"minLength": 1, "maxLength": 0}
ANY_TYPE: Schema = {"x-kubernetes-preserve-unknown-fields": True}


class Kind(Protocol):
    """What every kind can do. `label` is what the reference calls it."""

    @property
    def label(self) -> str: ...
    def read(self, value: Tree, path: Path, faults: Faults) -> Any: ...
    def json_schema(self) -> Schema: ...
    def openapi(self) -> Schema: ...


def described(value: Tree) -> str:
    """What a value of the wrong kind is, for a message."""
    match value:
        case None:
            return "nothing"
        case Written():
            return str(value)
        case str():
            return f"the text {shown(value)}"
        case list():
            return "a list"
    return "a mapping"


def wrong_kind(value: Tree, wanted: str, path: Path, faults: Faults) -> None:
    """Note that something else was wanted; returns None, the value of what cannot be used."""
    if value is None:
        faults.add(path, f"is empty; give {wanted} or leave the key out")
        return
    hint = ""
    if isinstance(value, dict) and len(value) == 1 and wanted.startswith("text"):
        hint = "text that holds ': ' needs quotes"
    if isinstance(value, str) and wanted.startswith("a list"):
        hint = "begin each item with '- '"
    faults.add(path, f"must be {wanted}, not {described(value)}", suggestion=hint)


@dataclasses.dataclass(frozen=True)
class Text:
    """Text. What has a `pattern` must be written as text; other text is taken as it stands.

    `form` says in words what the pattern wants. `templates` names the place whose templates are
    evaluated in it; elsewhere a template is a fault.
    """

    pattern: str = ""
    form: str = ""
    limit: int = 0
    templates: str = ""
    not_pattern: str = ""
    name: str = "text"

    @property
    def label(self) -> str:
        return self.name

    @functools.cached_property
    def _fits(self) -> Any:
        return re.compile(_python_pattern(self.pattern)).fullmatch if self.pattern else None

    @functools.cached_property
    def _refused(self) -> Any:
        return re.compile(self.not_pattern).search if self.not_pattern else None

    def read(self, value: Tree, path: Path, faults: Faults) -> str | None:
        if not isinstance(value, str):
            wrong_kind(value, "text", path, faults)
            return None
        text = value
        if isinstance(value, Written):
            text = str(value)
            if self.pattern or not faults.written:
                self._refuse_number(text, path, faults)
                return None
        if not text:
            faults.add(path, f"is empty; give {self.form or 'text'} or leave the key out")
        elif self.limit and len(text) > self.limit:
            faults.add(path, f"has {len(text)} characters; at most {self.limit} are allowed")
        elif (self._fits and not self._fits(text)) or (self._refused and self._refused(text)):
            faults.add(path, f"{shown(text)} is not {self.form}")
        if "${{" in text:
            faults.templated.append((path, text, self.templates))
        return text

    def _refuse_number(self, text: str, path: Path, faults: Faults) -> None:
        if self._fits and not self._fits(text):
            faults.add(path, f"{text} is not {self.form}")
        else:
            faults.add(path, f"must be text, not {text}", suggestion=f"write {text!r} in quotes")

    def _bounds(self) -> Schema:
        bounds: Schema = {"minLength": 1}
        if self.limit:
            bounds["maxLength"] = self.limit
        if self.pattern:
            bounds["pattern"] = self.pattern
        if self.not_pattern:
            bounds["not"] = {"pattern": self.not_pattern}
        return bounds

    def json_schema(self) -> Schema:
        kinds = "string" if self.pattern else ["string", "number", "boolean"]
        return {"type": kinds, **self._bounds()}

    def openapi(self) -> Schema:
        return {"type": "string", **self._bounds()}

    def beside(self) -> Schema:
        """What its schema in a custom resource says where it shares a field with a holder."""
        return {**NO_NUMBER, "not": {"enum": [None, True, False]}, **self._bounds()}


def _python_pattern(pattern: str) -> str:
    """`^...$` for `fullmatch`; Python's own `$` lets a newline through at the end."""
    return pattern.removeprefix("^").removesuffix("$") if pattern.endswith("$") else pattern + ".*"


@dataclasses.dataclass(frozen=True)
class Scalar:
    """Text, a number or a boolean, of which the text counts: values of variables and matrices.

    A number with a fraction is refused where it is already parsed: `3.10` has become 3.1 there.
    """

    limit: int = 0
    templates: str = ""
    label: str = "text"

    def read(self, value: Tree, path: Path, faults: Faults) -> str | None:
        if value is None:
            faults.add(path, 'is empty; write "" for empty text')
            return None
        if not isinstance(value, str):
            wrong_kind(value, "text", path, faults)
            return None
        text = value
        if isinstance(value, Written):
            text = str(value)
            if isinstance(value, Number) and not faults.written and not _is_whole(text):
                faults.add(path, f"{text} may have lost digits", suggestion="put it in quotes")
        if self.limit and len(text) > self.limit:
            faults.add(path, f"has {len(text)} characters; at most {self.limit} are allowed")
        if "${{" in text:
            faults.templated.append((path, text, self.templates))
        return text

    def json_schema(self) -> Schema:
        limit = {"maxLength": self.limit} if self.limit else {}
        return {"type": ["string", "number", "boolean"], **limit}

    def openapi(self) -> Schema:
        limit = {"maxLength": self.limit} if self.limit else {}
        whole_if_number = {"multipleOf": 1, "not": {"enum": [None]}}
        return {**ANY_TYPE, **NO_LIST, **NO_MAPPING, **whole_if_number, **limit}


def _is_whole(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]+", text) is not None


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def label(self) -> str:
        return ", ".join(f"`{word}`" for word in self.words)

    def read(self, value: Tree, path: Path, faults: Faults) -> str | None:
        if not isinstance(value, str):
            wrong_kind(value, "text", path, faults)
            return None
        if isinstance(value, Written) or value not in self.words:
            allowed = ", ".join(self.words)
            message = f"{shown(value)} is not known here; it must be {allowed}"
            if len(self.words) > 1:
                message = f"{shown(value)} is not known here; it must be one of {allowed}"
            faults.add(path, message, suggestion=faults.closest(value, self.words))
            return None
        return value

    def json_schema(self) -> Schema:
        return {"type": "string", "enum": list(self.words)}

    openapi = json_schema


@dataclasses.dataclass(frozen=True)
class Integer:
    """A whole number within bounds."""

    minimum: int
    maximum: int

    @property
    def label(self) -> str:
        return f"number, {self.minimum} to {self.maximum}"

    def read(self, value: Tree, path: Path, faults: Faults) -> int | None:
        wanted = f"a whole number from {self.minimum} to {self.maximum}"
        if not isinstance(value, Number):
            wrong_kind(value, wanted, path, faults)
            return None
        number = _whole(value)
        if number is None or not self.minimum <= number <= self.maximum:
            faults.add(path, f"must be {wanted}, not {value}")
            return None
        return number

    def json_schema(self) -> Schema:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}

    openapi = json_schema


def _whole(text: str) -> int | None:
    """The integer that a written number is, `2.0` and `1e1` too; None where it is none."""
    if len(text) > 40:
        return None
    number = float(text)
    return int(number) if number.is_integer() else None


@dataclasses.dataclass(frozen=True)
class Flag:
    """true or false."""

    label: str = "`true` or `false`"

    def read(self, value: Tree, path: Path, faults: Faults) -> bool | None:
        if not isinstance(value, Boolean):
            wrong_kind(value, "true or false", path, faults)
            return None
        return value.lower() == "true"

    def json_schema(self) -> Schema:
        return {"type": "boolean"}

    openapi = json_schema


@dataclasses.dataclass(frozen=True)
class No:
    """`false`, for what can only be switched off or described."""

    label: str = "`false`"

    def read(self, value: Tree, path: Path, faults: Faults) -> bool | None:
        if not isinstance(value, Boolean) or value.lower() != "false":
            wrong_kind(value, "false or a mapping", path, faults)
            return None
        return False

    def json_schema(self) -> Schema:
        return {"type": "boolean", "enum": [False]}

    openapi = json_schema

    def beside(self) -> Schema:
        return {**NO_NUMBER, **NO_TEXT, "not": {"enum": [None, True]}}


@dataclasses.dataclass(frozen=True)
class Amount:
    """A Kubernetes quantity; a bare number may stand without quotes."""

    pattern: str
    limit: int
    form: str
    label: str = "quantity"

    @functools.cached_property
    def _fits(self) -> Any:
        return re.compile(_python_pattern(self.pattern)).fullmatch

    def read(self, value: Tree, path: Path, faults: Faults) -> str | None:
        if not isinstance(value, str) or isinstance(value, Boolean):
            wrong_kind(value, self.form, path, faults)
            return None
        text = str(value)
        if len(text) > self.limit or not self._fits(text):
            faults.add(path, f"{shown(text)} is not {self.form}")
            return None
        if isinstance(value, Number) and not faults.written and not _is_whole(text):
            faults.add(path, f"{text} may have lost digits", suggestion="put it in quotes")
            return None
        return text

    def json_schema(self) -> Schema:
        bounds = {"minLength": 1, "maxLength": self.limit, "pattern": self.pattern, "minimum": 0}
        return {"type": ["string", "number"], **bounds}

    def openapi(self) -> Schema:
        return {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "minLength": 1,
            "maxLength": self.limit,
            "pattern": self.pattern,
            "minimum": 0,
        }
