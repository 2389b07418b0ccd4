"""What is said beside a step while people watch: how long, and what is not as usual."""

from __future__ import annotations

import datetime

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Step
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import (
    Phase,
    Reason,
    StepStatus,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.table import note, took


def time_of(status: StepStatus, now: datetime.datetime) -> str:
    """How long the step took, or has taken."""
    if status.reason == Reason.REUSED or status.phase is Phase.SKIPPED:
        return ""
    return took(status.start_time, status.completion_time, now)


def note_of(step: Step, status: StepStatus) -> str:
    """A few words; none where all is as usual."""
    again = f"attempt {status.attempts}" if status.attempts > 1 else ""
    if status.live and status.phase is Phase.PENDING:
        return ", ".join(filter(None, ("preparing", again)))
    if status.phase is Phase.RUNNING:
        return again
    return note(step, status).removeprefix("ended with ")
