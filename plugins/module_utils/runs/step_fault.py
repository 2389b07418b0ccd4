"""Why an attempt of a step cannot go on, raised where that is known."""

from __future__ import annotations


class StepFault(Exception):
    """An attempt cannot go on, for `reason`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
