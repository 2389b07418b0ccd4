"""Kubeconfig files: merged as kubectl merges them, one context picked.

Read here and not by the Kubernetes client library, whose import alone takes longer than a small
command should. What needs a conversation with an auth provider is left to the library.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import InvalidInput, NotFound, Unavailable
from .login import bytes_of


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A cluster, user or context, and the folder that its relative paths start from."""

    content: Mapping[str, Any] = dataclasses.field(repr=False)
    folder: Path

    def text(self, key: str) -> str:
        """The value as text, empty where there is none."""
        value = self.content.get(key)
        return "" if value is None else str(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """The values of a list as text."""
        return tuple(str(value) for value in self.content.get(key) or ())

    def path(self, key: str) -> Path | None:
        """The file that the value names."""
        value = self.text(key)
        return self.folder / Path(value).expanduser() if value else None

    def material(self, key: str) -> bytes | Path:
        """What `<key>-data` holds (base64), else the file that `<key>` names, else nothing."""
        data = self.text(f"{key}-data")
        if not data:
            return self.path(key) or b""
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise InvalidInput(f"the kubeconfig's {key}-data is no base64: {error}") from error


@dataclasses.dataclass(frozen=True, slots=True)
class Context:
    """One context with its cluster and user. `user` is empty where none is named."""

    name: str
    namespace: str
    cluster: Entry
    user: Entry


@dataclasses.dataclass(frozen=True, slots=True)
class Kubeconfig:
    """The merged content: the first file that speaks of a name wins."""

    source: str
    current: str
    clusters: Mapping[str, Entry]
    users: Mapping[str, Entry]
    contexts: Mapping[str, Entry]

    def context(self, name: str = "") -> Context:
        """The context of that name, else the current one. InvalidInput when it can't be used."""
        name = name or self.current
        if not name:
            known = ", ".join(self.contexts) or "none"
            raise InvalidInput(
                f"{self.source}: no context is current: name one with context (there: {known})"
            )
        context = self._entry("contexts", name)
        cluster = self._entry("clusters", context.text("cluster"))
        user = context.text("user")
        return Context(
            name=name,
            namespace=context.text("namespace") or "default",
            cluster=cluster,
            user=self._entry("users", user) if user else Entry({}, context.folder),
        )

    def _entry(self, kind: str, name: str) -> Entry:
        entries: Mapping[str, Entry] = getattr(self, kind)
        if name in entries:
            return entries[name]
        close = difflib.get_close_matches(name, entries, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"there: {', '.join(entries) or 'none'}"
        raise InvalidInput(f"{self.source}: {kind} has no {name!r} ({hint})")


def read_files(paths: Iterable[Path]) -> Kubeconfig:
    """The files merged into one; NotFound when none of them exists."""
    paths = list(paths)
    there = [path for path in paths if path.is_file()]
    source = ":".join(str(path) for path in paths)
    if not there:
        raise NotFound(f"there is no kubeconfig {source}")
    return _merged(
        source,
        [
            (_parsed(bytes_of(path, "the kubeconfig"), path), path.resolve().parent)
            for path in there
        ],
    )


def read_mapping(content: Mapping[str, Any]) -> Kubeconfig:
    """A kubeconfig that was given as it is; relative paths start from the working folder."""
    return _merged("kubeconfig", [(content, Path.cwd())])


def _parsed(text: bytes, path: Path) -> Mapping[str, Any]:
    try:
        import yaml
    except ImportError as error:
        raise Unavailable("PyYAML is not installed where this runs") from error
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(text, loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is no kubeconfig: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise InvalidInput(f"{path} is no kubeconfig: no mapping at its top")
    return content


def _merged(source: str, files: list[tuple[Mapping[str, Any], Path]]) -> Kubeconfig:
    found: dict[str, dict[str, Entry]] = {"clusters": {}, "users": {}, "contexts": {}}
    current = ""
    for content, folder in files:
        current = current or str(content.get("current-context") or "")
        for kind, entries in found.items():
            for item in _items(content, kind, source):
                inner = item.get(kind[:-1]) or {}
                if not isinstance(inner, Mapping):
                    raise InvalidInput(f"{source}: {kind}: {item['name']!r} holds no mapping")
                entries.setdefault(str(item["name"]), Entry(inner, folder))
    return Kubeconfig(source, current, found["clusters"], found["users"], found["contexts"])


def _items(content: Mapping[str, Any], kind: str, source: str) -> list[Mapping[str, Any]]:
    items = content.get(kind) or []
    if not isinstance(items, list) or not all(
        isinstance(item, Mapping) and "name" in item for item in items
    ):
        raise InvalidInput(f"{source}: {kind} is no list of named entries")
    return items
