"""JSON to and from bytes, as compact as it goes over the wire."""

from __future__ import annotations

import json
from typing import Any


def decode(data: bytes) -> Any:
    """The value; ValueError for what is no JSON."""
    return json.loads(data)


def encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
