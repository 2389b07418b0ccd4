"""Objects of a namespace and its cluster that something depends on: looked up once, if we may."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

from ...core.errors import Denied
from ...kube.kinds import Kind
from ...kube.resources import Resources

Manifest = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What there is. `denied` tells why it could not be seen; then nothing is known."""

    objects: tuple[Manifest, ...] = ()
    denied: str = ""

    @property
    def known(self) -> bool:
        return not self.denied

    @property
    def missing(self) -> bool:
        """Whether it surely is not there."""
        return self.known and not self.objects


class Lookups:
    """Looks at each object and each list once, whoever asks how often. Safe from many threads."""

    def __init__(self, resources: Resources, namespace: str) -> None:
        self.resources = resources
        self.namespace = namespace
        self._seen: dict[tuple[str, str], Seen] = {}
        self._lock = threading.Lock()

    def one(self, kind: Kind, name: str) -> Seen:
        """The object of that name, in the namespace where its kind has any."""

        def look() -> tuple[Manifest, ...]:
            found = self.resources.find(kind, name, self._place(kind))
            return (found,) if found is not None else ()

        return self._once((kind.name, name), look)

    def all(self, kind: Kind) -> Seen:
        """All objects of that kind, in the namespace where its kind has any."""
        return self._once(
            (kind.name, ""),
            lambda: self.resources.listing(kind, self._place(kind)).objects,
        )

    def _once(self, key: tuple[str, str], look: Callable[[], tuple[Manifest, ...]]) -> Seen:
        with self._lock:
            known = self._seen.get(key)
        if known is None:
            try:
                known = Seen(look())
            except Denied as error:
                known = Seen(denied=error.message)
            with self._lock:
                self._seen[key] = known
        return known

    def _place(self, kind: Kind) -> str:
        return self.namespace if kind.namespaced else ""
