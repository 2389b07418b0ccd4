"""The picture of a launch: true, and never larger than the terminal."""

from __future__ import annotations

import dataclasses
import io

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.matrix import child_name
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import (
    MatrixStatus,
    Phase,
    Reason,
    StepStatus,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import RunChanged
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from c8s.cli.view.board import Board
from c8s.cli.view.glyphs import FINE, PLAIN, Glyphs, glyphs_for
from c8s.cli.view.picture import Picture
from sample_runs import ended, in_phase, later, pipeline_text, run_of

GRAPH = {"lint": [], "test": [], "build": ["lint", "test"], "ship": ["build"]}
LIVE = StepStatus("build", Phase.RUNNING, attempts=1, start_time=later(5))


def drawn(
    board: Board, *, width: int = 80, height: int = 40, glyphs: Glyphs = FINE, seconds: float = 9
) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(Picture(board, glyphs, "local", lambda: later(seconds)))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().rstrip("\n").split("\n")]


def row(head: str, time: str = "", note: str = "") -> str:
    """A line of the picture, with names as narrow as they get."""
    return f"  {head:<16}{time:>8}   {note}".rstrip()


def board_of(*runs: Run) -> Board:
    board = Board()
    for run in runs:
        board.take(RunChanged(run, None))
    return board


def test_a_run_on_its_way():
    run = run_of(pipeline_text(GRAPH), ended("lint"), ended("test"), LIVE)
    assert drawn(board_of(in_phase(run, Phase.RUNNING))) == [
        "",
        "  demo-1 · main@1a2b3c4 · local · Do it",
        "",
        row("✔ lint", "2.0s"),
        row("└─ ⠋ build", "4.0s"),
        row("   └─ ○ ship"),
        row("✔ test", "2.0s"),
        "",
        f"  {'━' * 13}{'─' * 13}  2/4  9.0s",
    ]


def test_what_is_not_as_usual_is_said():
    steps = [
        ended("lint", Phase.FAILED, exit_code=3, message="ended with exit code 3"),
        StepStatus("test", attempts=1),
        StepStatus("build", Phase.SKIPPED, message="'lint' is Failed"),
        StepStatus("ship", Phase.CANCELLED, message="cancelled by ada"),
    ]
    lines = drawn(board_of(run_of(pipeline_text(GRAPH), *steps)))
    assert lines[3:7] == [
        row("✘ lint", "2.0s", "exit code 3"),
        row("└─ ⊘ build", "", "'lint' is Failed"),
        row("   └─ ■ ship", "", "cancelled by ada"),
        row("⠋ test", "", "preparing"),
    ]


def test_attempts_and_what_was_taken_over():
    steps = [
        dataclasses.replace(LIVE, name="lint", attempts=2, failures=1),
        ended("test", attempts=3, failures=2),
        ended("build", reason=Reason.REUSED),
    ]
    lines = drawn(board_of(run_of(pipeline_text(GRAPH), *steps)))
    assert row("⠋ lint", "4.0s", "attempt 2") in lines
    assert row("✔ test", "2.0s", "at attempt 3") in lines
    assert row("└─ ✔ build", "", "Reused") in lines


def test_a_step_that_may_fail():
    text = pipeline_text({"lint": []})
    allowed = text.replace('"name": "lint"', '"name": "lint", "allowFailure": true')
    run = run_of(allowed, ended("lint", Phase.FAILED, message="ended with exit code 1"))
    assert row("✘ lint", "2.0s", "exit code 1; allowed to fail") in drawn(board_of(run))


def test_a_step_that_waits_for_others_beside_the_one_above():
    assert row("└─ ○ build", "", "also after test") in drawn(board_of(run_of(pipeline_text(GRAPH))))


def test_the_end():
    run = run_of(pipeline_text({"a": []}), ended("a"))
    lines = drawn(board_of(in_phase(run, Phase.SUCCEEDED)), seconds=99)
    assert lines[-1] == f"  {'━' * 26}  1/1  10s  Succeeded"


def test_being_stopped():
    board = board_of(in_phase(run_of(pipeline_text(GRAPH)), Phase.RUNNING))
    board.stopping = True
    assert drawn(board)[-1].endswith("stopping; Ctrl-C again ends it at once")


