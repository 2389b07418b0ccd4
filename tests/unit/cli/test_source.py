"""What a run works on, where a cluster is to clone it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput

from c8s.cli.source import Source, reachable, source_of
from host_yard import git

ORIGIN = "https://git.example.com/team/app.git"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "remote", "add", "origin", ORIGIN)
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "one")
    return tmp_path


def test_a_cluster_clones_the_origin_at_what_is_checked_out(checkout: Path):
    commit = git(checkout, "rev-parse", "HEAD")
    named = reachable(Source(repository=str(checkout)))
    found = reachable(source_of(checkout / ".c8s.yaml", Source()))
    for source in (named, found):
        told = (source.repository, source.commit, source.branch, source.tag)
        assert told == (ORIGIN, commit, "main", "")
        assert "was not pushed" in source.notes[-1]


@pytest.mark.parametrize("asked", [{"commit": "1a2b3c4"}, {"branch": "side"}, {"tag": "v1"}])
def test_what_is_asked_for_stays(checkout: Path, asked: dict[str, str]):
    source = Source(repository=str(checkout), **asked)
    told = dataclasses.replace(reachable(source), notes=())
    assert told == dataclasses.replace(source, repository=ORIGIN)


def test_a_checkout_without_an_origin(checkout: Path):
    git(checkout, "remote", "remove", "origin")
    with pytest.raises(InvalidInput, match="give --repository URL"):
        reachable(Source(repository=str(checkout)))
