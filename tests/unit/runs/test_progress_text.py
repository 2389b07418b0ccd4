"""Events as lines: what is said, what is not, and how much of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.progress_text import ProgressText


def event(kind: str = "step", at: float = 0, **told: Any) -> dict[str, Any]:
    return {"time": f"2026-01-01T00:00:{at:09.6f}Z", "event": kind, "run": "demo-1", **told}


def said(*events: dict[str, Any]) -> list[str]:
    text = ProgressText()
    return [line for one in events for line, _phase in text.lines(one, 0)]


def test_a_line_tells_time_phase_name_and_reason():
    begun = event("run", phase="Running", before="Pending")
    ended = event(
        at=2.5, step="test", phase="Failed", before="Running", seconds=2.25,
        message="ended with exit code 1\nmore of it",
    )  # fmt: skip
    assert said(begun, ended) == [
        "   0.0s  Running    demo-1",
        "   2.5s  Failed     demo-1/test  2.2s, ended with exit code 1",
    ]


@pytest.mark.parametrize(
    ("told", "note"),
    [
        ({"phase": "Failed", "allowFailure": True, "message": "no"}, "no, allowed to fail"),
        ({"phase": "Failed", "reason": "Timeout"}, "Timeout"),
        ({"phase": "Succeeded", "allowFailure": True}, ""),
        ({"phase": "Running", "attempt": 2}, "attempt 2"),
        ({"phase": "Running", "attempt": 1}, ""),
        ({"phase": "Skipped", "seconds": 0.0, "message": "not wanted"}, "not wanted"),
    ],
)
def test_what_is_not_as_usual_is_told(told: dict[str, Any], note: str):
    (line,) = said(event(step="test", before="Pending", **told))
    assert line.partition("demo-1/test")[2].strip() == note


def test_a_step_that_is_only_being_prepared_goes_without_saying():
    assert said(event(step="test", phase="Pending", before="Pending")) == []


def test_runs_of_a_matrix_are_named_by_their_values():
    child = {"run": "demo-1-5f", "parent": "demo-1", "matrixIndex": {"os": "linux", "x": True}}
    made = event("run", phase="Pending", **child)
    begun = event(step="test", phase="Running", before="Pending", **child)
    assert said(made, begun) == ["   0.0s  Running    demo-1 (linux, true)/test"]


def test_a_notice_is_told_as_it_is():
    assert said(event("notice", message="it goes on")) == ["   0.0s  it goes on"]


def test_a_flood_is_counted_and_the_rest_told_when_there_is_room():
    text = ProgressText(burst=3, per_second=2)
    step = event(step="test", phase="Running", before="Pending")

    def lines(now: float) -> list[str]:
        return [line.strip() for line, _phase in text.lines(step, now)]

    assert [len(lines(10)) for _number in range(5)] == [1, 1, 1, 0, 0]
    assert lines(10.5)[0] == "... 2 more changes ..."
    assert lines(10.6) == []
    assert [line.strip() for line, _phase in text.rest()] == ["... 1 more changes ..."]
    assert list(text.rest()) == []
    assert [len(lines(1000)) for _number in range(4)] == [1, 1, 1, 0]


def test_a_line_comes_with_its_phase():
    (line,) = ProgressText().lines(event(step="test", phase="Failed", before="Running"), 0)
    assert line[1] == "Failed"
