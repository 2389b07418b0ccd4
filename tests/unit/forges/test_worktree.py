"""What is known of the checkout that somebody works in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.forges.checkout import Git
from ansible_collections.c8s.ci.plugins.module_utils.forges.worktree import (
    Worktree,
    revision,
    worktree_of,
)

from host_yard import git


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "kept.txt").write_text("1")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


def found(folder: Path) -> Worktree:
    worktree = worktree_of(Git(), folder)
    assert worktree is not None
    return worktree


def test_a_clean_checkout(checkout: Path):
    below = checkout / "deep" / "er"
    below.mkdir(parents=True)
    assert found(below) == Worktree(checkout, git(checkout, "rev-parse", "HEAD"), "main", ())


def test_every_kind_of_change_is_named(checkout: Path):
    (checkout / "gone.txt").write_text("1")
    (checkout / "was.txt").write_text("a text that is long enough for a rename to be seen")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "two")
    (checkout / "kept.txt").write_text("2")
    (checkout / "gone.txt").unlink()
    (checkout / "new file.txt").write_text("1")
    (checkout / "staged\n.txt").write_text("1")
    git(checkout, "mv", "was.txt", "is.txt")
    git(checkout, "add", "staged\n.txt")
    names = {"kept.txt", "gone.txt", "new file.txt", "staged\n.txt", "was.txt", "is.txt"}
    assert set(found(checkout).changed) == names


def test_a_conflict_is_a_change(checkout: Path):
    for branch, text in (("other", "2"), ("main", "3")):
        git(checkout, "checkout", "--quiet", *(["-b"] if branch == "other" else []), branch)
        (checkout / "kept.txt").write_text(text)
        git(checkout, "commit", "--quiet", "--all", "--message", text)
    with pytest.raises(subprocess.CalledProcessError):
        git(checkout, "merge", "other")
    assert found(checkout).changed == ("kept.txt",)


def test_a_detached_head_has_no_branch(checkout: Path):
    git(checkout, "checkout", "--quiet", "--detach")
    assert found(checkout).branch == ""


def test_before_the_first_commit(tmp_path: Path):
    git(tmp_path, "init", "--quiet", "--initial-branch", "trunk")
    assert found(tmp_path) == Worktree(tmp_path, "", "", ())


def test_a_linked_worktree_is_one(checkout: Path, tmp_path: Path):
    git(checkout, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    assert (found(tmp_path / "side").root, found(tmp_path / "side").branch) == (
        tmp_path / "side",
        "side",
    )


@pytest.mark.parametrize(
    ("commit", "branch", "tag"), [("1a2b3c4", "", ""), ("", "side", ""), ("", "", "v1")]
)
def test_what_is_asked_for_is_meant(checkout: Path, commit: str, branch: str, tag: str):
    asked = revision(Git(), checkout, commit=commit, branch=branch, tag=tag)
    assert asked == (commit, branch)


def test_a_bare_repository_has_a_commit_and_no_branch_checked_out(checkout: Path, tmp_path: Path):
    git(tmp_path, "clone", "--quiet", "--bare", str(checkout), "bare")
    head = git(checkout, "rev-parse", "HEAD")
    assert revision(Git(), checkout) == (head, "main")
    assert revision(Git(), tmp_path / "bare") == (head, "")


def test_no_checkout(tmp_path: Path):
    assert worktree_of(Git(), tmp_path) is None


def test_a_broken_checkout_is_told(tmp_path: Path):
    (tmp_path / ".git").write_text("gitdir: /nowhere")
    with pytest.raises(Unavailable, match="git rev-parse"):
        worktree_of(Git(), tmp_path)
