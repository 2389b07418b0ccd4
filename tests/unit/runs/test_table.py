"""Runs and steps in columns."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
from ansible_collections.c8s.ci.plugins.module_utils.runs.table import (
    brief,
    columns,
    runs_table,
    steps_table,
    took,
)

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def test_runs_have_a_line_each(launch):
    table = runs_table([launch("good"), launch("endings")], utc_now()).splitlines()
    assert table[0].split() == ["RUN", "PHASE", "DONE", "REVISION", "CREATED", "TOOK"]
    assert table[1].split()[:3] == ["good-1", "Succeeded", "1/1"]
    assert table[2].split()[:3] == ["endings-1", "Failed", "1/4"]
    assert table[2].endswith("step 'bad': ended with exit code 3")


def test_steps_have_a_line_each_with_what_there_is_to_know(launch):
    lines = steps_table([launch("endings")], {}, utc_now()).splitlines()
    steps = [line[len("endings-1  ") :].split()[0] for line in lines]
    assert steps == ["STEP", "good", "bad", "behind", "allowed", "elsewhere"]
    assert lines[1].startswith("endings-1  good")
    assert lines[4].endswith("ended with exit code 4; allowed to fail")
    assert lines[5].endswith("when.branch: the run has no branch, and main is wanted")


def test_the_steps_of_a_matrix_stand_below_their_values(runs, launch):
    parent = launch("matrix")
    children = {name: runs.named(name) for name in parent.status.matrix.children}
    lines = steps_table([parent], children, utc_now()).splitlines()
    assert [line.split()[0] for line in lines] == ["RUN", "many-1", "system=linux", "system=bsd"]
    assert "1/2 succeeded" in lines[1]
    assert lines[2].split()[1:3] == ["only", "Succeeded"]
    assert lines[3].split()[1:3] == ["only", "Failed"]


def test_nothing_has_no_table():
    assert runs_table([], NOW) == steps_table([], {}, NOW) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0.0s"), (0.04, "0.0s"), (9.94, "9.9s"), (9.96, "10s"), (59.6, "1m00s"), (185, "3m05s"),
     (3599.6, "1h00m"), (7620, "2h07m")],
)  # fmt: skip
def test_times_are_brief(seconds: float, text: str):
    assert brief(seconds) == text


def test_what_goes_on_is_timed_until_now():
    begin = NOW - datetime.timedelta(seconds=5)
    assert took(begin, None, NOW) == "5.0s"
    assert took(begin, begin, NOW) == "0.0s"
    assert took(None, None, NOW) == ""


def test_columns_are_as_wide_as_their_widest_cell():
    assert columns([("a", "b"), ("long", "")]) == "a     b\nlong"
