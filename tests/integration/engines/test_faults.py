"""Engines that are not there, or cease to be."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Unavailable

from integration.engines import engine_hosts
from integration.engines.engine_yard import EngineYard, Launch


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_program_that_is_missing(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    yard = EngineYard(tmp_path, engine=engine)
    with pytest.raises(Unavailable, match=rf"no program '{engine}' on the PATH; install {engine}"):
        yard.run({"only": ["true"]})


def test_a_daemon_that_does_not_answer(
    docker_host: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    yard = EngineYard(tmp_path, engine="docker")
    with pytest.raises(Unavailable, match=r"none\.sock.*is the daemon running") as caught:
        yard.run({"only": ["true"]})
    assert not re.search("Traceback|panic", str(caught.value))


def test_a_podman_that_is_not_set_up(
    podman_host: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "containers.conf").write_text("[engine]\nruntime = 'none'\n")
    monkeypatch.setenv("CONTAINERS_CONF", str(tmp_path / "containers.conf"))
    yard = EngineYard(tmp_path, engine="podman")
    with pytest.raises(Unavailable, match=r"podman does not work: .*`podman info` has to work"):
        yard.run({"only": ["true"]})


def test_a_daemon_that_dies_under_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Nothing hangs, and what may be left is told."""
    engine_hosts.install("docker.io:dockerd", "iproute2:ip")
    yard = EngineYard(tmp_path, engine="docker")
    with engine_hosts.folder() as root, engine_hosts.docker(root) as environment:
        monkeypatch.setenv("DOCKER_HOST", environment["DOCKER_HOST"])
        launch = Launch(yard, {"only": ["touch mark", "sleep 300"]})
        yard.mark("only")
        os.kill(int((root / "pid").read_text()), signal.SIGKILL)
        with pytest.raises(Unavailable, match=r"containers of run .* may be left"):
            launch.ended()
    (name,) = yard.records.names()
    status = yard.records.read(name)["status"]
    assert status["phase"] == "Failed"
    assert status["steps"][0]["reason"] == "EngineFailed"
    assert list(yard.workspaces.iterdir()) == []


def test_a_cancel_does_not_wait_for_a_pull(
    podman_host: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """podman pulls from this namespace, so that a registry that says nothing can be played."""
    for variable, value in podman_host.items():
        monkeypatch.setenv(variable, value)
    yard = EngineYard(tmp_path, engine="podman")
    with socket.create_server(("127.0.0.1", 0)) as registry:
        image = f"127.0.0.1:{registry.getsockname()[1]}/mute:1"
        launch = Launch(yard, {"only": {"image": image, "commands": ["echo never"]}})
        registry.settimeout(20)
        connection, _address = registry.accept()
        began = time.monotonic()
        launch.runs.interrupt("a test")
        run = launch.ended()
        connection.close()
    assert run.status.phase == "Cancelled"
    assert time.monotonic() - began < 8
