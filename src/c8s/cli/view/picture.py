"""The picture of a launch as it goes: heading, steps or children, and how far it is.

It never is higher than the terminal: what matters less makes room for what matters more.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
from collections.abc import Callable, Iterator, Sequence

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.matrix import label
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Step
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase, StepStatus
from ansible_collections.c8s.ci.plugins.module_utils.runs.table import revision, took
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from . import step_line
from .board import Board, Child
from .glyphs import ALLOWED_FAILURE, STYLES, Glyphs, style_of
from .layout import Place, layout

TICKS_PER_SECOND = 10
_MARGIN, _GAP = "  ", "   "
_TIME_WIDTH = 8
_BAR_WIDTH = 40
_BAR_STYLES = (
    STYLES[Phase.SUCCEEDED],
    STYLES[Phase.SKIPPED],
    ALLOWED_FAILURE,
    STYLES[Phase.CANCELLED],
    STYLES[Phase.FAILED],
)
_FRAME_LINES = 6
_LEAST_ROWS = 3
_LEAST_NAMES, _LEAST_REST = 16, 30
# What is let go first when there is too little room.
_LESS_AND_LESS = (
    Phase.RUNNING,
    Phase.FAILED,
    Phase.CANCELLED,
    Phase.PENDING,
    Phase.QUEUED,
    Phase.SUCCEEDED,
    Phase.SKIPPED,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A line of the picture: the phase it stands for, when that began, and its parts.

    `prefix` are the branches before it; they mean nothing where lines are left out.
    """

    phase: Phase
    style: str
    since: datetime.datetime | None
    head: Text
    time: str
    note: Text
    prefix: str = ""


