"""Plain options, one run or many, as requests."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import NotFound
from ansible_collections.c8s.ci.plugins.module_utils.runs import wishes
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request


def asked(**options: Any) -> list[Request]:
    return [wishes.request(wish, "me") for wish in wishes.each(options)]


def test_one_run_is_asked_for_by_the_outer_options():
    assert asked(content="text", branch="main", name="x", idempotency_key="k") == [
        Request(b"text", branch="main", name="x", idempotency_key="k", by="me")
    ]


def test_many_runs_share_what_they_do_not_say():
    assert asked(
        repository="r", file="f", branch="main", runs=[{}, {"branch": "b", "name": "x"}]
    ) == [
        Request(b"", "f", repository="r", branch="main", by="me"),
        Request(b"", "f", repository="r", branch="b", name="x", by="me"),
    ]


def test_a_name_or_key_of_the_task_is_no_run_s():
    assert asked(name="x", idempotency_key="k", runs=[{}]) == [Request(by="me")]


@pytest.mark.parametrize("option", wishes.FILES)
def test_a_run_with_a_file_of_its_own_takes_no_other_way_to_it(option: str, tmp_path: pathlib.Path):
    (tmp_path / "own").write_text("own", encoding="utf-8")
    own = {"src": str(tmp_path / "own"), "content": "own", "file": "own"}[option]
    for outer in ({"src": "nowhere"}, {"content": "outer"}, {"file": "outer"}):
        (request,) = asked(**outer, runs=[{option: own}])
        if option == "file":
            assert (request.text, request.file) == (b"", "own")
        else:
            assert request.text == b"own"


def test_no_runs_are_none():
    assert asked(runs=[]) == []


def test_src_is_a_file_or_a_folder_that_has_one(tmp_path: pathlib.Path):
    (tmp_path / ".c8s.yaml").write_text("text", encoding="utf-8")
    for src in (tmp_path, tmp_path / ".c8s.yaml"):
        (request,) = asked(src=str(src))
        assert request == Request(b"text", str(tmp_path / ".c8s.yaml"), by="me")


def test_a_file_that_is_not_there_is_named(tmp_path: pathlib.Path):
    with pytest.raises(NotFound, match=r"no file '.*gone' on this host"):
        asked(src=str(tmp_path / "gone"))


def test_names_are_those_of_all_runs():
    assert wishes.names({"name": "x"}) == ["x"]
    assert wishes.names({"name": "x", "runs": [{"name": "a"}, {}]}) == ["a", ""]
