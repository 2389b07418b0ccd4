"""Private repositories in the pods of a real cluster: every sort of commit, no credential told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase

from e2e.git_server import PASSWORD, USER, Origin, https_server, new_repository, ssh_server
from e2e.lab import SMALL, Lab

SHOW = f"""
  - name: a
    image: alpine/git
    {SMALL}
    commands: [cat file, git rev-parse HEAD, git status --porcelain, git log --format=%s -1]
"""
ODD_BRANCH = "$(touch${IFS}pwned)"


@pytest.fixture
def origin(lab: Lab, tmp_path: Path) -> Iterator[Origin]:
    """A repository behind https, a password and an authority that only the setting names."""
    folder = new_repository(tmp_path)
    with https_server(tmp_path, lab.cluster.host_address, tmp_path / "pki") as base:
        lab.config_map("authorities", {"ca.crt": (tmp_path / "pki" / "ca.crt").read_text()})
        lab.secret("forge", username=USER, password=PASSWORD)
        yield Origin(folder, f"{base}/private.git/.git")


def cloned(lab: Lab, origin: Origin, secret: str = "forge", head: str = "", **where: str) -> Run:
    authorities = "authorities" if origin.url.startswith("https") else ""
    runs = lab.runs(clone_secret=secret, authorities=authorities)
    return lab.launch(runs, SHOW, head=head, repository=origin.url, **where)


def test_old_commits_tags_and_odd_branches_are_what_the_step_sees(lab: Lab, origin: Origin) -> None:
    old = origin.commit("old")
    origin.git("tag", "-a", "v1/beta", "-m", "one")
    origin.git("checkout", "-q", "-b", "feature/slash")
    slash = origin.commit("slash")
    origin.git("update-ref", f"refs/heads/{ODD_BRANCH}", origin.commit("odd"))
    odd = origin.git("rev-parse", "HEAD")
    origin.git("checkout", "-q", "main")
    origin.commit("new")
    for commit, text, where in (
        (old, "old", {"branch": "main"}),
        (old, "old", {"tag": "v1/beta"}),
        (slash, "slash", {"branch": "feature/slash"}),
        (odd, "odd", {"branch": ODD_BRANCH}),
    ):
        run = cloned(lab, origin, commit=commit, **where)
        assert run.status.phase is Phase.SUCCEEDED, run.status
        assert lab.log(run, "a") == f"{text}{commit}\nfile: {text}\n"


def test_an_odd_branch_stays_data_wherever_a_pipeline_speaks_of_it(
    lab: Lab, origin: Origin
) -> None:
    commit = origin.commit("text")
    origin.git("update-ref", f"refs/heads/{ODD_BRANCH}", commit)
    steps = f"""
  - name: a
    image: alpine/git
    {SMALL}
    env: {{WHERE: "on ${{{{ run.branch }}}}"}}
    commands:
      - echo ${{{{ run.branch }}}}
      - echo "$WHERE, $C8S_BRANCH, $BRANCH"
      - git status --porcelain
      - ls