class Picture:
    """Draws a board anew each time it is asked to."""

    def __init__(
        self,
        board: Board,
        glyphs: Glyphs,
        place: str,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._board = board
        self._glyphs = glyphs
        self._place = place
        self._clock = clock
        self._places: dict[str, tuple[tuple[Step, ...], tuple[Place, ...]]] = {}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        now = self._clock()
        heads = self._board.heads()
        room = max(_LEAST_ROWS, (console.height - 1) // max(1, len(heads)) - _FRAME_LINES)
        for run in heads:
            yield from self._run(run, now, options.max_width, room)

    def _run(self, run: Run, now: datetime.datetime, width: int, room: int) -> Iterator[Text]:
        children = self._board.children(run)
        rows = self._child_rows(children, now, width) if children else self._step_rows(run, now)
        yield Text("")
        yield _cut(self._heading(run), width)
        yield Text("")
        yield from self._fitted(rows, width, room)
        yield Text("")
        yield _cut(self._footing(run, rows, now, width), width)

    # --- heading and footing -------------------------------------------------------------------

    def _heading(self, run: Run) -> Text:
        dot = f" {self._glyphs.dot} "
        heading = Text(_MARGIN).append(run.name, "bold")
        for part, style in ((revision(run), "blue"), (self._place, "dim")):
            if part:
                heading.append(dot, "dim").append(part, style)
        subject = run.trigger.message.splitlines()[0] if run.trigger.message else ""
        return heading.append(f"{dot}{subject}", "dim") if subject else heading

    def _footing(self, run: Run, rows: Sequence[Row], now: datetime.datetime, width: int) -> Text:
        done = sum(row.phase.terminal for row in rows)
        status = run.status
        start = status.start_time or run.created_at
        footing = Text(_MARGIN).append_text(self._bar(rows, min(_BAR_WIDTH, width // 3)))
        if run.is_matrix_parent:
            done = sum(row.phase is Phase.SUCCEEDED for row in rows)
        footing.append(f"  {done}/{len(rows)}" + (" succeeded" * run.is_matrix_parent))
        footing.append(f"  {took(start, status.completion_time, now)}")
        if status.phase.terminal:
            footing.append(f"  {status.phase}", STYLES[status.phase])
        elif self._board.stopping:
            footing.append("  stopping; Ctrl-C again ends it at once", "yellow")
        return footing

    def _bar(self, rows: Sequence[Row], width: int) -> Text:
        """A part of the bar for each way in which things ended, and a rest."""
        counts = collections.Counter(row.style for row in rows if row.phase.terminal)
        drawn = Text()
        for style in _BAR_STYLES:
            part = round(width * counts[style] / max(1, len(rows)))
            drawn.append(self._glyphs.gauge * part, "green dim" if style == "dim" else style)
        drawn.truncate(width)
        return drawn.append(self._glyphs.rest * (width - len(drawn)), "dim")

    # --- rows ----------------------------------------------------------------------------------

    def _step_rows(self, run: Run, now: datetime.datetime) -> list[Row]:
        steps, statuses = run.pipeline.steps, run.status.steps
        rows = []
        for place in self._layout(run):
            step, status = steps[place.step], statuses[place.step]
            style = style_of(step, status)
            head = Text().append(self._sign(status, now), style)
            head.append(f" {step.name}", "dim" if style == "dim" else "")
            note = step_line.note_of(step, status)
            if not note and place.also_after and status.phase is Phase.PENDING:
                note = f"also after {', '.join(place.also_after)}"
            noted = Text(note, style if status.phase is Phase.FAILED else "dim")
            time = step_line.time_of(status, now)
            phase = Phase.RUNNING if status.live else status.phase
            since = status.completion_time or status.start_time
            rows.append(Row(phase, style, since, head, time, noted, place.prefix))
        return rows

    def _layout(self, run: Run) -> tuple[Place, ...]:
        known = self._places.get(run.name)
        if known is None or known[0] is not run.pipeline.steps:
            steps = run.pipeline.steps
            known = self._places[run.name] = (steps, layout(steps, self._glyphs.branches))
        return known[1]

    def _child_rows(
        self, children: Sequence[Child], now: datetime.datetime, width: int
    ) -> list[Row]:
        heads = []
        for child in children:
            phase = child.run.status.phase if child.run else Phase.PENDING
            head = Text().append(self._glyphs.sign(phase, self._tick(now)), STYLES[phase])
            heads.append(head.append(f" {label(child.values)}", "" if child.run else "dim"))
        room = width - len(_MARGIN) - _names_width(heads, width) - _TIME_WIDTH - len(_GAP)
        rows = []
        for child, head in zip(children, heads, strict=True):
            status = child.run.status if child.run else None
            phase = status.phase if status else Phase.PENDING
            time = took(status.start_time, status.completion_time, now) if status else ""
            note = self._inline(child.run, now, room) if child.run else Text("")
            since = status.start_time if status else None
            rows.append(Row(phase, STYLES[phase], since, head, time, note))
        return rows

    def _inline(self, run: Run, now: datetime.datetime, width: int) -> Text:
        """The steps of a child in one line: with names where there is room, else signs alone."""
        signs, named = Text(), Text()
        for step, status in zip(run.pipeline.steps, run.status.steps, strict=True):
            style = style_of(step, status)
            sign = self._sign(status, now)
            signs.append(sign, style)
            named.append(sign, style).append(f" {step.name}  ", "dim" if style == "dim" else "")
        named.rstrip()
        return named if len(named) <= width else signs

    def _sign(self, status: StepStatus, now: datetime.datetime) -> str:
        return self._glyphs.sign(status.phase, self._tick(now), live=status.live)

    def _tick(self, now: datetime.datetime) -> int:
        return int(now.timestamp() * TICKS_PER_SECOND)

    # --- room ----------------------------------------------------------------------------------

    def _fitted(self, rows: Sequence[Row], width: int, room: int) -> Iterator[Text]:
        shown = list(range(len(rows)))
        if len(rows) > room:
            shown = sorted(sorted(shown, key=lambda index: _rank(rows[index]))[: room - 1])
        heads = [_head(rows[index], whole=len(shown) == len(rows)) for index in shown]
        names = _names_width(heads, width)
        for index, head in zip(shown, heads, strict=True):
            head.truncate(names, overflow="ellipsis", pad=True)
            line = Text(_MARGIN).append_text(head)
            line.append(rows[index].time.rjust(_TIME_WIDTH), "dim")
            yield _cut(line.append(_GAP).append_text(rows[index].note), width)
        hidden = collections.Counter(row.phase for row in rows)
        hidden.subtract(rows[index].phase for index in shown)
        if +hidden:
            told = ", ".join(f"{count} {phase.lower()}" for phase, count in (+hidden).items())
            more = f"{_MARGIN}{self._glyphs.more} {hidden.total()} more: {told}"
            yield _cut(Text(more, "dim"), width)


def _names_width(heads: Sequence[Text], width: int) -> int:
    """How wide the names may be beside times and notes."""
    longest = max((head.cell_len for head in heads), default=0)
    return min(max(longest, _LEAST_NAMES), max(_LEAST_NAMES, width - _LEAST_REST))


def _rank(row: Row) -> tuple[int, float]:
    """What comes first is shown first: what matters now, and of that the latest."""
    since = -row.since.timestamp() if row.since and row.phase.terminal else 0.0
    return _LESS_AND_LESS.index(row.phase), since


def _head(row: Row, *, whole: bool) -> Text:
    return Text().append(row.prefix if whole else "", "dim").append_text(row.head)


def _cut(line: Text, width: int) -> Text:
    line.no_wrap = True
    line.truncate(width, overflow="ellipsis")
    return line
