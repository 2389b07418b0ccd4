"""What has become of runs, as data."""

from __future__ import annotations

import json

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import NotFound
from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.account import (
    account,
    failure_message,
)


def test_an_account_is_json_and_has_everything(runs, launch):
    for pipeline in ("good", "endings", "matrix"):
        launch(pipeline)
    told = account(runs.records, ["endings-1", "many-1", "good-1"], utc_now(), lines=1)
    assert json.loads(json.dumps(told)) == told
    assert [run["metadata"]["name"] for run in told["runs"]] == ["endings-1", "many-1", "good-1"]
    assert [child["spec"]["parent"] for child in told["children"]] == ["many-1", "many-1"]
    assert all("pipeline" not in child["spec"] for child in told["children"])
    assert [failure["lines"] for failure in told["failures"]] == [["last"], ["bsd"]]
    assert told["store"] == str(runs.records.root)
    assert len(told["table"].splitlines()) == 4
    assert len(told["steps_table"].splitlines()) == 1 + 5 + 3 + 1


def test_no_runs_are_an_account_too(runs):
    told = account(runs.records, [], utc_now())
    assert (told["runs"], told["failures"], told["table"]) == ([], [], "")


def test_an_unknown_run_is_said(runs):
    with pytest.raises(NotFound, match="'gone'"):
        account(runs.records, ["gone"], utc_now())


def test_many_failures_are_not_all_told():
    failure = {
        "run": "r",
        "step": "s",
        "phase": "Failed",
        "reason": "",
        "message": "",
        "lines": ["x"],
    }
    lines = failure_message([failure] * 7).splitlines()
    assert len(lines) == 2 * 5 + 1
    assert lines[-1] == "and 2 more"
    assert failure_message([failure], with_lines=False) == "step 's' of run 'r' is Failed"
