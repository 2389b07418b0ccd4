"""The copy of the checkout holds what git would keep, and nothing of an earlier copy."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import copy_checkout
import pytest


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "folder").mkdir(parents=True)
    (root / "folder" / "tracked").write_text("tracked", encoding="utf-8")
    (root / "new").write_text("new", encoding="utf-8")
    (root / "junk").write_text("junk", encoding="utf-8")
    (root / ".gitignore").write_text("/junk\n", encoding="utf-8")
    (root / "link").symlink_to("new")
    subprocess.run(["git", "init", "--quiet", root], check=True)
    subprocess.run(["git", "-C", root, "add", "folder"], check=True)
    return root


def content(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_ignored_files_stay_behind(checkout: Path, tmp_path: Path):
    copy_checkout.mirror(checkout, tmp_path / "copy")
    assert content(tmp_path / "copy") == {".gitignore", "folder/tracked", "link", "new"}
    assert os.readlink(tmp_path / "copy" / "link") == "new"


def test_a_second_copy_follows_every_change(checkout: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    copy_checkout.mirror(checkout, copy)
    (copy / "tests" / "output").mkdir(parents=True)
    (copy / "tests" / "output" / "kept").write_text("of ansible-test", encoding="utf-8")
    (copy / "gone" / "deep").mkdir(parents=True)
    (copy / "gone" / "deep" / "file").write_text("left over", encoding="utf-8")
    (checkout / "folder" / "tracked").unlink()
    (checkout / "new").write_text("newer", encoding="utf-8")
    (checkout / "new").chmod(0o755)
    copy_checkout.mirror(checkout, copy)
    assert content(copy) == {".gitignore", "link", "new", "tests/output/kept"}
    assert (copy / "new").read_text(encoding="utf-8") == "newer"
    assert os.access(copy / "new", os.X_OK)
    assert not (copy / "folder").exists()
    assert not (copy / "gone").exists()
