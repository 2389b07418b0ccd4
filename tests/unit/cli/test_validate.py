"""`c8s validate`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from sample_runs import pipeline_text

VALID = pipeline_text({"a": [], "b": ["a"]})
INVALID = """\
version: v1alpha1
name: Demo
steps:
  - name: test
    image: busybox:1.36
    commands: [true]
  - name: build
    imagee: busybox:1.36
    commands: ["true"]
    dependsOn: [tests]
"""
WARNED = VALID.replace(":1.36", "")


@pytest.fixture(autouse=True)
def files(folder: Path) -> None:
    for name, text in {"valid": VALID, "invalid": INVALID, "warned": WARNED}.items():
        (folder / f"{name}.yaml").write_text(text)


def test_valid(c8s):
    done = c8s("validate", "valid.yaml")
    assert (done.code, done.out, done.err) == (0, "Valid!\n", "")


def test_every_error_with_its_place(c8s):
    done = c8s("validate", "invalid.yaml")
    assert done.code == 2
    places = [line.split(": ")[0] for line in done.out.splitlines()]
    assert places == [f"invalid.yaml:{place}" for place in ("2:7", "7:5", "8:5", "10:17")]
    assert "did you mean 'image'?" in done.out
    assert "Valid!" not in done.out
    assert done.err == ""


def test_errors_for_programs(c8s):
    done = c8s("validate", "invalid.yaml", "--output", "json")
    assert done.code == 2
    document = json.loads(done.out)
    assert document["valid"] is False
    assert {"path", "line", "column", "message", "suggestion", "file"} == set(document["errors"][0])
    assert document["errors"][0]["path"] == "name"
    assert (document["errors"][0]["line"], document["errors"][0]["column"]) == (2, 7)
    assert document["files"] == [{"file": "invalid.yaml", "valid": False}]
    assert yaml.safe_load(c8s("validate", "invalid.yaml", "-o", "yaml").out) == document


def test_valid_for_programs(c8s):
    done = c8s("validate", "valid.yaml", "-o", "json")
    assert done.code == 0
    document = json.loads(done.out)
    assert (document["valid"], document["errors"], document["warnings"]) == (True, [], [])


def test_warnings_are_said_aside(c8s):
    done = c8s("validate", "warned.yaml")
    assert (done.code, done.out) == (0, "Valid!\n")
    assert done.err.startswith("warning: warned.yaml:1:")
    document = json.loads(c8s("validate", "warned.yaml", "-o", "json").out)
    assert document["valid"]
    assert len(document["warnings"]) == 2


def test_many_warnings_do_not_bury_the_result(c8s, tmp_path):
    steps = "".join(f"- {{name: s{n}, image: busybox, commands: [x]}}\n" for n in range(1000))
    file = tmp_path / "many.yaml"
    file.write_text(f"version: v1alpha1\nname: many\nsteps:\n{steps}")
    done = c8s("validate", str(file))
    assert (done.code, done.out) == (0, "Valid!\n")
    assert len(done.err.splitlines()) == 21
    assert done.err.endswith("warning: and 980 more; '-o json' shows all\n")
    assert len(json.loads(c8s("validate", str(file), "-o", "json").out)["warnings"]) == 1000


def test_warnings_are_errors_if_strict(c8s):
    done = c8s("validate", "warned.yaml", "--strict")
    assert done.code == 2
    assert "has no tag" in done.out
    document = json.loads(c8s("validate", "--strict", "-o", "json", "warned.yaml").out)
    assert (document["valid"], document["warnings"]) == (False, [])


def test_several_files(c8s):
    done = c8s("validate", "valid.yaml", "invalid.yaml", "warned.yaml")
    assert done.code == 2
    lines = done.out.splitlines()
    assert lines[0] == "valid.yaml: Valid!"
    assert lines[-1] == "warned.yaml: Valid!"
    assert len(lines) == 6
    document = json.loads(c8s("validate", "valid.yaml", "invalid.yaml", "-o", "json").out)
    assert [file["valid"] for file in document["files"]] == [True, False]
    assert document["valid"] is False


def test_the_file_of_this_folder_and_of_another(c8s, folder: Path):
    (folder / ".c8s.yaml").write_text(VALID)
    assert c8s("validate").out == "Valid!\n"
    (folder / "below").mkdir()
    (folder / "below" / ".c8s.yaml").write_text(INVALID)
    assert c8s("validate", "below").out.startswith(f"below{os.sep}.c8s.yaml:2:7: ")


def test_stdin(c8s):
    assert c8s("validate", "-", stdin=VALID.encode()).out == "Valid!\n"
    assert c8s("validate", "-", stdin=INVALID.encode()).out.startswith("stdin:2:7: ")


def test_no_such_file_is_3(c8s):
    done = c8s("validate", "valid.yaml", "gone.yaml")
    assert done.code == 3
    assert "'gone.yaml'" in done.out
    assert c8s("validate").code == 3
    document = json.loads(c8s("validate", "gone.yaml", "-o", "json").out)
    assert document["valid"] is False


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\xff\xfe", "UTF-8"),
        (b"a: [", ""),
        (b"a: 1\na: 2\n", "twice"),
        (b"x" * (1024 * 1024 + 1), "1 MiB"),
        (b"x" * (3 * 1024 * 1024), "1 MiB"),
        (b"\tx: 1", "blanks"),
        (b"[" * 5000, "deep"),
    ],
)
def test_whatever_the_file_holds_it_is_told(c8s, folder: Path, content: bytes, said: str):
    (folder / "odd.yaml").write_bytes(content)
    done = c8s("validate", "odd.yaml")
    assert done.code == 2
    assert done.out.startswith("odd.yaml")
    assert said in done.out
    assert "Traceback" not in done.out + done.err
