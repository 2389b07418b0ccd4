"""Callers who are not root: with docker's daemon of root, and with a podman of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_yard import pipeline
from integration.engines import engine_hosts
from integration.engines.engine_yard import DEFAULTS, IMAGE

LAUNCHER = Path(__file__).with_name("launcher.py")
TESTS = Path(__file__).parents[2]
USER = 4242

STEPS = {
    "make": {
        "commands": [
            "echo $(id -u)",
            "mkdir -p out/deep; echo thing > out/deep/thing",
            "chmod 500 out/deep; chmod 400 out/deep/thing",
            "touch $HOME/file /tmp/file",
            "nc 127.0.0.1 7000 </dev/null",
        ],
        "artifacts": [{"name": "things", "paths": ["out/**"]}],
        "resources": {"memory": "32Mi", "limits": {"memory": "64Mi"}},
        "services": [
            {
                "name": "echo",
                "image": IMAGE,
                "commands": ["exec nc -ll -p 7000 -e echo hi there"],
                "readiness": {"port": 7000},
            }
        ],
    },
    "use": {"dependsOn": ["make"], "commands": ["cat out/deep/thing"]},
}


class Caller:
    """Runs programs as a user who may read everything, so as to find this Python, but no more."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.environment = environment
        (home / "passwd").write_text(
            Path("/etc/passwd").read_text() + f"somebody:x:{USER}:{USER}::{home}:/bin/sh\n"
        )
        (home / "group").write_text(Path("/etc/group").read_text() + f"somebody:x:{USER}:\n")
        (home / "subid").write_text("somebody:100000:65536\n")

    def run(self, *command: str | Path) -> str:
        """What it prints; in a mount namespace where this user is known to the system."""
        known = [("passwd", "passwd"), ("group", "group"), ("subid", "subuid"), ("subid", "subgid")]
        mounts = [f"mount --bind {self.home}/{here} /etc/{there}" for here, there in known]
        caps = "+dac_read_search"
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", f'{" && ".join(mounts)} && exec "$@"', "sh",
             "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
             f"--inh-caps={caps}", f"--ambient-caps={caps}", *command],
            cwd=self.home,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
                "PYTHONDONTWRITEBYTECODE": "1",
                **self.environment,
            },
            stdout=subprocess.PIPE,
            check=True,
        )  # fmt: skip
        return done.stdout.decode()


@pytest.fixture
def home() -> Iterator[Path]:
    with engine_hosts.folder() as root:
        os.chown(root, USER, USER)
        yield root


@pytest.fixture
def docker_caller(docker_host: dict[str, str], home: Path) -> Caller:
    return Caller(home, docker_host)


@pytest.fixture
def podman_caller(podman_host: dict[str, str], home: Path) -> Iterator[Caller]:
    """One with a podman of its own, which maps ids by the system's setuid programs."""
    engine_hosts.install("uidmap:newuidmap")
    configuration = home / "containers.conf"
    configuration.write_text('[containers]\nnetns = "none"\n[engine]\nruntime = "runc"\n')
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    os.chown(runtime, USER, USER)
    variables = {"CONTAINERS_CONF": str(configuration), "XDG_RUNTIME_DIR": str(runtime)}
    caller = Caller(home, variables)
    shutil.copy(engine_hosts.image_file(), home / "image.tar")
    caller.run("podman", "import", home / "image.tar", IMAGE)
    yield caller
    assert caller.run("podman", "ps", "--all", "--quiet") == ""
    # What holds the user's namespace open outlives every container.
    (pause,) = runtime.rglob("pause.pid")
    os.kill(int(pause.read_text()), signal.SIGKILL)


@pytest.mark.parametrize(("engine_of_caller", "inside"), [("docker", USER), ("podman", 0)])
def test_what_steps_leave_is_the_caller_s(
    request: pytest.FixtureRequest, engine_of_caller: str, inside: int
):
    caller: Caller = request.getfixturevalue(f"{engine_of_caller}_caller")
    file = caller.home / "pipeline.yaml"
    file.write_bytes(pipeline(STEPS, clone=False, defaults=DEFAULTS))
    ended = json.loads(
        caller.run(sys.executable, LAUNCHER, engine_of_caller, caller.home, file, "key")
    )
    assert ended["logs"] == {"make": f"{inside}\nhi there\n", "use": "thing\n"}
    assert ended["phase"] == "Succeeded"
    assert list((caller.home / "workspaces").iterdir()) == []
    (kept,) = (caller.home / "store").rglob("artifacts/make/things/out/deep/thing")
    assert kept.stat().st_uid == USER
