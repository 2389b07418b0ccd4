"""Events as lines of JSON."""

from __future__ import annotations

import json
import os
import pathlib
import stat

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError
from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import ignore
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.runs import HostRuns
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.event_record import (
    EventFile,
    reporting_to,
)


def written(path: pathlib.Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_run_leaves_a_line_for_each_change(tmp_path: pathlib.Path, asked):
    path = tmp_path / "events"
    runs = HostRuns("local", tmp_path / "store", report=reporting_to(str(path), utc_now))
    runs.launch(runs.orders([asked("endings", name="one")]))
    events = written(path)
    assert {event["run"] for event in events} == {"one"}
    assert all(event["time"] for event in events)
    phases = [event["phase"] for event in events if event["event"] == "run"]
    assert phases == ["Pending", "Running", "Failed"]
    ended = {event["step"]: event for event in events if event["event"] == "step"}
    assert ended["bad"]["exitCode"] == 3
    assert ended["good"]["exitCode"] == 0
    assert ended["allowed"]["allowFailure"] is True
    assert ended["behind"]["phase"] == "Skipped"
    assert "parent" not in ended["bad"]


def test_children_tell_their_parent_and_values(tmp_path: pathlib.Path, asked):
    path = tmp_path / "events"
    runs = HostRuns("local", tmp_path / "store", report=EventFile(path, utc_now).take)
    runs.launch(runs.orders([asked("matrix")]))
    steps = [event for event in written(path) if event["event"] == "step"]
    assert {event["parent"] for event in steps} == {"many-1"}
    systems = {json.dumps(event["matrixIndex"]) for event in steps}
    assert systems == {'{"system": "linux"}', '{"system": "bsd"}'}


def test_the_file_is_for_this_user_alone_and_is_added_to(tmp_path: pathlib.Path):
    path = tmp_path / "events"
    for number in range(2):
        file = EventFile(path, utc_now)
        file.put({"number": number})
        file.close()
    assert [event["number"] for event in written(path)] == [0, 1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_not_followed(tmp_path: pathlib.Path):
    os.symlink(tmp_path / "target", tmp_path / "events")
    with pytest.raises(C8sError):
        EventFile(tmp_path / "events", utc_now)
    assert not (tmp_path / "target").exists()


def test_without_a_path_nothing_is_reported():
    assert reporting_to(None, utc_now) is ignore
    assert reporting_to("", utc_now) is ignore
