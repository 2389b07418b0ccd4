"""The last lines of a file are found from its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.storage.lines import last_lines
from hypothesis import given
from hypothesis import strategies as st


def of_file(path: Path, count: int) -> bytes:
    with open(path, "rb") as stream:
        return last_lines(stream, count)


def expected(content: bytes, count: int) -> bytes:
    return b"".join(content.splitlines(keepends=True)[-count:]) if count else b""


@given(content=st.text(alphabet="ab\n", max_size=60).map(str.encode), count=st.integers(0, 8))
def test_any_text(content: bytes, count: int, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("lines") / "log"
    path.write_bytes(content)
    assert of_file(path, count) == expected(content, count)


@pytest.mark.parametrize("ending", [b"", b"\n"])
@pytest.mark.parametrize("length", [1, 65535, 65536, 65537, 200_000])
def test_lines_longer_than_what_is_read_at_once(length: int, ending: bytes, tmp_path: Path):
    path = tmp_path / "log"
    lines = [b"first", b"x" * length, b"y" * length]
    path.write_bytes(b"\n".join(lines) + ending)
    assert of_file(path, 2) == b"\n".join(lines[1:]) + ending
    assert of_file(path, 1) == lines[2] + ending
