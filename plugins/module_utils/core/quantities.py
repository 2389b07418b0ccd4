"""Kubernetes quantities in exact decimal arithmetic.

The grammar is that of k8s.io/apimachinery's `resource.Quantity`: a signed decimal number with a
binary suffix (Ki .. Ei), a decimal suffix (n, u, m, k .. E) or a decimal exponent.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from decimal import Decimal

from .errors import InvalidInput

# An amount that can be asked for: the same grammar without a sign below zero.
PATTERN = r"^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$"
FORM = "a quantity, such as 500m, 2, 1.5, 512Mi or 1Gi"

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))"
    r"(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?"
)
_BINARY = {f"{letter}i": Decimal(1024) ** (n + 1) for n, letter in enumerate("KMGTPE")}
_DECIMAL = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
}
NUMBER_LENGTH_LIMIT = 64


@functools.lru_cache(maxsize=1024)
def quantity(text: str) -> Decimal:
    """The exact value of a quantity in base units (cores, bytes).

    Raises InvalidInput where the text does not follow the grammar.
    """
    match = _QUANTITY.fullmatch(text) if len(text) <= NUMBER_LENGTH_LIMIT else None
    if match is None:
        raise InvalidInput(
            f"{text[:NUMBER_LENGTH_LIMIT]!r} is no quantity; write a number with an optional"
            " suffix, such as 500m, 2, 1.5, 512Mi or 1Gi"
        )
    number, suffix = Decimal(match["number"]), match["suffix"] or ""
    if suffix in _BINARY:
        return number * _BINARY[suffix]
    if suffix in _DECIMAL:
        return number * _DECIMAL[suffix]
    return number.scaleb(int(suffix[1:]))


@dataclasses.dataclass(frozen=True, slots=True)
class Resources:
    """Amounts of the three resources a step may ask for, in cores and bytes; None: not asked."""

    cpu: Decimal | None = None
    memory: Decimal | None = None
    ephemeral_storage: Decimal | None = None

    @classmethod
    def of(cls, cpu: str = "", memory: str = "", ephemeral_storage: str = "") -> Resources:
        """From quantities as they are written; InvalidInput where one is none."""
        return cls(
            quantity(cpu) if cpu else None,
            quantity(memory) if memory else None,
            quantity(ephemeral_storage) if ephemeral_storage else None,
        )

    def manifest(self) -> dict[str, str]:
        """As Kubernetes writes them; cpu in millicores where it is no whole number of cores."""
        entries = {
            "cpu": None if self.cpu is None else format_cpu(self.cpu),
            "memory": None if self.memory is None else format_bytes(self.memory),
            "ephemeral-storage": None
            if self.ephemeral_storage is None
            else format_bytes(self.ephemeral_storage),
        }
        return {name: text for name, text in entries.items() if text is not None}


def format_cpu(cores: Decimal) -> str:
    """`2`, `500m`; finer than a millicore is rounded up, as the API server does."""
    millicores = int((cores * 1000).to_integral_value(rounding="ROUND_CEILING"))
    return str(millicores // 1000) if millicores % 1000 == 0 else f"{millicores}m"


def format_bytes(amount: Decimal) -> str:
    """The shortest exact form with a binary suffix, rounded up to a whole byte."""
    count = int(amount.to_integral_value(rounding="ROUND_CEILING"))
    for suffix in ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki"):
        size = int(_BINARY[suffix])
        if count and count % size == 0:
            return f"{count // size}{suffix}"
    return str(count)
