"""A file of a commit, read without a checkout."""

from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput, NotFound
from ansible_collections.c8s.ci.plugins.module_utils.forges.checkout import Git
from ansible_collections.c8s.ci.plugins.module_utils.forges.committed_file import (
    SIZE_LIMIT,
    committed_file,
)
from ansible_collections.c8s.ci.plugins.module_utils.forges.repository import (
    Repository,
    repository,
)

PERSON = {
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("project")

    def git(*words: str) -> None:
        subprocess.run(
            ["git", *words], cwd=folder, env={**os.environ, **PERSON}, check=True
        )  # fmt: skip

    git("init", "--quiet", "--initial-branch=main")
    (folder / "ci").mkdir()
    (folder / "ci" / "a.yaml").write_bytes(b"\n  first\n\n")
    (folder / "large").write_bytes(b"x" * (SIZE_LIMIT + 1))
    git("add", "--all")
    git("commit", "--quiet", "--message=one")
    git("tag", "one")
    (folder / "ci" / "a.yaml").write_bytes(b"second")
    git("commit", "--quiet", "--all", "--message=two")
    (folder / "ci" / "a.yaml").write_bytes(b"not committed")
    return repository(str(folder), allow_file=True)


def commit(source: Repository, name: str) -> str:
    return Git()("rev-parse", f"{name}^{{commit}}", cwd=source.path)


def test_the_file_is_as_it_is_in_the_commit(source: Repository):
    assert committed_file(Git(), source, commit(source, "one"), "ci/a.yaml") == b"\n  first\n\n"
    assert committed_file(Git(), source, commit(source, "main"), "ci/a.yaml") == b"second"


@pytest.mark.parametrize("path", ["gone", "../a.yaml", "/etc/passwd", "-x", "ci/a.yaml/x"])
def test_a_file_that_the_commit_does_not_have_is_named(source: Repository, path: str):
    with pytest.raises(NotFound, match="has no file"):
        committed_file(Git(), source, commit(source, "main"), path)


def test_a_folder_is_no_file(source: Repository):
    with pytest.raises(InvalidInput, match=r"'ci' in commit .* is no file"):
        committed_file(Git(), source, commit(source, "main"), "ci")


def test_a_file_that_no_pipeline_can_be_is_not_read(source: Repository):
    with pytest.raises(InvalidInput, match="larger than"):
        committed_file(Git(), source, commit(source, "main"), "large")
