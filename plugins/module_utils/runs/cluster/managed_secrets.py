"""Secrets of a namespace, brought to the state that somebody wants them in.

Rights: `get`, `create` and `patch` of secrets, `delete` to remove one, `list` to list them.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from typing import Any

from ...core.errors import C8sError, Conflict, NotFound
from ...kube.connection import connect
from ...kube.faults import Uncertain
from ...kube.kinds import SECRET
from ...kube.options import connection_options
from ...kube.resources import Resources
from ...pipeline.job import LABEL, MANAGED_BY
from ..difference import Difference
from .secret_data import Data, judge, judge_size

# How often it is looked anew where others write the same Secret.
_TRIES = 4
_SELECTOR = ",".join(f"{key}={value}" for key, value in MANAGED_BY.items())
_LABELS = {**MANAGED_BY, f"{LABEL}/kind": "secret"}


@dataclasses.dataclass(frozen=True, slots=True)
class SecretChange:
    """What becomes of a Secret, by its keys alone; values are in none of this.

    `existed`: it was there before, `there`: it is there afterwards, `taken`: it was somebody
    else's and is managed from now on.
    """

    name: str
    namespace: str
    existed: bool
    there: bool
    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    taken: bool = False

    @property
    def changed(self) -> bool:
        whole = self.existed != self.there
        return bool(whole or self.taken or self.added or self.replaced or self.removed)

    @property
    def keys(self) -> list[str]:
        """The keys it holds afterwards."""
        return sorted((*self.added, *self.replaced, *self.kept))

    def difference(self) -> Difference:
        """Before and after as texts that show which keys change, and no value."""
        where = f"secret {self.namespace}/{self.name}"
        return {
            "before_header": where if self.existed else "no secret",
            "after_header": where if self.there else "no secret",
            "before": self._text(before=True) if self.existed else "",
            "after": self._text(before=False) if self.there else "",
        }

    def _text(self, *, before: bool) -> str:
        lines = [f"managed by: {'somebody else' if before and self.taken else 'c8s'}", "keys:"]
        shown = dict.fromkeys(self.kept, "(hidden)")
        if before:
            shown |= dict.fromkeys(self.removed, "(hidden)")
            shown |= dict.fromkeys(self.replaced, "(hidden, old value)")
        else:
            shown |= dict.fromkeys(self.added, "(hidden)")
            shown |= dict.fromkeys(self.replaced, "(hidden, new value)")
        lines += [f"  {key}: {shown[key]}" for key in sorted(shown)]
        return "".join(f"{line}\n" for line in lines)

    def sentence(self) -> str:
        """What has happened, in a line."""
        where = f"secret {self.namespace}/{self.name}"
        if not self.there:
            return f"{where} was removed" if self.existed else f"{where} does not exist"
        if not self.changed:
            return f"{where} is as it should be: {', '.join(self.keys)}"
        parts = [
            f"{what} {', '.join(keys)}"
            for what, keys in (
                ("added", self.added),
                ("replaced", self.replaced),
                ("removed", self.removed),
                ("kept", self.kept),
            )
            if keys
        ]
        if self.taken:
            parts.append("managed by c8s from now on")
        return f"{where}: {'; '.join(parts)}"


class ManagedSecrets:
    """The Secrets of one namespace. What c8s has not made is left alone unless told otherwise."""

    def __init__(self, resources: Resources, namespace: str) -> None:
        self._resources = resources
        self.namespace = namespace

    def present(
        self, name: str, data: Data, *, purge: bool = False, force: bool = False, check: bool
    ) -> SecretChange:
        """See that the Secret holds these values; other keys go where `purge` says so.

        With `check` the API server judges the change and does not carry it out. Raises
        InvalidInput for what a Secret may not be, Conflict for one that is not managed by c8s
        unless `force` is given, and what the API server says.
        """
        judge(name, data)
        before: SecretChange | None = None
        lost: C8sError = Conflict(f"secret {name!r} changes all the time")
        for _attempt in range(_TRIES):
            found = self._resources.find(SECRET, name, self.namespace)
            change = self._change(name, found, data, purge=purge, force=force)
            if not change.changed:
                # Where an answer was lost, it is the change of before that was carried out.
                return before or change
            before = change
            try:
                self._carry_out(change, found, data, check=check)
            except NotFound as error:
                if found is None:
                    raise  # It is the namespace that does not exist.
                lost = error
            except (Conflict, Uncertain) as error:
                lost = error
            else:
                return change
        raise lost

    def absent(self, name: str, *, force: bool = False, check: bool) -> SecretChange:
        """See that there is no such Secret. Raises as `present` does."""
        found = self._resources.find(SECRET, name, self.namespace)
        if found is None:
            return SecretChange(name, self.namespace, existed=False, there=False)
        self._judge_owner(name, found, force=force, doing="removed")
        uid = found["metadata"]["uid"]
        self._resources.delete(SECRET, name, self.namespace, uid=uid, dry_run=check)
        removed = tuple(sorted(found.get("data") or {}))
        return SecretChange(name, self.namespace, existed=True, there=False, removed=removed)

    def listed(self) -> list[dict[str, Any]]:
        """The managed Secrets of the namespace, by name: what `one` tells of each."""
        listing = self._resources.listing(SECRET, self.namespace, labels=_SELECTOR)
        return sorted(map(_told, listing.objects), key=lambda told: str(told["name"]))

    def one(self, name: str) -> dict[str, Any]:
        """Name, namespace, keys and time of creation of a Secret, and whether it is managed."""
        return _told(self._resources.get(SECRET, name, self.namespace))

    def _change(
        self,
        name: str,
        found: Mapping[str, Any] | None,
        data: Data,
        *,
        purge: bool,
        force: bool,
    ) -> SecretChange:
        if found is None:
            judge_size(name, data)
            added = tuple(sorted(data))
            return SecretChange(name, self.namespace, existed=False, there=True, added=added)
        self._judge_owner(name, found, force=force, doing="changed")
        held = _values(found)
        judge_size(name, data if purge else {**held, **data})

        def keeps(key: str) -> bool:
            return data[key] == held[key] if key in data else not purge

        change = SecretChange(
            name,
            self.namespace,
            existed=True,
            there=True,
            added=tuple(sorted(data.keys() - held.keys())),
            replaced=tuple(
                sorted(key for key in data.keys() & held.keys() if data[key] != held[key])
            ),
            removed=tuple(sorted(held.keys() - data.keys())) if purge else (),
            kept=tuple(sorted(key for key in held if keeps(key))),
            taken=not _is_managed(found),
        )
        if change.changed and found.get("immutable"):
            raise Conflict(
                f"secret {name!r} in namespace {self.namespace} is immutable: remove it, and make"
                " it anew"
            )
        return change

    def _carry_out(
        self, change: SecretChange, found: Mapping[str, Any] | None, data: Data, *, check: bool
    ) -> None:
        wanted = {key: base64.b64encode(data[key]).decode() for key in data}
        if found is None:
            metadata = {"name": change.name, "namespace": self.namespace, "labels": _LABELS}
            manifest = {
                "apiVersion": SECRET.api_version,
                "kind": SECRET.name,
                "metadata": metadata,
                "type": "Opaque",
                "data": wanted,
            }
            self._resources.create(manifest, self.namespace, dry_run=check)
            return
        changed = {key: wanted[key] for key in (*change.added, *change.replaced)}
        patch = {
            # Guards against whoever writes it at the same time.
            "metadata": {
                "resourceVersion": found["metadata"]["resourceVersion"],
                "labels": _LABELS,
            },
            "data": {**changed, **dict.fromkeys(change.removed)},
        }
        self._resources.patch(SECRET, change.name, patch, self.namespace, dry_run=check)

    def _judge_owner(self, name: str, found: Mapping[str, Any], *, force: bool, doing: str) -> None:
        if force or _is_managed(found):
            return
        raise Conflict(
            f"secret {name!r} in namespace {self.namespace} was not made by c8s and is not {doing};"
            " choose another name, or use force"
        )


def managed_secrets(
    options: Mapping[str, Any], environment: Mapping[str, str], *, timeout: float = 30.0
) -> ManagedSecrets:
    """From plain options: those of the connection, and `namespace`.

    `timeout` is the time in seconds to wait for a cluster that does not answer. Raises NotFound
    where there is nothing to connect to.
    """
    given = connection_options(options, environment)
    client = connect(given, environment, timeout=timeout, patience=timeout)
    namespace = options.get("namespace") or client.namespace or "default"
    return ManagedSecrets(Resources(client), namespace)


def _is_managed(found: Mapping[str, Any]) -> bool:
    labels = found["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in MANAGED_BY.items())


def _values(found: Mapping[str, Any]) -> Data:
    return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}


def _told(found: Mapping[str, Any]) -> dict[str, Any]:
    metadata = found["metadata"]
    return {
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "keys": sorted(found.get("data") or {}),
        "managed": _is_managed(found),
        "created": metadata["creationTimestamp"],
    }
