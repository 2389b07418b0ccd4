"""Files that steps leave, for later steps, later runs and people."""

from __future__ import annotations

import datetime
import json
import os
import urllib.parse
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Reason

from host_yard import Yard, commit, pipeline

SECRET = "s3cr3t-value-of-some-length"


def leaving(*commands: str, paths: list[str], **fields: object) -> dict[str, object]:
    return {"commands": list(commands), "artifacts": [{"name": "out", "paths": paths}], **fields}


def kept(run: Run, step: str = "only") -> dict[str, bytes]:
    """The kept files of a step with their content."""
    found = {}
    for url in run.status.step(step).artifact_urls:
        folder = Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path))
        for path in folder.rglob("*"):
            if path.is_symlink():
                found[str(path.relative_to(folder))] = os.readlink(path).encode()
            elif path.is_file():
                found[str(path.relative_to(folder))] = path.read_bytes()
    return found


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a.txt"], {"a.txt"}),
        (["*.txt"], {"a.txt"}),
        (["deep"], {"deep/b.txt", "deep/er/c.bin"}),
        (["deep/"], {"deep/b.txt", "deep/er/c.bin"}),
        (["**/*.txt"], {"a.txt", "deep/b.txt"}),
        (["*.txt", "deep/**"], {"a.txt", "deep/b.txt", "deep/er/c.bin"}),
        (["[ab].txt", "deep/?.txt"], {"a.txt", "deep/b.txt"}),
        ([".hidden"], {".hidden"}),
    ],
)
def test_files_are_kept_by_globs(yard: Yard, paths: list[str], names: set[str]):
    step = leaving(
        "mkdir -p deep/er; touch a.txt .hidden deep/b.txt deep/er/c.bin other", paths=paths
    )
    assert set(kept(yard.run({"only": step}))) == names


def test_nothing_that_matches_is_said_and_fails_nothing(yard: Yard):
    run = yard.run({"only": leaving("true", paths=["*.nope"])})
    assert run.status.phase == "Succeeded"
    assert yard.log(run.name) == "[c8s: artifact 'out': nothing matches *.nope]\n"
    assert run.status.step("only").artifact_urls == ()


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a/../../b", ".."])
def test_paths_that_lead_out_are_refused(yard: Yard, path: str):
    try:
        run = yard.run({"only": leaving("touch a", paths=[path])})
    except InvalidInput:
        assert not yard.store.exists()
    else:
        status = run.status.step("only")
        assert (status.phase, status.reason) == ("Failed", "ArtifactsFailed")
        assert kept(run) == {}


def test_links_are_kept_as_links_and_not_followed_out(yard: Yard, tmp_path: Path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "private").write_text("private")
    step = leaving(
        f"ln -s {tmp_path}/outside/private file; ln -s {tmp_path}/outside folder; ln -s / root",
        paths=["file", "folder", "folder/*", "root/etc/passwd", "**"],
    )
    files = kept(yard.run({"only": step}))
    assert set(files) == {"file", "folder", "root"}
    assert b"private" not in set(files.values())


def test_pipes_and_sockets_do_not_hold_a_step(yard: Yard):
    step = leaving("mkfifo pipe; echo x >a", paths=["*"])
    run = yard.run({"only": step})
    assert run.status.phase == "Succeeded"
    assert kept(run) == {"a": b"x\n"}


def test_files_of_a_failed_step_are_kept(yard: Yard):
    run = yard.run({"only": leaving("echo report >report", "exit 1", paths=["report"])})
    assert run.status.phase == "Failed"
    assert kept(run) == {"report": b"report\n"}


def test_files_that_may_not_be_read_are_told(yard: Yard):
    run = yard.run({"only": leaving("echo x >a; chmod 0 a", paths=["a"])})
    if os.geteuid() == 0:
        assert kept(run) == {"a": b"x\n"}
    else:
        assert run.status.step("only").reason == "StorageError"


def test_who_depends_on_a_step_finds_its_files(yard: Yard):
    run = yard.run(
        {
            "build": leaving("mkdir -p dist; echo 1 >dist/app; chmod 755 dist/app", paths=["dist"]),
            "other": ["true"],
            "test": {"commands": ["cat dist/app; stat -c %a dist/app"], "dependsOn": ["build"]},
            "apart": {"commands": ["test ! -e dist"], "dependsOn": ["other"]},
        }
    )
    assert run.status.phase == "Succeeded"
    assert yard.log(run.name, "test") == "1\n755\n"


def test_files_replace_those_of_the_commit(yard: Yard, project: Path):
    run = yard.run(
        {
            "build": leaving("echo built >README", paths=["README"]),
            "test": {"commands": ["cat README"], "dependsOn": ["build"]},
        },
        {"repository": str(project)},
    )
    assert yard.log(run.name, "test") == "built\n"


