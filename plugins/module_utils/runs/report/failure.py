"""Why a run did not succeed, in the words and log lines that a person wants to see first."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from ...core.errors import NotFound, Unavailable
from ...pipeline.record import from_record
from ...pipeline.run import Run
from ...pipeline.status import Phase
from ...storage.lines import last_lines
from .. import inspection
from ..inspection import KeptRuns

LINES = 20
_LONGEST_LINE = 500
# What acts on a terminal instead of being shown: CSI and OSC sequences, other control characters.
_UNSHOWN = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """A step that failed its run, or without a `step` the run itself.

    `lines` are the last of its masked log, fit to be shown.
    """

    run: str
    step: str
    phase: str
    reason: str
    message: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = f"step {self.step!r} of run {self.run!r}" if self.step else f"run {self.run!r}"
        why = ": ".join(part for part in (self.reason, self.message) if part)
        told = f"{what} is {self.phase}" + (f" ({why})" if why else "")
        if not self.lines:
            return told
        return "\n".join([f"{told}; its log ends with", *(f"  {line}" for line in self.lines)])

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**dataclasses.asdict(self), "lines": list(self.lines)}


def failures(store: KeptRuns, run: Run, lines: int = LINES) -> list[Failure]:
    """Every step that made the run fail; the run itself where no step did.

    For the parent of a matrix those of its children. Empty for a run that succeeded or goes on.
    """
    if not run.status.phase.terminal or run.status.phase is Phase.SUCCEEDED:
        return []
    matrix = run.status.matrix
    if matrix is not None:
        children = [from_record(store.read(name)) for name in matrix.children]
        found = [failure for child in children for failure in failures(store, child, lines)]
    else:
        found = list(_of_steps(store, run, lines))
    if found:
        return found
    status = run.status
    return [Failure(run.name, "", str(status.phase), status.reason, status.message)]


def _of_steps(store: KeptRuns, run: Run, lines: int) -> Iterator[Failure]:
    for status in run.status.steps:
        if status.phase is Phase.FAILED and not run.pipeline.step(status.name).allow_failure:
            yield Failure(
                run.name,
                status.name,
                str(status.phase),
                status.reason,
                status.message,
                _last_lines(store, run.name, status.name, lines),
            )


def _last_lines(store: KeptRuns, run: str, step: str, count: int) -> tuple[str, ...]:
    try:
        with inspection.stored_log(store, run, step).open() as stream:
            content = last_lines(stream, count)
    except NotFound:
        return ()  # It failed before it could print anything.
    except Unavailable as error:
        return (f"[c8s: its log cannot be read now: {error}]",)
    return tuple(shown_line(line) for line in content.decode(errors="replace").splitlines())


def shown_line(line: str) -> str:
    """A line of a log without what acts on a terminal, and not longer than anybody reads."""
    clean = _UNSHOWN.sub("", line)
    return clean if len(clean) <= _LONGEST_LINE else f"{clean[:_LONGEST_LINE]}..."
