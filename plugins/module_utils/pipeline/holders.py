"""The kinds of value that hold others: lists, mappings, and objects with named fields."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from ..core.tree import Path, Tree, shown
from .faults import Faults
from .kinds import (
    ANY_TYPE,
    NO_LIST,
    NO_MAPPING,
    Kind,
    No,
    Schema,
    Text,
    wrong_kind,
)


@dataclasses.dataclass(frozen=True)
class ListOf:
    """A list. `unique` texts are a set; `key` names the field by which objects are told apart."""

    item: Kind
    minimum: int = 1
    unique: bool = False
    key: str = ""

    @property
    def label(self) -> str:
        return f"list of {self.item.label}{'s' if isinstance(self.item, Text) else ''}"

    def read(self, value: Tree, path: Path, faults: Faults) -> list[Any] | None:
        if not isinstance(value, list):
            wrong_kind(value, "a list", path, faults)
            return None
        if len(value) < self.minimum:
            faults.add(path, f"needs at least {self.minimum} item")
        read = self.item.read
        items = [read(item, (*path, index), faults) for index, item in enumerate(value)]
        if self.unique:
            self._check_unique(items, path, faults)
        return items

    def _check_unique(self, items: list[Any], path: Path, faults: Faults) -> None:
        if len(set(items)) == len(items):
            return
        seen = set()
        for index, item in enumerate(items):
            if item is not None and item in seen:
                faults.add((*path, index), f"{shown(item)} is in the list twice")
            seen.add(item)

    def json_schema(self) -> Schema:
        schema: Schema = {"type": "array", "items": self.item.json_schema()}
        if self.minimum:
            schema["minItems"] = self.minimum
        if self.unique:
            schema["uniqueItems"] = True
        return schema

    def openapi(self) -> Schema:
        schema: Schema = {"type": "array", "items": self.item.openapi()}
        if self.minimum:
            schema["minItems"] = self.minimum
        if self.unique:
            schema["x-kubernetes-list-type"] = "set"
        if self.key:
            schema["x-kubernetes-list-type"] = "map"
            schema["x-kubernetes-list-map-keys"] = [self.key]
        return schema


@dataclasses.dataclass(frozen=True)
class OneOrMany:
    """A text, or a list of them; read as a list."""

    item: Text
    minimum: int = 1

    @property
    def label(self) -> str:
        return f"{self.item.label} or list of {self.item.label}s"

    def read(self, value: Tree, path: Path, faults: Faults) -> list[Any] | None:
        if isinstance(value, list):
            return self._many.read(value, path, faults)
        if isinstance(value, dict) or value is None:
            wrong_kind(value, "text or a list of texts", path, faults)
            return None
        text = self.item.read(value, path, faults)
        return None if text is None else [text]

    @functools.cached_property
    def _many(self) -> ListOf:
        return ListOf(self.item, self.minimum)

    def json_schema(self) -> Schema:
        return {"anyOf": [self.item.json_schema(), self._many.json_schema()]}

    def openapi(self) -> Schema:
        many = self._many.openapi()
        del many["type"]
        return {**ANY_TYPE, **NO_MAPPING, **self.item.beside(), **many}


@dataclasses.dataclass(frozen=True)
class MapOf:
    """A mapping whose keys the file's author chooses."""

    key: Text
    value: Kind
    minimum: int = 0

    @property
    def label(self) -> str:
        return f"map of name to {self.value.label}"

    def read(self, value: Tree, path: Path, faults: Faults) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            wrong_kind(value, "a mapping", path, faults)
            return None
        if len(value) < self.minimum:
            faults.add(path, f"needs at least {self.minimum} entry")
        entries = {}
        for key, item in value.items():
            self._check_key(key, (*path, key), faults)
            entry = self.value.read(item, (*path, key), faults)
            if entry is not None:
                entries[key] = entry
        return entries

    def _check_key(self, key: str, path: Path, faults: Faults) -> None:
        noted = Faults(written=True)
        self.key.read(key, path, noted)
        for fault in noted.found:
            faults.add(path, f"the name {fault.message}", at_key=True)
        if noted.templated:
            faults.add(path, "a name cannot hold a template", at_key=True)

    def json_schema(self) -> Schema:
        names = {key: rule for key, rule in self.key.json_schema().items() if key != "type"}
        schema: Schema = {
            "type": "object",
            "propertyNames": names,
            "additionalProperties": self.value.json_schema(),
        }
        if self.minimum:
            schema["minProperties"] = self.minimum
        return schema

    def openapi(self) -> Schema:
        # A structural schema cannot judge names; who reads the resource does.
        schema: Schema = {"type": "object", "additionalProperties": self.value.openapi()}
        if self.minimum:
            schema["minProperties"] = self.minimum
        return schema


