"""What of a repository a step finds in its workspace."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError, InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.forges.checkout import Git, resolve
from ansible_collections.c8s.ci.plugins.module_utils.forges.repository import (
    repository as address,
)

from host_yard import Yard, commit, git, repository


def at(project: Path, **more: str) -> dict[str, str]:
    return {"repository": str(project), **more}


def test_a_commit_that_is_no_longer_the_head(yard: Yard, project: Path):
    old = git(project, "rev-parse", "HEAD")
    commit(project, {"new": "x"})
    printed = yard.output(["git rev-parse HEAD; ls"], at(project, commit=old, branch="main"))
    assert printed == f"{old}\nREADME\n"


def test_a_commit_that_was_pushed_away_and_is_in_no_branch(yard: Yard, project: Path):
    lost = commit(project, {"lost": "x"})
    git(project, "reset", "--quiet", "--hard", "HEAD^")
    assert yard.output(["ls"], at(project, commit=lost)) == "README\nlost\n"


def test_a_short_commit_is_completed(yard: Yard, project: Path):
    full = git(project, "rev-parse", "HEAD")
    run = yard.run({"only": ["true"]}, at(project, commit=full[:8]))
    assert run.trigger.commit == full


def test_the_head_is_taken_where_nothing_is_named(yard: Yard, project: Path):
    head = git(project, "rev-parse", "HEAD")
    assert yard.output(["git rev-parse HEAD; echo $C8S_COMMIT"], at(project)).split() == [head] * 2


@pytest.mark.parametrize("options", [(), ("-a", "-m", "released")])
def test_a_tag(yard: Yard, project: Path, options: tuple[str, ...]):
    git(project, "tag", *options, "v1.0")
    tagged = git(project, "rev-parse", "HEAD")
    commit(project, {"new": "x"})
    printed = yard.output(
        ["git rev-parse HEAD; echo $C8S_TAG $C8S_EVENT $C8S_COMMIT"], at(project, tag="v1.0")
    )
    assert printed.split() == [tagged, "v1.0", "tag", tagged]


def test_versions_are_made_from_tags(yard: Yard, project: Path):
    git(project, "tag", "-a", "-m", "one", "v1.0")
    commit(project, {"new": "x"})
    assert yard.output(["git describe"], at(project)).startswith("v1.0-1-g")


@pytest.mark.parametrize(
    "branch", ["feature/x", "$(touch${IFS}pwned)", "a;b&c|d", "ünï", "x" * 200]
)
def test_branches_of_every_spelling_are_data(yard: Yard, project: Path, branch: str):
    git(project, "checkout", "--quiet", "-b", branch)
    wanted = commit(project, {"here": "x"})
    git(project, "checkout", "--quiet", "main")
    run = yard.run(
        {"only": ['echo "${{ run.branch }}"', "echo ${{ run.branch }}", "git rev-parse HEAD",
                  "test ! -e pwned"]},
        at(project, branch=branch),
    )  # fmt: skip
    assert run.status.phase == "Succeeded", yard.log(run.name)
    assert yard.log(run.name).splitlines() == [branch, branch, wanted]


@pytest.mark.parametrize(
    "branch", ["-rf", "--upload-pack=x", "../../x", "a" * 300, "a b", "a..b", "x.lock", "a\nb", "/"]
)
@pytest.mark.parametrize("kind", ["branch", "tag"])
def test_names_that_git_refuses_are_refused_first(
    yard: Yard, project: Path, branch: str, kind: str
):
    with pytest.raises(InvalidInput, match=f"no valid {kind} name|at most 255 are possible"):
        yard.run({"only": ["true"]}, at(project, **{kind: branch}))
    assert not yard.store.exists()


@pytest.mark.parametrize("wrong", ["zzz", "HEAD", "-v", "--upload-pack=x", "main", "abc", "g" * 40])
def test_a_commit_is_hex(yard: Yard, project: Path, wrong: str):
    with pytest.raises(InvalidInput, match="is no commit"):
        yard.run({"only": ["true"]}, at(project, commit=wrong))
    assert not yard.store.exists()


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"commit": "f" * 40}, "has no commit ffff"),
        ({"branch": "nowhere"}, "has no branch 'nowhere'"),
        ({"tag": "v9"}, "has no tag 'v9'"),
    ],
)
def test_what_the_repository_does_not_have_is_told(yard: Yard, project: Path, wanted, told: str):
    with pytest.raises(InvalidInput, match=told):
        yard.run({"only": ["true"]}, at(project, **wanted))
    assert not yard.store.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        "ext::sh -c 'touch /tmp/pwned'",
        "ext::sh",
        "fd::17",
        "-oProxyCommand=touch",
        "--upload-pack=touch",
        "ssh://-oProxyCommand=touch/x",
        "-oProxyCommand=touch@host:x",
        "ssh://user@-oProxyCommand=x/y",
        "git://host/x",
        "http://host/x",
        "https://user:password@host/x",
        "https://token@host/x",
        "https:///x",
        "javascript://x",
        "a\nb",
        "/nowhere/at/all",
    ],
)
def test_addresses_that_are_refused(yard: Yard, wrong: str):
    with pytest.raises(InvalidInput) as caught:
        yard.run({"only": ["true"]}, {"repository": wrong, "commit": "f" * 40})
    assert "password" not in str(caught.value)
    assert not yard.store.exists()
    assert not Path("/tmp/pwned").exists()


def test_an_empty_repository(yard: Yard, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "--quiet")
    with pytest.raises(InvalidInput, match="has no commit yet"):
        yard.run({"only": ["true"]}, at(tmp_path / "empty"))


def test_a_bare_repository(yard: Yard, project: Path, tmp_path: Path):
    git(tmp_path, "clone", "--quiet", "--bare", str(project), "bare.git")
    assert yard.output(["cat README"], at(tmp_path / "bare.git")) == "hello\n"


def test_a_repository_by_file_address(yard: Yard, project: Path):
    assert yard.output(["cat README"], {"repository": project.as_uri()}) == "hello\n"


@pytest.mark.parametrize("name", ["with blank", "ünï", "a:b", "-x", "$(id)", "a'b\"c"])
def test_a_repository_in_a_folder_of_any_name(yard: Yard, tmp_path: Path, name: str):
    project = repository(tmp_path / name)
    assert yard.output(["cat README"], at(project)) == "hello\n"


@pytest.mark.parametrize("depth", [0, 1])
def test_the_origin_is_the_repository(yard: Yard, project: Path, depth: int):
    printed = yard.output(["git remote get-url origin"], at(project), clone={"depth": depth})
    assert printed == f"{project}\n"


def test_a_shallow_clone(yard: Yard, project: Path):
    for number in range(3):
        commit(project, {"n": str(number)})
    printed = yard.output(["git rev-list --count HEAD; cat n"], at(project), clone={"depth": 2})
    assert printed == "2\n2"


def test_no_clone(yard: Yard, project: Path):
    assert yard.output(["ls -A"], at(project), clone=False) == ""


def test_only_some_paths(yard: Yard, project: Path):
    commit(project, {"src/a": "1", "docs/b": "2"})
    assert yard.output(["find . -type f -not -path './.git/*'"], at(project),
                       clone={"paths": ["/src/"]}).split() == ["./src/a"]  # fmt: skip


def test_submodules_where_they_are_wanted(yard: Yard, project: Path, tmp_path: Path):
    module = repository(tmp_path / "module", {"inner": "i\n"})
    git(project, "submodule", "--quiet", "add", str(module), "sub")
    git(project, "commit", "--quiet", "-m", "with a module")
    assert yard.output(["ls -A sub"], at(project)) == ""
    assert yard.output(["cat sub/inner"], at(project), clone={"submodules": True}) == "i\n"


def test_a_submodule_cannot_name_a_program(yard: Yard, project: Path, tmp_path: Path):
    pwned = tmp_path / "pwned"
    text = f'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch% {pwned}"\n'
    (project / ".gitmodules").write_text(text)
    head = git(project, "rev-parse", "HEAD")
    git(project, "update-index", "--add", "--cacheinfo", f"160000,{head},x")
    git(project, "add", ".gitmodules")
    git(project, "commit", "--quiet", "-m", "evil")
    status = yard.step(["true"], at(project), clone={"submodules": True})
    assert (status.phase, status.reason) == ("Failed", "CloneFailed")
    assert not pwned.exists()


def test_hooks_of_the_repository_do_not_run(yard: Yard, project: Path, tmp_path: Path):
    hook = project / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
    hook.chmod(0o755)
    yard.output(["true"], at(project))
    assert not (tmp_path / "pwned").exists()


def test_changes_of_one_step_are_not_in_the_next_nor_in_the_repository(yard: Yard, project: Path):
    run = yard.run(
        {
            "one": ["echo changed >README; git -c user.name=a -c user.email=a@b commit -qam x"],
            "two": {"commands": ["cat README; git log --format=%s"], "dependsOn": ["one"]},
        },
        at(project),
    )
    assert yard.log(run.name, "two") == "hello\nfirst\n"
    assert git(project, "status", "--porcelain") == ""


def test_a_steps_git_cannot_harm_the_objects_of_the_repository(yard: Yard, project: Path):
    """A clone may share files with its origin: none of them may be written through."""
    yard.step(["find .git/objects -type f | while read f; do chmod u+w $f; echo broken >$f; done"],
              at(project))  # fmt: skip
    assert git(project, "fsck", "--full") == ""
    assert yard.output(["cat README"], at(project)) == "hello\n"


def test_a_repository_of_another_user_is_told_with_what_to_do(project: Path):
    # Git's own switch for tests of this: the caller is taken for somebody else.
    stranger = Git({"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    source = address(str(project), allow_file=True)
    with pytest.raises(InvalidInput, match=r"belongs to another user.*safe\.directory"):
        resolve(stranger, source, commit="", branch="main", tag="")


def test_a_repository_that_goes_away_is_a_failed_clone(yard: Yard, project: Path):
    run = yard.run(
        {
            "one": [f"mv {project} {project}.gone"],
            "two": {"commands": ["true"], "dependsOn": ["one"]},
        },
        at(project),
    )
    status = run.status.step("two")
    assert (status.phase, status.reason) == ("Failed", "CloneFailed")
    assert status.exit_code is None
    assert status.message


def test_the_pipeline_file_of_the_commit(yard: Yard, project: Path):
    text = 'version: v1alpha1\nname: own\nsteps: [{name: s, image: i, commands: ["echo %s"]}]\n'
    old = commit(project, {".c8s.yaml": text % "old"})
    commit(project, {".c8s.yaml": text % "new"})
    run = yard.launch(b"", **at(project, commit=old)).run
    assert run.pipeline.name == "own"
    assert yard.log(run.name, "s") == "old\n"


def test_no_pipeline_file_in_the_commit(yard: Yard, project: Path):
    with pytest.raises(C8sError, match="has no file"):
        yard.launch(b"", **at(project))
    assert not yard.store.exists()
