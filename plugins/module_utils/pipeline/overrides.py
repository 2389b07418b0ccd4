"""What an administrator permits beyond the sandbox."""

from __future__ import annotations

import dataclasses

from ..core.errors import InvalidInput
from .matrix import COMBINATION_LIMIT
from .step_schema import POD_FIELDS


@dataclasses.dataclass(frozen=True, slots=True)
class Overrides:
    """`fields` of steps that reach past the sandbox, and how many combinations a matrix may have.

    Raises InvalidInput for a field that is none of these.
    """

    fields: frozenset[str] = frozenset()
    combinations: int = COMBINATION_LIMIT

    def __post_init__(self) -> None:
        unknown = sorted(self.fields.difference(POD_FIELDS))
        if unknown:
            known = ", ".join(POD_FIELDS)
            raise InvalidInput(f"{unknown[0]!r} cannot be allowed; there are {known}")


NONE = Overrides()
EVERYTHING = Overrides(frozenset(POD_FIELDS), 10**6)
