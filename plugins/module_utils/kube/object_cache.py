"""The newest state of each object that was seen, whatever order the news came in."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

from .changes import Changes
from .resources import Listing

# How many deletions are remembered, so that late news of what is gone does not bring it back.
_GRAVES = 2000

_Key = tuple[str, str]
_Object = dict[str, Any]


class ObjectCache:
    """Objects by namespace and name, and by the value of one label. Safe from many threads."""

    def __init__(self, group_label: str, changes: Changes) -> None:
        self._group_label = group_label
        self._changes = changes
        self._lock = threading.Lock()
        self._objects: dict[_Key, _Object] = {}
        self._groups: dict[str, dict[_Key, _Object]] = {}
        self._graves: dict[str, int] = {}
        self._newest = 0

    def objects(self, group: str | None) -> tuple[_Object, ...]:
        """All, or those of a group."""
        with self._lock:
            found = self._objects if group is None else self._groups.get(group, {})
            return tuple(found.values())

    def get(self, namespace: str, name: str) -> _Object | None:
        """The object as it was seen last."""
        with self._lock:
            return self._objects.get((namespace, name))

    def is_ahead_of(self, version: str) -> bool:
        """Whether something newer than this version was seen."""
        with self._lock:
            return 0 < _number(version) < self._newest

    def newest(self, objects: Iterable[_Object], before: str) -> str:
        """The newest of these versions; the last one where they are no numbers."""
        newest = before
        for found in objects:
            version = _version(found)
            if not _number(version) or _number(version) > _number(newest):
                newest = version
        with self._lock:
            self._newest = max(self._newest, _number(newest))
        return newest

    def update(self, changed: Sequence[_Object], gone: Sequence[_Object] = ()) -> None:
        """Take in what is newer than what is known."""
        groups: set[str] = set()
        with self._lock:
            for found in changed:
                groups |= self._put(found)
            for old in gone:
                groups |= self._bury(old)
        self._note(groups)

    def remove(self, namespace: str, name: str) -> None:
        """The object was asked for and is not there."""
        with self._lock:
            known = self._objects.get((namespace, name))
            groups = self._bury(known) if known else set()
        self._note(groups)

    def replace(self, listing: Listing, *, whole: bool = False) -> None:
        """Take in a list: what is not in it is gone. `whole`: even what is newer than it."""
        number = _number(listing.resource_version)
        groups: set[str] = set()
        with self._lock:
            if whole:
                self._graves.clear()
                self._newest = 0
            listed: set[_Key] = set() if whole else {_key(found) for found in listing.objects}
            for key, known in list(self._objects.items()):
                newer = number and _number(_version(known)) > number
                if whole or (key not in listed and not newer):
                    groups.add(self._forget(key))
            for found in listing.objects:
                groups |= self._put(found)
            self._newest = max(self._newest, number)
        self._note(groups)

    def _note(self, groups: set[str]) -> None:
        if groups:
            self._changes.note(groups)

    def _put(self, found: _Object) -> set[str]:
        """The groups that changed; none when it is old news."""
        metadata = found["metadata"]
        metadata.pop("managedFields", None)
        number = _number(_version(found))
        if number and number <= self._graves.get(str(metadata.get("uid")), 0):
            return set()
        key = _key(found)
        known = self._objects.get(key)
        if known is not None and (
            _version(known) == _version(found) or (number and number < _number(_version(known)))
        ):
            return set()
        groups = {self._group(found)} | ({self._forget(key)} if known else set())
        self._objects[key] = found
        self._groups.setdefault(self._group(found), {})[key] = found
        return groups

    def _bury(self, old: _Object) -> set[str]:
        key = _key(old)
        known = self._objects.get(key)
        uid = str(old["metadata"].get("uid"))
        self._graves[uid] = max(_number(_version(old)), self._graves.get(uid, 0))
        if len(self._graves) > _GRAVES:
            del self._graves[next(iter(self._graves))]
        if known is None or str(known["metadata"].get("uid")) != uid:
            return set()
        return {self._forget(key)}

    def _forget(self, key: _Key) -> str:
        group = self._group(self._objects.pop(key))
        members = self._groups[group]
        del members[key]
        if not members:
            del self._groups[group]
        return group

    def _group(self, found: _Object) -> str:
        labels = found["metadata"].get("labels") or {}
        return str(labels.get(self._group_label, ""))


def _key(found: _Object) -> _Key:
    metadata = found["metadata"]
    return str(metadata.get("namespace", "")), str(metadata["name"])


def _version(found: _Object) -> str:
    return str(found["metadata"].get("resourceVersion", ""))


def _number(version: str) -> int:
    """Versions of one kind count up; 0 for one that is no number and can't be compared."""
    return int(version) if version.isdecimal() else 0