def test_files_never_leave_the_workspace_of_who_gets_them(yard: Yard, tmp_path: Path):
    """The first step leaves a link, the second a file below it: nothing is written through it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    run = yard.run(
        {
            "link": leaving(f"ln -s {outside} way", paths=["way"]),
            "file": leaving("mkdir way; echo x >way/file", paths=["way"]),
            "both": {"commands": ["true"], "dependsOn": ["link", "file"]},
        }
    )
    assert list(outside.iterdir()) == []
    assert run.status.step("both").reason == "ArtifactsFailed"
    assert "way/file" in run.status.step("both").message


def test_texts_are_masked_and_other_files_untouched(yard: Yard):
    yard.secrets = {"app": {"token": SECRET}}
    step = leaving(
        'echo "token=$TOKEN" >text; printf "\\\\0%s" "$TOKEN" >binary; cp text deep-text',
        paths=["*"],
        secrets=[{"secretRef": "app", "key": "token", "envVar": "TOKEN"}],
    )
    files = kept(yard.run({"only": step}))
    assert files["text"] == b"token=***REDACTED***\n"
    assert files["binary"] == b"\0" + SECRET.encode()


def test_files_expire(yard: Yard):
    step = {"commands": ["echo x >a; echo y >b"],
            "artifacts": [{"name": "short", "paths": ["a"], "expireIn": "1h"},
                          {"name": "long", "paths": ["b"]}]}  # fmt: skip
    run = yard.run({"only": step})
    assert set(kept(run)) == {"a", "b"}
    later = run.status.completion_time + datetime.timedelta(minutes=59)
    assert yard.records.drop_expired(later) == 0
    assert yard.records.drop_expired(later + datetime.timedelta(minutes=2)) == 1
    assert set(kept(run)) == {"b"}


def test_an_artifact_that_has_gone_fails_who_needs_it(yard: Yard):
    run = yard.run(
        {
            "build": leaving("touch a", paths=["a"]),
            "wipe": {"commands": [f"rm -r {yard.store}/runs/*/artifacts"], "dependsOn": ["build"]},
            "test": {"commands": ["true"], "dependsOn": ["wipe", "build"]},
        }
    )
    assert run.status.step("test").reason == "ArtifactNotFound"


def test_a_rerun_takes_over_what_succeeded_with_its_files(yard: Yard, tmp_path: Path):
    text = pipeline(
        {
            "build": leaving(f"echo + >>{tmp_path}/built; echo 1 >app", paths=["app"]),
            "test": {"commands": [f"cat app; test -e {tmp_path}/fixed"], "dependsOn": ["build"]},
        }
    )
    first = yard.launch(text).run
    assert first.status.phase == "Failed"
    (tmp_path / "fixed").touch()
    runs = yard.runs()
    (again,) = runs.launch([runs.rerun_order(first.name, failed_only=True, by="Ada")])
    assert again.run.status.phase == "Succeeded"
    assert again.run.name != first.name
    assert again.run.status.step("build").reason == Reason.REUSED
    assert yard.log(again.run.name, "test") == "1\n"
    assert (tmp_path / "built").read_text() == "+\n"
    (all_of_it,) = runs.launch([runs.rerun_order(first.name, failed_only=False, by="Ada")])
    assert all_of_it.run.status.phase == "Succeeded"
    assert (tmp_path / "built").read_text() == "+\n+\n"


# --- caches


def caching(*commands: str, key: str = "k", paths: list[str]) -> dict[str, object]:
    return {"commands": list(commands), "cache": [{"key": key, "paths": paths}]}


def test_a_cache_is_found_again_by_its_key(yard: Yard):
    fill = caching("mkdir -p deps; echo 1 >deps/a; echo 2 >b", paths=["deps", "b"])
    show = caching("cat deps/a b", paths=["deps", "b"])
    assert yard.step(fill).phase == "Succeeded"
    assert yard.output(show) == "1\n2\n"
    assert yard.output(caching("ls -A", key="other", paths=["deps"])) == ""


def test_a_cache_of_a_failed_step_is_not_kept(yard: Yard):
    assert yard.step(caching("echo 1 >a", "exit 1", paths=["a"])).phase == "Failed"
    assert yard.output(caching("ls -A", paths=["a"])) == ""


def test_a_key_follows_the_files_it_is_made_of(yard: Yard, tmp_path: Path, project: Path):
    key = "deps-${{ hashFiles('README') }}"
    where = {"repository": str(project)}
    assert yard.step(caching("echo 1 >a", key=key, paths=["a"]), where).phase == "Succeeded"
    assert yard.output(caching("cat a", key=key, paths=["a"]), where) == "1\n"
    (project / "README").write_text("changed")
    commit(project, {})
    assert "a" not in yard.output(caching("ls", key=key, paths=["a"]), where).split()


def test_a_damaged_cache_is_told(yard: Yard):
    assert yard.step(caching("echo 1 >a", paths=["a"])).phase == "Succeeded"
    for archive in (yard.store / "caches").glob("*.tar"):
        archive.write_bytes(b"no archive" * 100)
    status = yard.step(caching("true", paths=["a"]))
    assert (status.phase, status.reason) == ("Failed", "CacheFailed")


def test_the_record_is_json_throughout(yard: Yard):
    run = yard.run({"only": leaving("touch a", paths=["a"])})
    text = (yard.store / "runs" / run.name / "record.json").read_text()
    assert json.loads(text)["metadata"]["name"] == run.name
