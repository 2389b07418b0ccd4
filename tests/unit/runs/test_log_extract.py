"""Logs as far as they are wanted: of steps, of attempts, of lines, of times."""

from __future__ import annotations

import datetime
import pathlib
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput, NotFound
from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
from ansible_collections.c8s.ci.plugins.module_utils.runs.report import log_file
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.log_extract import (
    Extract,
    Wanted,
    extracts,
    wanted,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.log_file import Draft, texts
from ansible_collections.c8s.ci.plugins.module_utils.storage.stored_log import FileLog


def read(runs, name: str, **options: Any) -> dict[str, list[str]]:
    found = extracts(runs.records, name, wanted(utc_now(), **options))
    return {one.step: texts(one)["lines"] for one in found}


def test_all_logs_are_read_in_the_order_of_the_pipeline(runs, launch):
    launch("endings")
    assert read(runs, "endings-1") == {
        "good": ["one", "two", "three"],
        "bad": ["first", "last"],
        "allowed": [],
    }


def test_lines_are_picked(runs, launch):
    launch("endings")
    assert read(runs, "endings-1", steps=["good"], tail=2) == {"good": ["two", "three"]}
    assert read(runs, "endings-1", steps=["good"], grep="^t.o$") == {"good": ["two"]}
    assert read(runs, "endings-1", steps=["good"], tail=1, grep="one|three") == {"good": ["three"]}
    assert read(runs, "endings-1", steps=["good"], tail=0) == {"good": []}


def test_of_a_matrix_the_logs_of_all_runs_are_read(runs, launch):
    parent = launch("matrix")
    found = extracts(runs.records, "many-1", wanted(utc_now()))
    assert [one.run for one in found] == list(parent.status.matrix.children)
    assert [texts(one)["lines"] for one in found] == [["linux"], ["bsd"]]
    assert [one.phase for one in found] == ["Succeeded", "Failed"]


def test_steps_that_had_ended_before_are_left_out(runs, launch):
    launch("good")
    assert read(runs, "good-1", since="1h") == {"only": ["well"]}
    assert read(runs, "good-1", since="2000-01-01T00:00:00Z") == {"only": ["well"]}
    assert read(runs, "good-1", since="2100-01-01T00:00:00+01:00") == {}


def test_what_is_not_there_is_said(runs, launch):
    launch("endings")
    with pytest.raises(NotFound, match="no run is named 'gone'"):
        read(runs, "gone")
    with pytest.raises(NotFound, match="no step 'gone'; it has good, bad"):
        read(runs, "endings-1", steps=["gone"])
    with pytest.raises(NotFound, match=r"'behind' .* has no log .*Skipped"):
        read(runs, "endings-1", steps=["behind"])
    with pytest.raises(NotFound, match="no log for attempt 2"):
        read(runs, "endings-1", steps=["good"], attempt=2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"grep": "("}, "grep: '\\(' is no regular expression"),
        ({"tail": -1}, "tail: -1"),
        ({"since": "yesterday"}, "since: 'yesterday' is neither"),
        ({"since": "2026-01-01T00:00:00"}, "since: .* is neither"),
        ({"since": "0s"}, "since: '0s' is neither"),
    ],
)
def test_options_that_cannot_be_are_named(options: dict[str, Any], said: str):
    with pytest.raises(InvalidInput, match=said):
        wanted(utc_now(), **options)


def test_a_moment_is_counted_back_from_now():
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    assert wanted(now, since="1h30m").since == now - datetime.timedelta(minutes=90)


def extract(path: pathlib.Path, content: bytes) -> Extract:
    path.write_bytes(content)
    return Extract("run", path.name, 1, "Succeeded", FileLog(path), Wanted())


def test_a_result_holds_the_end_of_a_large_log(tmp_path: pathlib.Path, monkeypatch):
    monkeypatch.setattr(log_file, "LIMIT", 10)
    assert texts(extract(tmp_path / "a", b"1234\n1234\n")) == {
        "lines": ["1234", "1234"], "truncated": False
    }  # fmt: skip
    assert texts(extract(tmp_path / "b", b"1234\n1234\n1\n")) == {
        "lines": ["1234", "1"], "truncated": True
    }  # fmt: skip
    assert texts(extract(tmp_path / "c", b"x" * 50 + b"end\r\n"))["lines"] == ["x" * 5 + "end"]


def test_bytes_that_are_no_text_do_not_stop_it(tmp_path: pathlib.Path):
    assert texts(extract(tmp_path / "a", b"\xff\n"))["lines"] == ["\ufffd"]


def test_one_log_is_written_as_it_is_and_several_by_name(tmp_path: pathlib.Path):
    one, two = extract(tmp_path / "a", b"\xff 1"), extract(tmp_path / "b", b"2\n")
    target = tmp_path / "target"
    with Draft([one], str(target), str(tmp_path)) as draft:
        assert pathlib.Path(draft.path).read_bytes() == b"\xff 1"
        assert (draft.size, draft.differs()) == (3, True)
        target.write_bytes(b"\xff 1")
        assert not draft.differs()
    with Draft([two, one], str(target), str(tmp_path)) as draft:
        assert pathlib.Path(draft.path).read_bytes() == b"==> run/b <==\n2\n==> run/a <==\n\xff 1"
        assert draft.difference() == {
            "before_header": str(target), "after_header": str(target),
            "before": "\ufffd 1", "after": "==> run/b <==\n2\n==> run/a <==\n\ufffd 1",
        }  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "target"]


@pytest.mark.parametrize("target", ["", "gone/file"])
def test_a_place_where_no_file_can_be_is_refused(tmp_path: pathlib.Path, target: str):
    with pytest.raises(InvalidInput, match="dest"):
        Draft([], str(tmp_path / target), str(tmp_path))