@dataclasses.dataclass(frozen=True)
class Field:
    """A named field of an object. `default` is only told, not filled in."""

    name: str
    kind: Kind
    text: str
    required: bool = False
    default: Any = None


@dataclasses.dataclass(frozen=True)
class OneOf:
    """Groups of fields of which a document may use one only; `required`: exactly one."""

    groups: tuple[tuple[str, ...], ...]
    required: bool = True

    def check(self, value: Mapping[str, Any], path: Path, faults: Faults) -> None:
        used = [[name for name in group if name in value] for group in self.groups]
        named = [names for names in used if names]
        if len(named) > 1:
            message = f"{named[0][0]!r} and {named[1][0]!r} exclude each other; give one of them"
            faults.add((*path, named[1][0]), message, at_key=True)
        elif not named and self.required:
            wanted = " or ".join(" with ".join(map(repr, group)) for group in self.groups)
            faults.add(path, f"needs {wanted}")

    def schema(self) -> Schema:
        used = [{"anyOf": [{"required": [name]} for name in group]} for group in self.groups]
        if self.required:
            return {"oneOf": used}
        return {"not": {"allOf": used}}


@dataclasses.dataclass(frozen=True)
class Object:
    """A mapping with known fields. `meant` answers keys that people bring from elsewhere."""

    title: str
    fields: tuple[Field, ...]
    rules: tuple[OneOf, ...] = ()
    meant: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"[{self.title}](#{self.title.lower()})"

    @functools.cached_property
    def _kinds(self) -> dict[str, Kind]:
        return {field.name: field.kind for field in self.fields}

    @functools.cached_property
    def _required(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if field.required)

    def read(self, value: Tree, path: Path, faults: Faults) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            wrong_kind(value, "a mapping", path, faults)
            return None
        entries = {}
        kinds = self._kinds
        for key, item in value.items():
            kind = kinds.get(key)
            if kind is None:
                self._refuse(key, path, faults)
                continue
            entry = kind.read(item, (*path, key), faults)
            if entry is not None:
                entries[key] = entry
        for name in self._required:
            if name not in value:
                faults.add(path, f"needs {name!r}")
        for rule in self.rules:
            rule.check(value, path, faults)
        return entries

    def _refuse(self, key: str, path: Path, faults: Faults) -> None:
        meant = self.meant.get(key)
        suggestion = meant if meant else faults.closest(key, self._kinds)
        message = f"the key {shown(key)} is not known here"
        if not suggestion and len(self._kinds) <= 8:
            message += f"; there are {', '.join(self._kinds)}"
        faults.add((*path, key), message, suggestion=suggestion, at_key=True)

    def json_schema(self) -> Schema:
        properties = {}
        for field in self.fields:
            properties[field.name] = {"description": field.text, **field.kind.json_schema()}
            if field.default is not None:
                properties[field.name]["default"] = field.default
        return {**self._object(properties), "additionalProperties": False}

    def openapi(self) -> Schema:
        return self._object(
            {
                field.name: {"description": field.text, **field.kind.openapi()}
                for field in self.fields
            }
        )

    def _object(self, properties: Schema) -> Schema:
        schema: Schema = {"type": "object", "properties": properties}
        if self._required:
            schema["required"] = list(self._required)
        if len(self.rules) == 1:
            schema.update(self.rules[0].schema())
        elif self.rules:
            schema["allOf"] = [rule.schema() for rule in self.rules]
        return schema


@dataclasses.dataclass(frozen=True)
class OrObject:
    """A simple value in place of an object: text (a glob), or `false`."""

    simple: Text | No
    object: Object

    @property
    def label(self) -> str:
        return f"{self.simple.label} or {self.object.label}"

    def read(self, value: Tree, path: Path, faults: Faults) -> Any:
        if isinstance(value, dict):
            return self.object.read(value, path, faults)
        if isinstance(value, list) or value is None:
            wrong_kind(value, f"{self.simple.label} or a mapping", path, faults)
            return None
        return self.simple.read(value, path, faults)

    def json_schema(self) -> Schema:
        return {"anyOf": [self.simple.json_schema(), self.object.json_schema()]}

    def openapi(self) -> Schema:
        mapping = self.object.openapi()
        del mapping["type"]
        return {**ANY_TYPE, **NO_LIST, **self.simple.beside(), **mapping}
