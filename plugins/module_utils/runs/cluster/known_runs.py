"""The runs of a namespace that a launch may mean, read all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ...core.errors import Denied
from ...pipeline.record import from_record
from ...pipeline.run import Run
from ..birth import Order
from ..records import Record


class Kept(Protocol):
    """Records of which several can be read at once."""

    def name_for(self, pipeline: str, wanted: str, key: str) -> tuple[str, int]: ...

    def several(self, names: Sequence[str]) -> Mapping[str, Record]: ...

    def driven(self, name: str) -> bool: ...


class KnownRuns:
    """Answers what a forecast asks, with one request for any number of orders.

    `denied` tells why nothing could be read; then no run is known.
    """

    def __init__(self, kept: Kept, orders: Sequence[Order]) -> None:
        self._kept = kept
        self.denied = ""
        names = [
            kept.name_for(str(order.document["name"]), order.name, order.idempotency_key)[0]
            for order in orders
            if order.name or order.idempotency_key
        ]
        self._records = dict(self._several(names))

    def existing(self, pipeline: str, wanted: str, key: str) -> str:
        if not wanted and not key:
            return ""
        name = self._kept.name_for(pipeline, wanted, key)[0]
        return name if name in self._records else ""

    def read(self, name: str) -> Record:
        return self._records[name]

    def driven(self, name: str) -> bool:
        return self._kept.driven(name)

    def runs(self, names: Sequence[str]) -> dict[str, Run]:
        """The runs of these names that there are."""
        return {name: from_record(record) for name, record in self._several(names).items()}

    def _several(self, names: Sequence[str]) -> Mapping[str, Record]:
        if not names:
            return {}
        try:
            return self._kept.several(names)
        except Denied as error:
            self.denied = error.message
            return {}
