"""Ages, commits and amounts in the few characters that people want to read."""

from __future__ import annotations

_SHORT_COMMIT = 7
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def age(seconds: float) -> str:
    """`12s`, `5m`, `3h`, `4d`, as kubectl writes it."""
    whole = max(0, int(seconds))
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < 2 * _HOUR:
        return f"{whole // _MINUTE}m"
    if whole < 2 * _DAY:
        return f"{whole // _HOUR}h"
    return f"{whole // _DAY}d"


def revision(commit: str, branch: str, tag: str) -> str:
    """`main@1a2b3c4`."""
    return "@".join(part for part in (tag or branch, short(commit)) if part)


def short(commit: str) -> str:
    """The first seven digits of a commit."""
    return commit[:_SHORT_COMMIT]


def size(count: float) -> str:
    """Bytes with a binary suffix: `512 MiB`, `1.5 GiB`."""
    amount, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.4g} {unit}"


def plural(count: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