def grid(*phases: Phase) -> Board:
    """A matrix of as many runs, of which those without a phase are not made yet."""
    systems = ["linux", "mac", "bsd"]
    text = pipeline_text({"lint": [], "test": ["lint"]}, matrix={"dimensions": {"os": systems}})
    parent = run_of(text, name="grid")
    matrix = MatrixStatus(succeeded=phases.count(Phase.SUCCEEDED))
    runs = [in_phase(parent, Phase.RUNNING, matrix=matrix, steps=())]
    for system, phase in zip(systems, phases, strict=False):
        values = {"os": system}
        steps = [ended("lint"), ended("test", phase) if phase.terminal else LIVE]
        child = run_of(
            text, *steps, name=child_name("grid", values), parent="grid", matrix_values=values
        )
        runs.append(in_phase(child, phase))
    return board_of(*runs)


def test_a_matrix_in_lines_of_its_runs():
    assert drawn(grid(Phase.SUCCEEDED, Phase.FAILED)) == [
        "",
        "  grid · main@1a2b3c4 · local · Do it",
        "",
        row("✔ os=linux", "10s", "✔ lint  ✔ test"),
        row("✘ os=mac", "10s", "✔ lint  ✘ test"),
        row("○ os=bsd"),
        "",
        f"  {'━' * 18}{'─' * 8}  1/3 succeeded  9.0s",
    ]


def test_where_names_have_no_room():
    assert row("✔ os=linux", "10s", "✔✔") in drawn(grid(Phase.SUCCEEDED), width=34)


def test_where_there_is_no_unicode():
    run = run_of(pipeline_text(GRAPH), ended("lint"), ended("test"), LIVE)
    text = "\n".join(drawn(board_of(in_phase(run, Phase.RUNNING)), glyphs=PLAIN))
    assert text.isascii()
    assert "+ lint" in text
    assert "`- | build" in text


@pytest.mark.parametrize(
    ("encoding", "glyphs"), [("utf-8", FINE), ("UTF8", FINE), ("ascii", PLAIN), ("latin-1", PLAIN)]
)
def test_signs_fit_the_terminal(encoding: str, glyphs: Glyphs):
    assert glyphs_for(encoding) is glyphs
    for sign in (*FINE.signs.values(), *FINE.spinner, FINE.gauge, FINE.rest, FINE.more):
        assert len(sign) == 1


def many(count: int, done: int, running: int) -> Run:
    """A chain of steps: some ended, then some that run."""
    graph = {f"step-{n}": [f"step-{n - 1}"] if n else [] for n in range(count)}
    steps = [ended(f"step-{n}", completion_time=later(n)) for n in range(done)]
    steps += [dataclasses.replace(LIVE, name=f"step-{n}") for n in range(done, done + running)]
    return in_phase(run_of(pipeline_text(graph), *steps), Phase.RUNNING)


def test_what_matters_is_shown_and_the_rest_is_counted():
    lines = drawn(board_of(many(500, 300, 4)), height=20)
    assert len(lines) < 20
    text = "\n".join(lines)
    for number in range(300, 304):
        assert f"⠋ step-{number}" in text
    assert "more: 300 succeeded" in text
    assert "─ " not in text.partition("more:")[0]
    assert "300/500" in lines[-1]


@given(
    width=st.integers(20, 200),
    height=st.integers(5, 60),
    count=st.integers(1, 60),
    share=st.floats(0, 1),
)
def test_it_never_outgrows_the_terminal(width: int, height: int, count: int, share: float):
    done = int(count * share)
    lines = drawn(board_of(many(count, done, min(3, count - done))), width=width, height=height)
    assert max(len(line) for line in lines) <= width
    assert len(lines) <= max(height, 10) - 1 or height < 10


def test_a_child_without_its_parent_stands_for_itself():
    text = pipeline_text({"a": []}, matrix={"dimensions": {"os": ["linux"]}})
    child = run_of(text, name="x", parent="unknown", matrix_values={"os": "linux"})
    assert "x ·" in drawn(board_of(child))[1]


def test_colours_are_those_of_the_phase_and_end_with_the_sign():
    steps = [ended("lint"), ended("test", Phase.FAILED), LIVE]
    console = Console(file=io.StringIO(), width=80, height=40, force_terminal=True)
    board = board_of(in_phase(run_of(pipeline_text(GRAPH), *steps), Phase.RUNNING))
    console.print(Picture(board, FINE, "local", lambda: later(9)))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "\x1b[32m✔\x1b[0m lint" in shown
    assert "\x1b[31m✘\x1b[0m test" in shown
    assert "\x1b[36m⠋\x1b[0m build" in shown
    assert "\x1b[32m━━━━━━\x1b[0m\x1b[31m━━━━━━\x1b[0m\x1b[2m──────────────\x1b[0m" in shown
