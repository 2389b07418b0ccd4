"""Durations as people write them: `1h30m`, `90s`."""

from __future__ import annotations

import re

from .errors import InvalidInput

# The regular expressions of JSON schema editors and of the API server's (RE2) both take this one:
# falling units, each at most once, and a digit other than 0 somewhere.
PATTERN = (
    r"^(0*[1-9][0-9]*h([0-9]+m)?([0-9]+s)?"
    r"|([0-9]+h)?0*[1-9][0-9]*m([0-9]+s)?"
    r"|([0-9]+h)?([0-9]+m)?0*[1-9][0-9]*s)$"
)
TEXT_LIMIT = 24
LIMIT = 10 * 365 * 24 * 3600
FORM = "a duration such as 90s, 5m or 1h30m: hours, minutes and seconds in this order, above zero"

_DURATION = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")


def seconds(text: str) -> int:
    """Whole seconds of a duration: one or more of `<n>h`, `<n>m`, `<n>s` in falling order.

    Raises InvalidInput where the text is no duration, is zero, or is above ten years.
    """
    match = _DURATION.fullmatch(text) if 0 < len(text) <= TEXT_LIMIT else None
    if match is None:
        raise InvalidInput(f"{text[:TEXT_LIMIT]!r} is not {FORM}")
    hours, minutes, rest = (int(number or 0) for number in match.groups())
    total = hours * 3600 + minutes * 60 + rest
    if total == 0:
        raise InvalidInput(f"{text!r} is zero; write {FORM}")
    if total > LIMIT:
        raise InvalidInput(f"{text!r} is more than ten years (87600h), the longest allowed")
    return total


def format_duration(total: int) -> str:
    """`5400` as `1h30m`; zero as `0s`. `seconds` reads back whatever is above zero."""
    hours, rest = divmod(total, 3600)
    minutes, rest = divmod(rest, 60)
    parts = (f"{hours}h" if hours else "", f"{minutes}m" if minutes else "")
    return "".join(parts) + (f"{rest}s" if rest or not total else "")
