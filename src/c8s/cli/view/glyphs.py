"""What a phase looks like: a sign and a colour."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Step
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase, StepStatus
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.branches import (
    ASCII,
    UNICODE,
    Branches,
)

STYLES: Mapping[Phase, str] = {
    Phase.PENDING: "dim",
    Phase.QUEUED: "dim",
    Phase.RUNNING: "cyan",
    Phase.SUCCEEDED: "green",
    Phase.FAILED: "red",
    Phase.CANCELLED: "magenta",
    Phase.SKIPPED: "dim",
}
ALLOWED_FAILURE = "yellow"


@dataclasses.dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs of one set of characters. `gauge` and `rest` draw how far a run is."""

    signs: Mapping[Phase, str]
    spinner: str
    branches: Branches
    gauge: str
    rest: str
    dot: str
    more: str

    def sign(self, phase: Phase, tick: int, *, live: bool = False) -> str:
        """One character; it moves with `tick` while something runs."""
        if live or phase is Phase.RUNNING:
            return self.spinner[tick % len(self.spinner)]
        return self.signs[phase]


FINE = Glyphs(
    {
        Phase.PENDING: "○",
        Phase.QUEUED: "◌",
        Phase.RUNNING: "●",
        Phase.SUCCEEDED: "✔",
        Phase.FAILED: "✘",
        Phase.CANCELLED: "■",
        Phase.SKIPPED: "⊘",
    },
    "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
    UNICODE,
    "━",
    "─",
    "·",
    "…",
)
PLAIN = Glyphs(
    {
        Phase.PENDING: ".",
        Phase.QUEUED: ",",
        Phase.RUNNING: "*",
        Phase.SUCCEEDED: "+",
        Phase.FAILED: "x",
        Phase.CANCELLED: "#",
        Phase.SKIPPED: "-",
    },
    "|/-\\",
    ASCII,
    "=",
    "-",
    "-",
    "...",
)


def glyphs_for(encoding: str) -> Glyphs:
    """The finest signs that a terminal of this encoding can show."""
    return FINE if encoding.lower().replace("-", "").startswith("utf") else PLAIN


def style_of(step: Step, status: StepStatus) -> str:
    """The colour of a step."""
    if status.phase is Phase.FAILED and step.allow_failure:
        return ALLOWED_FAILURE
    if status.live:
        return STYLES[Phase.RUNNING]
    return STYLES[status.phase]
