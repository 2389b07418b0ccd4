"""The module c8s.ci.pipeline_validate."""

from __future__ import annotations

import pathlib

import pytest

GOOD = """version: v1alpha1
name: good
matrix: {dimensions: {os: [linux, bsd]}}
steps:
  - name: lint
    image: "${{ matrix.os }}:1"
    when: {branch: main}
    commands: ["true"]
  - name: build
    image: "none:1"
    dependsOn: [lint]
    commands: ["true"]
"""
BAD = GOOD.replace("[lint]", "[lnit]").replace("commands", "comands", 1)
IMPERFECT = GOOD.replace("none:1", "none")


def test_a_valid_file_is_described(call, tmp_path: pathlib.Path):
    path = tmp_path / "file.yaml"
    path.write_text(GOOD, encoding="utf-8")
    done = call("pipeline_validate", src=[str(path)])
    assert (done.code, done.result["changed"], done.result["valid"]) == (0, False, True)
    (file,) = done.result["files"]
    assert file.pop("total_demand")["pods"] == 2
    assert file.pop("peak_demand") == {
        "cpu": 0.5, "memory": 1024**3, "ephemeralStorage": 0, "pods": 1,
    }  # fmt: skip
    assert file == {
        "file": str(path), "valid": True, "name": "good", "layers": [["lint"], ["build"]],
        "matrix": [{"os": "linux"}, {"os": "bsd"}],
    }  # fmt: skip


def test_all_errors_of_all_files_have_their_places(call, tmp_path: pathlib.Path):
    (tmp_path / "bad.yaml").write_text(BAD, encoding="utf-8")
    (tmp_path / ".c8s.yaml").write_text(GOOD, encoding="utf-8")
    done = call("pipeline_validate", content=BAD, src=[str(tmp_path), str(tmp_path / "bad.yaml")])
    assert done.failed
    assert [file["valid"] for file in done.result["files"]] == [False, True, False]
    found = [(error["file"], error["line"], error["column"]) for error in done.result["errors"]]
    assert {place[1:] for place in found} >= {(8, 5), (11, 17)}
    assert {place[0] for place in found} == {".c8s.yaml", str(tmp_path / "bad.yaml")}
    line = ".c8s.yaml:11:17: steps[1].dependsOn[0]: no step is named 'lnit' (did you mean 'lint'?)"
    assert line in done.result["msg"].splitlines()


def test_advice_is_a_warning_or_with_strict_an_error(call):
    done = call("pipeline_validate", content=IMPERFECT)
    assert done.result["valid"]
    assert [hint["path"] for hint in done.result["advice"]] == ["steps[1].image"]
    assert "has no tag" in done.warned
    strict = call("pipeline_validate", content=IMPERFECT, strict=True)
    assert strict.failed
    assert strict.result["advice"] == []
    assert [error["path"] for error in strict.result["errors"]] == ["steps[1].image"]


@pytest.mark.parametrize(
    "content",
    ["", "\t", "{", "a: &a [*a]", "[" * 10000, "\ufffe", "x" * 2_000_000, "---\n---\n", "&a " * 50],
)
def test_no_text_makes_it_stumble(call, content: str):
    done = call("pipeline_validate", content=content)
    assert done.failed
    assert done.result["errors"]
    assert "Traceback" not in done.text


@pytest.mark.parametrize("name", ["gone", "folder", "loop", "bytes"])
def test_no_file_makes_it_stumble(call, tmp_path: pathlib.Path, name: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "bytes").write_bytes(bytes(range(256)))
    done = call("pipeline_validate", src=[str(tmp_path / name)])
    assert done.failed
    assert len(done.result["errors"]) == 1
    assert "Traceback" not in done.text


def test_something_has_to_be_given(call):
    assert (
        "one of the following is required: src, content" in call("pipeline_validate").result["msg"]
    )
