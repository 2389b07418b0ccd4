"""Files that somebody named."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput, NotFound
from ansible_collections.c8s.ci.plugins.module_utils.storage.input_file import (
    SIZE_LIMIT,
    input_file,
)


def test_a_file_is_read(tmp_path: pathlib.Path):
    (tmp_path / "file").write_bytes(b"\xff")
    assert input_file(tmp_path / "file") == b"\xff"


def test_a_file_without_end_is_not_read_for_ever():
    assert len(input_file(pathlib.Path("/dev/zero"))) == SIZE_LIMIT


def test_what_is_not_there_is_said(tmp_path: pathlib.Path):
    with pytest.raises(NotFound, match=r"no file '.*gone' on this host"):
        input_file(tmp_path / "gone")


def test_what_is_no_file_is_said(tmp_path: pathlib.Path):
    os.symlink(tmp_path / "loop", tmp_path / "loop")
    for path in (tmp_path, tmp_path / "loop"):
        with pytest.raises(InvalidInput, match="cannot be read"):
            input_file(path)
