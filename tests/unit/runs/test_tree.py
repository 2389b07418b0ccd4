"""Runs as a tree of text."""

from __future__ import annotations

import re

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.account import account
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.branches import ASCII, UNICODE
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.tree import tree


def drawn(runs, names: list[str], branches=UNICODE) -> list[str]:
    told = account(runs.records, names, utc_now())
    lines = tree(told["runs"], told["children"], branches, utc_now())
    return [re.sub(r"\d+\.\ds", "0.0s", line) for line, _phase in lines]


def test_steps_hang_below_their_run(runs, launch):
    launch("endings")
    assert drawn(runs, ["endings-1"]) == [
        "endings-1  Failed  0.0s",
        "├─ good       Succeeded   0.0s",
        "├─ bad        Failed      0.0s  ended with exit code 3",
        "├─ behind     Skipped           'bad' is Failed",
        "├─ allowed    Failed      0.0s  ended with exit code 4; allowed to fail",
        "└─ elsewhere  Skipped           when.branch: the run has no branch, and main is wanted",
    ]


def test_a_matrix_has_its_runs_as_branches(runs, launch):
    launch("matrix")
    assert drawn(runs, ["many-1"], ASCII) == [
        "many-1  Failed  0.0s",
        "|- (system=linux)  Succeeded  0.0s",
        "|  `- only  Succeeded   0.0s",
        "`- (system=bsd)  Failed  0.0s",
        "   `- only  Failed      0.0s  ended with exit code 1",
    ]


def test_lines_come_with_their_phase(runs, launch):
    launch("good")
    told = account(runs.records, ["good-1"], utc_now())
    lines = tree(told["runs"], told["children"], UNICODE, utc_now())
    assert [phase for _line, phase in lines] == ["Succeeded", "Succeeded"]


def test_what_is_no_record_is_refused():
    record = {"metadata": {"name": "x"}, "spec": {"pipeline": {}}}
    with pytest.raises(InvalidInput):
        tree([record], [], UNICODE, utc_now())
