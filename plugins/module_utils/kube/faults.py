"""What a Kubernetes API answered, as an error of ours that says what to do."""

from __future__ import annotations

import json
from typing import Any

from ..core.errors import C8sError, Conflict, Denied, InvalidInput, NotFound, Problem, Unavailable

# Server-side apply says 500 to fields that the kind does not have.
_UNTYPED = "failed to create typed patch object"


class AlreadyExists(Conflict):
    """An object of that name is there; whose it is has to be looked at."""


class FieldConflict(Conflict):
    """Server-side apply met fields that belong to others: `owners` as (manager, field)."""

    def __init__(self, message: str, owners: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message)
        self.owners = owners


class Expired(Conflict):
    """The resource version or continue token is too old: list anew."""


class QuotaExceeded(Denied):
    """A ResourceQuota leaves no room now; it may later."""


class Uncertain(Unavailable):
    """A write was cut off before its answer came: it may have been carried out or not."""


class Throttled(Unavailable):
    """The API asks to come back later, in `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def status_of(body: bytes) -> dict[str, Any]:
    """The Status object that an answer of the API holds, or one made from its text."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if isinstance(found, dict) and (found.get("kind") == "Status" or "message" in found):
        return found
    text = " ".join(body.decode(errors="replace").split())
    return {"message": text[:500]}


def error_of(code: int, body: bytes, doing: str, retry_after: float = 0.0) -> C8sError:
    """The error for an answer that is no success.

    `doing` completes the sentence "cannot ..."; `retry_after` is the header's value in seconds.
    """
    return error_of_status(status_of(body) | {"code": code}, doing, retry_after)


def error_of_status(status: dict[str, Any], doing: str, retry_after: float = 0.0) -> C8sError:
    """The error for a Status object (of an answer, or of a watch's ERROR event)."""
    code = int(status.get("code") or 0)
    said = str(status.get("message") or status.get("reason") or f"HTTP {code}")
    reason = str(status.get("reason") or "")
    message = f"cannot {doing}: {said}"
    if code == 401:
        return Denied(f"{message}: the API server does not accept these credentials ({code})")
    if code == 403:
        kind = QuotaExceeded if "exceeded quota" in said else Denied
        return kind(message)
    if code == 404:
        return NotFound(message)
    if code == 409:
        return _conflict(status, message, reason)
    if code == 410:
        return Expired(message)
    if code == 429:
        return Throttled(message, retry_after or _details_retry(status))
    if code in (400, 405, 406, 413, 415, 422) or _UNTYPED in said:
        return _invalid(status, doing, message)
    return Unavailable(f"{message} ({code or 'no status'})")


def _conflict(status: dict[str, Any], message: str, reason: str) -> Conflict:
    if reason == "AlreadyExists":
        return AlreadyExists(message)
    owners = tuple(
        (_manager(cause.get("message", "")), str(cause.get("field", "")))
        for cause in _causes(status)
        if cause.get("reason") == "FieldManagerConflict"
    )
    if not owners:
        return Conflict(message)
    named = ", ".join(f"{field} ({manager})" for manager, field in owners)
    doing = message.split(":", 1)[0]
    return FieldConflict(
        f"{doing}: these fields belong to others: {named}; leave them out, or force to take them",
        owners,
    )


def _manager(said: str) -> str:
    """The name out of `conflict with "kubectl" using apps/v1`."""
    parts = said.split('"')
    return parts[1] if len(parts) > 2 else said


def _invalid(status: dict[str, Any], doing: str, message: str) -> InvalidInput:
    problems = [
        Problem(str(cause.get("message", "")), path=str(cause.get("field", "")))
        for cause in _causes(status)
        if cause.get("field")
    ]
    if not problems:
        return InvalidInput(message)
    return InvalidInput(Problem(f"cannot {doing}: the API server refuses it"), *problems)


def _causes(status: dict[str, Any]) -> list[dict[str, Any]]:
    details = status.get("details") or {}
    return [cause for cause in details.get("causes") or () if isinstance(cause, dict)]


def _details_retry(status: dict[str, Any]) -> float:
    details = status.get("details") or {}
    return float(details.get("retryAfterSeconds") or 0.0)