"""
    runs = lab.runs(clone_secret="forge", authorities="authorities")
    run = lab.launch(runs, steps, repository=origin.url, commit=commit, branch=ODD_BRANCH)
    assert run.status.phase is Phase.SUCCEEDED, run.status
    told = f"{ODD_BRANCH}\non {ODD_BRANCH}, {ODD_BRANCH}, {ODD_BRANCH}\nfile\n"
    assert lab.log(run, "a") == told
    (job,) = lab.items("jobs")
    assert job["metadata"]["annotations"]["c8s.dev/branch"] == ODD_BRANCH


def test_a_shallow_clone_reaches_an_old_commit(lab: Lab, origin: Origin) -> None:
    old = origin.commit("old")
    origin.commit("new")
    origin.git("config", "uploadpack.allowReachableSHA1InWant", "true")
    run = cloned(lab, origin, head="clone: {depth: 1}", commit=old, branch="main")
    assert lab.log(run, "a") == f"old{old}\nfile: old\n"


def test_a_commit_that_was_forced_away_is_called_gone(lab: Lab, origin: Origin) -> None:
    origin.commit("first")
    gone = origin.commit("gone")
    origin.git("reset", "-q", "--hard", "HEAD~1")
    origin.commit("instead")
    origin.git("reflog", "expire", "--expire=now", "--all")
    origin.git("gc", "-q", "--prune=now")
    run = cloned(lab, origin, commit=gone, branch="main")
    step = run.status.step("a")
    assert (step.phase, step.reason, step.attempts) == (Phase.FAILED, "CloneFailed", 1)
    assert gone in step.message
    assert "force-pushed" in step.message
    assert lab.log_of_none(run, "a")


def test_wrong_and_missing_credentials_are_told_without_being_told(
    lab: Lab, origin: Origin
) -> None:
    commit = origin.commit("text")
    lab.secret("wrong", token="not-the-right-token")
    for secret in ("", "wrong"):
        run = cloned(lab, origin, secret, commit=commit)
        step = run.status.step("a")
        assert (step.phase, step.reason) == (Phase.FAILED, "CloneFailed")
        assert "not-the-right" not in step.message
        assert "credentials" in step.message or "Authentication failed" in step.message


def test_an_unknown_authority_is_not_trusted(lab: Lab, origin: Origin) -> None:
    commit = origin.commit("text")
    runs = lab.runs(clone_secret="forge")
    run = lab.launch(runs, SHOW, repository=origin.url, commit=commit)
    assert run.status.step("a").reason == "CloneFailed"
    assert "certificate" in run.status.step("a").message


def test_credentials_are_in_no_log_record_or_manifest(lab: Lab, origin: Origin) -> None:
    commit = origin.commit("text")
    steps = f"""
  - name: a
    image: busybox
    {SMALL}
    commands:
      - cat .git/config
      - env
      - ls -la /credentials /authorities /tmp 2>&1 || true
      - "! grep -r {PASSWORD[:9]} /workspace /tmp"
"""
    runs = lab.runs(clone_secret="forge", authorities="authorities")
    run = lab.launch(runs, steps, repository=origin.url, commit=commit)
    assert run.status.phase is Phase.SUCCEEDED, lab.log(run, "a")
    assert "c8s-clone" not in lab.log(run, "a")
    kept = b"".join(path.read_bytes() for path in lab.store.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in kept
    for path in ("/apis/batch/v1/namespaces/{}/jobs", "/api/v1/namespaces/{}/pods",
                 "/api/v1/namespaces/{}/configmaps"):  # fmt: skip
        assert PASSWORD not in json.dumps(lab.cluster.api().get(path.format(lab.namespace)))


def test_a_repository_over_ssh_with_a_key_and_known_hosts(lab: Lab, tmp_path: Path) -> None:
    folder = new_repository(tmp_path)
    with ssh_server(tmp_path / "sshd", lab.cluster.host_address) as server:
        origin = Origin(folder, f"{server.url}{folder}")
        commit = origin.commit("text")
        lab.secret("key", **{"ssh-key": server.key, "known-hosts": server.known_hosts})
        lab.secret("stranger", **{"ssh-key": server.key, "known-hosts": "elsewhere ssh-rsa AAAA"})
        run = cloned(lab, origin, "key", commit=commit)
        assert run.status.phase is Phase.SUCCEEDED, run.status
        assert lab.log(run, "a") == f"text{commit}\nfile: text\n"
        refused = cloned(lab, origin, "stranger", commit=commit).status.step("a")
        assert refused.reason == "CloneFailed"
        assert "Host key verification failed" in refused.message


def test_what_the_clone_needs_and_is_not_there_is_named_before_anything_starts(lab: Lab) -> None:
    lab.secret("empty", other="thing")
    for settings, words in (
        ({"clone_secret": "forge"}, "clone secret 'forge' does not exist"),
        ({"clone_secret": "empty"}, "neither `token`, `password` nor `ssh-key`"),
        ({"authorities": "authorities"}, "no ConfigMap 'authorities' with a key 'ca.crt'"),
    ):
        with pytest.raises(InvalidInput, match=words):
            lab.launch(lab.runs(**settings), SHOW)
    assert lab.items("jobs") == []


def test_a_branch_that_git_would_refuse_is_refused_before_anything_starts(lab: Lab) -> None:
    with pytest.raises(InvalidInput, match="no valid branch name"):
        lab.launch(lab.runs(), SHOW, branch="$(touch pwned)")
