"""Why runs have failed, told with the end of the log."""

from __future__ import annotations

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.failure import (
    Failure,
    failures,
    shown_line,
)


def test_the_step_that_failed_is_told_with_the_end_of_its_log(runs, launch):
    found = failures(runs.records, launch("endings"), lines=1)
    expected = Failure(
        "endings-1", "bad", "Failed", "StepFailed", "ended with exit code 3", ("last",)
    )
    assert found == [expected]
    assert str(expected) == (
        "step 'bad' of run 'endings-1' is Failed (StepFailed: ended with exit code 3);"
        " its log ends with\n  last"
    )


def test_without_lines_the_log_is_not_told(runs, launch):
    (found,) = failures(runs.records, launch("endings"), lines=0)
    assert found.lines == ()
    assert "its log" not in str(found)


def test_a_good_run_has_none(runs, launch):
    assert failures(runs.records, launch("good")) == []


def test_of_a_matrix_the_failing_children_are_told(runs, launch):
    parent = launch("matrix")
    (found,) = failures(runs.records, parent)
    assert (found.step, found.lines) == ("only", ("bsd",))
    assert found.run in parent.status.matrix.children


def test_a_cancelled_run_is_told_itself(runs, asked):
    runs.interrupt("somebody")
    run = runs.launch(runs.orders([asked("good")]))[0].run
    (found,) = failures(runs.records, run)
    assert (found.step, found.phase) == ("", "Cancelled")
    assert str(found) == "run 'good-1' is Cancelled (CancelledBy: cancelled by somebody)"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain, ä and ✓\tstay", "plain, ä and ✓\tstay"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://example.com\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\text", "text"),
        ("over\rwritten\x08 \x9b1m\x00", "overwritten 1m"),
        ("\x1b]never ended", ""),
        ("x" * 501, "x" * 500 + "..."),
    ],
)
def test_what_acts_on_a_terminal_is_left_out(line: str, shown: str):
    assert shown_line(line) == shown
