"""Pipelines of real repositories, served to the pods: the sample project's, and this checkout's."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from copy_checkout import CHECKOUT, listed

from e2e.git_server import PASSWORD, USER, Origin, https_server, ssh_server
from e2e.lab import Lab

BIN = pathlib.Path(sys.executable).parent
SIGNING_TOKEN = "a-token-that-only-signing-knows"


def sample_project(folder: pathlib.Path) -> Origin:
    """The sample project with the history that its own pipeline wants to see."""
    origin = Origin(folder, "")
    shutil.copytree(CHECKOUT / "examples" / "sample-project", folder)
    origin.git("init", "--quiet", "--initial-branch", "main")
    origin.git("add", "README.md", "nextver/__init__.py", "nextver/version.py")
    origin.git("commit", "--quiet", "--message", "Read and compare versions")
    origin.git("tag", "--annotate", "--message", "The first release", "v1.0.0")
    origin.git("add", "nextver", "tests")
    origin.git("commit", "--quiet", "--message", "feat: Tell the next version")
    origin.git("add", "--all")
    origin.git("commit", "--quiet", "--message", "build: A pipeline")
    return origin


def this_checkout(folder: pathlib.Path) -> Origin:
    """What git tracks, or would track, of this checkout."""
    for path in sorted(listed(CHECKOUT)):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / path, target, follow_symlinks=False)
    origin = Origin(folder, "")
    origin.git("init", "--quiet", "--initial-branch", "main")
    origin.git("add", "--all")
    origin.git("commit", "--quiet", "--message", "As it is")
    return origin


PROJECTS: dict[str, Callable[[pathlib.Path], Origin]] = {
    "sample-project": sample_project,
    "this-checkout": this_checkout,
}
ENDS = {
    "sample-project": {
        "lint": "Succeeded",
        "spelling": "Failed",
        "build": "Succeeded",
        "try": "Succeeded",
        "sign": "Succeeded",
        "release-notes": "Skipped",
    },
    "this-checkout": dict.fromkeys(("compile", "floors", "version", "changelog"), "Succeeded"),
}


@pytest.fixture(params=PROJECTS)
def project(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> tuple[str, Origin]:
    name: str = request.param
    return name, PROJECTS[name](tmp_path / "served" / name)


@pytest.fixture
def signing(lab: Lab) -> None:
    lab.secret("signing", token=SIGNING_TOKEN)


def check(lab: Lab, name: str, record: dict[str, Any]) -> None:
    phases = {step["name"]: step["phase"] for step in record["status"]["steps"]}
    assert record["status"]["phase"] == "Succeeded", record["status"]
    assert phases == ENDS[name]
    kept = b"".join(path.read_bytes() for path in lab.store.rglob("*") if path.is_file())
    assert SIGNING_TOKEN.encode() not in kept
    if name == "sample-project":
        assert b"the next version is 1.1.0" in kept
        assert b"signing with ***REDACTED***" in kept


@pytest.mark.usefixtures("signing")
def test_by_the_command_in_a_checkout(
    lab: Lab, project: tuple[str, Origin], tmp_path: pathlib.Path
) -> None:
    """Its `origin` is where the pods get it from, over ssh; not one file is named."""
    name, origin = project
    with ssh_server(tmp_path / "sshd", lab.cluster.host_address) as server:
        lab.secret("key", **{"ssh-key": server.key, "known-hosts": server.known_hosts})
        checkout = tmp_path / "checkout"
        origin.git("clone", "--quiet", str(origin.folder), str(checkout))
        Origin(checkout, "").git("remote", "set-url", "origin", f"{server.url}{origin.folder}")
        done = subprocess.run(
            [
                *(BIN / "c8s", "run", "--executor", "kubernetes", "-o", "json"),
                *("--namespace", lab.namespace, "--kubeconfig", lab.kubeconfig),
                *("--store", lab.store, "--agent-image", lab.agent, "--clone-secret", "key"),
            ],
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    check(lab, name, json.loads(done.stdout))


@pytest.fixture
def git_home(lab: Lab, tmp_path: pathlib.Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a server with what is in `served`, and what git on this host wants for it."""
    home = tmp_path / "home"
    home.mkdir()
    with https_server(tmp_path / "served", lab.cluster.host_address, tmp_path / "pki") as base:
        address = base.removeprefix("https://")
        (home / ".git-credentials").write_text(f"https://{USER}:{PASSWORD}@{address}\n")
        (home / ".gitconfig").write_text("[credential]\n  helper = store\n")
        authority = tmp_path / "pki" / "ca.crt"
        lab.config_map("authorities", {"ca.crt": authority.read_text()})
        lab.secret("forge", username=USER, password=PASSWORD)
        yield base, {"HOME": str(home), "GIT_SSL_CAINFO": str(authority)}


@pytest.mark.usefixtures("signing")
def test_by_a_playbook_from_a_branch(
    lab: Lab,
    project: tuple[str, Origin],
    tmp_path: pathlib.Path,
    git_home: tuple[str, dict[str, str]],
) -> None:
    """The pipeline is the one that is committed there: nothing of it is on this host."""
    name, _origin = project
    base, environment = git_home
    record = tmp_path / "record.json"
    tasks = [
        {
            "c8s.ci.pipeline_run": {
                "repository": f"{base}/{name}/.git",
                "branch": "main",
                "executor": "kubernetes",
                "kubeconfig": str(lab.kubeconfig),
                "namespace": lab.namespace,
                "store": str(lab.store),
                "agent_image": lab.agent,
                "clone_secret": "forge",
                "authorities": "authorities",
            },
            "register": "launched",
        },
        {"ansible.builtin.copy": {"content": "{{ launched.run | to_json }}", "dest": str(record)}},
    ]
    book = tmp_path / "book.yml"
    book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    done = subprocess.run(
        [BIN / "ansible-playbook", book],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    check(lab, name, json.loads(record.read_text()))
    assert PASSWORD not in done.stdout + done.stderr
