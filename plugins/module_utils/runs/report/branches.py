"""The characters that trees of text are drawn with."""

from __future__ import annotations

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True, slots=True)
class Branches:
    """What stands before a branch, before the last one, and before the lines below either."""

    fork: str
    last: str
    line: str
    blank: str

    def ends(self, *, last: bool) -> tuple[str, str]:
        """What is drawn before a branch, and before the lines below it."""
        return (self.last, self.blank) if last else (self.fork, self.line)


UNICODE: Final = Branches("├─ ", "└─ ", "│  ", "   ")
ASCII: Final = Branches("|- ", "`- ", "|  ", "   ")
