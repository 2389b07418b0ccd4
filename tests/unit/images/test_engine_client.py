"""The engines' command line, played by small programs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import NotFound, Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.images.engine_client import (
    CallGivenUp,
    EngineClient,
    EngineFacts,
    facts_of,
    full_name,
    words_of,
)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes a program `docker` of these lines of shell; it writes its arguments to `calls`."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def make(*lines: str) -> EngineClient:
        path = tmp_path / "docker"
        head = ["#!/bin/sh", f'echo "$@" >> {tmp_path}/calls', "shift 2"]
        path.write_text("\n".join([*head, *lines]) + "\n")
        path.chmod(0o755)
        return EngineClient("docker")

    return make


def test_an_answer_is_kept_apart_from_what_was_said(program):
    client = program("echo out", "echo 'Error response from daemon: no way' >&2", "exit 3")
    answer = client.call("ps", "--all")
    assert (answer.code, answer.output, answer.words) == (3, "out\n", "no way")
    assert not answer.ok


def test_the_environment_is_the_one_given(program):
    client = program("echo $TOKEN")
    assert client.call("create", env={**os.environ, "TOKEN": "x"}).output == "x\n"


def test_a_call_ends_once_nobody_wants_it(program):
    client = program("exec sleep 60")
    began = time.monotonic()
    with pytest.raises(CallGivenUp, match="`docker pull` was given up"):
        client.call("pull", given_up=lambda: time.monotonic() > began + 0.2)
    assert time.monotonic() - began < 5


def test_an_engine_that_does_not_answer(program):
    client = program("exec sleep 60")
    with pytest.raises(Unavailable, match=r"`docker ps` did not answer within 0\.2 s"):
        client.call("ps", seconds=0.2)


def test_a_program_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no program 'docker' on the PATH; install docker or"):
        EngineClient("docker").facts()
    with pytest.raises(Unavailable, match="docker cannot be started"):
        EngineClient("docker").call("ps")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["echo 'Cannot connect to the Docker daemon at unix:///x.' >&2; exit 1"],
            "Cannot connect",
        ),
        (["""echo '{"ServerErrors": ["permission denied"], "NCPU": 0}'"""], "permission denied"),
        (["echo podman"], "`info` gives no JSON"),
        (["echo '{}'; exit 4"], "exit code 4"),
    ],
)
def test_an_engine_that_does_not_work(program, lines, said):
    with pytest.raises(Unavailable, match="is the daemon running") as caught:
        program(*lines).facts()
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("info", "facts"),
    [
        (
            {"SecurityOptions": ["name=seccomp,profile=default"], "CgroupVersion": "1", "NCPU": 2},
            EngineFacts(cgroup_version=1, cpus=2),
        ),
        (
            {"SecurityOptions": ["name=rootless", "name=cgroupns"], "CgroupVersion": "2"},
            EngineFacts(rootless=True),
        ),
        (
            {"SecurityOptions": ["name=userns", "name=selinux"], "NCPU": 4},
            EngineFacts(remapped=True, labels=True, cpus=4),
        ),
        ({"SecurityOptions": None}, EngineFacts()),
        (
            {
                "host": {
                    "security": {"rootless": True, "selinuxEnabled": True},
                    "cgroupVersion": "v2",
                    "cpus": 8,
                }
            },
            EngineFacts(rootless=True, labels=True, cpus=8),
        ),
        ({"host": {"cgroupVersion": "v1"}}, EngineFacts(cgroup_version=1)),
    ],
)
def test_facts_of_both_engines(info, facts):
    assert facts_of(info) == facts


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Error: no such image\n", "no such image"),
        ("docker: Error response from daemon: bad.\n\nRun 'docker run --help' for more", "bad."),
        ("Resource limits are not supported and ignored on cgroups V1\nError: x\n", "x"),
        ("a\nb\nc\nd\ne\nf\n", "b; c; d; e; f"),
        ("", ""),
    ],
)
def test_words_are_those_for_people(said, words):
    assert words_of(said) == words


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("busybox", "docker.io/library/busybox"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("grafana/loki:3", "docker.io/grafana/loki:3"),
        ("quay.io/a/b", "quay.io/a/b"),
        ("localhost/a", "localhost/a"),
        ("host:5000/a", "host:5000/a"),
        ("ghcr.io/a@sha256:00", "ghcr.io/a@sha256:00"),
    ],
)
def test_images_without_a_registry_are_those_of_docker(image, full):
    assert full_name(image) == full


def test_an_image_that_is_here_is_not_pulled(program, tmp_path: Path):
    assert program("exit 0").fetch("busybox") == "busybox"
    assert "pull" not in (tmp_path / "calls").read_text()


def test_an_image_that_is_not_here_is_pulled_by_its_full_name(program, tmp_path: Path):
    client = program('test "$1" = pull')
    assert client.fetch("busybox:1") == "docker.io/library/busybox:1"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[-1] == "--log-level error pull --quiet docker.io/library/busybox:1"


def test_an_image_that_is_nowhere(program):
    client = program('if test "$1" = info; then echo "{\\"NCPU\\": 2}"; exit; fi',
                     "echo 'Error: manifest unknown' >&2; exit 1")  # fmt: skip
    with pytest.raises(NotFound, match="image 'a/b:1' is not here and cannot be pulled: manifest"):
        client.fetch("a/b:1")


def test_a_dead_engine_is_not_a_missing_image(program):
    client = program("echo 'Cannot connect' >&2; exit 1")
    with pytest.raises(Unavailable, match="docker does not work: Cannot connect"):
        client.fetch("a/b:1")
