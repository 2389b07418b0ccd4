"""How far a log is kept, said beside it: what goes on with it begins there."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from ..core.errors import Unavailable


@dataclasses.dataclass(frozen=True, slots=True)
class LogMark:
    """Behind the first `size` bytes that are kept the log of `origin` goes on at `position`.

    `origin` tells of whom the log is (a pod's uid), `position` is in the words of whoever reads
    there. `sealed`: it is whole. `target` is the address it is to be brought to, if to any.
    """

    origin: str
    position: str = ""
    size: int = 0
    sealed: bool = False
    target: str = ""

    def as_json(self) -> bytes:
        """In one line, without its end."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(told, separators=(",", ":")).encode()

    @classmethod
    def parse(cls, text: bytes, where: str) -> LogMark:
        """What `as_json` has written; Unavailable for anything else, which was found `where`."""
        try:
            found: dict[str, Any] = json.loads(text)
            return cls(
                str(found["origin"]),
                str(found["position"]),
                int(found["size"]),
                bool(found["sealed"]),
                str(found["target"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"{where} is damaged: it tells no place in a log") from error
