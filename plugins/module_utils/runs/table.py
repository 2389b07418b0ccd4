"""Runs and their steps in columns of text, for people."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence

from ..pipeline.matrix import label
from ..pipeline.run import Run
from ..pipeline.spec import Step
from ..pipeline.status import Phase, Reason, StepStatus

_SHORT_COMMIT = 7
_NOTE_LIMIT = 100


def runs_table(runs: Sequence[Run], now: datetime.datetime) -> str:
    """A line for each run; empty without any."""
    rows = [
        (
            run.name,
            str(run.status.phase),
            counted(run),
            revision(run),
            run.created_at.strftime("%Y-%m-%d %H:%M"),
            took(run.status.start_time, run.status.completion_time, now),
            _first(run.status.message),
        )
        for run in runs
    ]
    return columns([("RUN", "PHASE", "DONE", "REVISION", "CREATED", "TOOK", ""), *rows], bool(rows))


def steps_table(runs: Sequence[Run], children: Mapping[str, Run], now: datetime.datetime) -> str:
    """A line for each step of the runs, and of the children of those with a matrix."""
    rows = [row for run in runs for row in _steps(run, children, now)]
    return columns([("RUN", "STEP", "PHASE", "TOOK", ""), *rows], bool(rows))


def _steps(
    run: Run, children: Mapping[str, Run], now: datetime.datetime
) -> Iterator[tuple[str, ...]]:
    matrix = run.status.matrix
    if matrix is None and run.status.steps:
        for number, status in enumerate(run.status.steps):
            step = run.pipeline.step(status.name)
            name = "" if number else title(run)
            elapsed = took(status.start_time, status.completion_time, now)
            yield name, status.name, str(status.phase), elapsed, note(step, status)
        return
    elapsed = took(run.status.start_time, run.status.completion_time, now)
    yield run.name, "", str(run.status.phase), elapsed, _first(run.status.message)
    for name in matrix.children if matrix else ():
        yield from _steps(children[name], children, now)


def title(run: Run) -> str:
    """A run's name; of a child of a matrix its values, indented."""
    return f"  {label(run.matrix_values)}" if run.matrix_values else run.name


def counted(run: Run) -> str:
    """`3/5`: steps (of a matrix: runs) that have ended well, of all that are wanted."""
    matrix = run.status.matrix
    if matrix is not None:
        return f"{matrix.succeeded}/{len(matrix.children)}"
    wanted = [step for step in run.status.steps if step.reason != Reason.CONDITION_NOT_MET]
    return f"{sum(step.phase is Phase.SUCCEEDED for step in wanted)}/{len(wanted)}"


def revision(run: Run) -> str:
    """`main@1a2b3c4`."""
    trigger = run.trigger
    parts = (trigger.tag or trigger.branch, trigger.commit[:_SHORT_COMMIT])
    return "@".join(part for part in parts if part)


def note(step: Step, status: StepStatus) -> str:
    """What a person has to know of a step beside its phase, where there is anything."""
    message = _first(status.message) or status.reason
    if status.phase is Phase.FAILED and step.allow_failure:
        return f"{message}; allowed to fail"
    if status.phase is Phase.SUCCEEDED and status.attempts > 1:
        return f"at attempt {status.attempts}"
    return message


def took(
    start: datetime.datetime | None, end: datetime.datetime | None, now: datetime.datetime
) -> str:
    """How long it took, or has taken until now; empty for what has not begun."""
    return brief(((end or now) - start).total_seconds()) if start else ""


def brief(seconds: float) -> str:
    """`0.4s`, `12s`, `3m05s`, `2h07m`."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def columns(rows: Sequence[Sequence[str]], wanted: bool = True) -> str:
    """Rows as lines, each column as wide as its widest cell; empty where they are not `wanted`."""
    if not wanted:
        return ""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _first(text: str) -> str:
    line = text.splitlines()[0] if text else ""
    return line if len(line) <= _NOTE_LIMIT else f"{line[:_NOTE_LIMIT]}..."
