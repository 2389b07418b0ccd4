"""The two packages, built from what a clone would hold, and environments with nothing else in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import copy_checkout
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# The programs of the developer's environment, also where it is not active.
TOOLS = Path(sys.executable).parent
os.environ["PATH"] = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"


def run(
    *command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command, show all it printed when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=None if env is None else dict(env),
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.fail(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def uv() -> str:
    """The program that make installed or found."""
    made = sorted((Path.home() / ".cache" / "c8s").glob("uv-*/bin/uv"))
    found = os.environ.get("C8S_UV") or shutil.which("uv") or (made and made[-1])
    if not found:
        pytest.fail("uv is not on the path: run this by `make sanity-package`")
    return str(found)


class Environment:
    """A virtual environment and a home folder; its programs see nothing of the developer's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        run(uv(), "venv", "--quiet", "--python", sys.executable, folder / "venv")

    def install(self, *words: str | Path) -> None:
        python = self.folder / "venv" / "bin" / "python"
        run(uv(), "pip", "install", "--quiet", "--python", python, *words)

    def run(self, program: str, *words: str | Path, **env: str) -> str:
        bare = {
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "PATH": f"{self.folder}/venv/bin:/usr/bin:/bin",
            **env,
        }
        command = self.folder / "venv" / "bin" / program
        return run(command, *words, cwd=self.home, env=bare).stdout


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection's root in a copy of the checkout."""
    root = tmp_path_factory.mktemp("tree") / "ansible_collections" / "c8s" / "ci"
    copy_checkout.mirror(CHECKOUT, root)
    return root


@pytest.fixture(scope="session")
def tarball(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("tarball")
    run("ansible-galaxy", "collection", "build", "--output-path", target, tree)
    return next(target.glob("c8s-ci-*.tar.gz"))


@pytest.fixture(scope="session")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target, cwd=tree)
    return next(target.glob("c8s_ci-*.whl"))


@pytest.fixture(scope="session")
def with_tarball(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """What the product stands on, and the collection as `ansible-galaxy` installs it."""
    environment = Environment(tmp_path_factory.mktemp("with_tarball"))
    environment.install("-r", CHECKOUT / "requirements" / "product.txt")
    environment.run("ansible-galaxy", "collection", "install", "--offline", tarball)
    return environment


@pytest.fixture(scope="session")
def with_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel and what it asks for, at the versions that are pinned."""
    environment = Environment(tmp_path_factory.mktemp("with_wheel"))
    environment.install("--constraint", CHECKOUT / "requirements" / "product.txt", wheel)
    return environment
