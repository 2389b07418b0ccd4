"""Only what is missing is installed, once, and who may not install is told what to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "system-packages"


class Machine:
    """A path of programs that stand in for Debian's, and a record of what apt-get was asked."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.asked = folder / "asked"
        self.add("dpkg-query", '[ "$3" = present ] && printf installed; [ "$3" = present ]')
        self.be(0)

    def add(self, name: str, script: str) -> None:
        (self.programs / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (self.programs / name).chmod(0o755)

    def be(self, user: int) -> None:
        self.add("id", f"echo {user}")

    def give_apt(self) -> None:
        self.add("apt-get", f'echo "$*" >> {self.asked}')

    def install(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", SCRIPT, *words],
            env={"PATH": str(self.programs)},
            check=False,
            capture_output=True,
            text=True,
        )

    def asks(self) -> list[str]:
        return self.asked.read_text(encoding="utf-8").splitlines() if self.asked.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_is_there_is_left_alone(machine: Machine):
    machine.give_apt()
    machine.add("tool", "true")
    assert machine.install("present", "package-of-tool:tool").returncode == 0
    assert machine.asks() == []


def test_what_is_missing_is_installed_in_one_go(machine: Machine):
    machine.give_apt()
    assert machine.install("one", "present", "two:program").returncode == 0
    update, install = machine.asks()
    assert update.endswith("update")
    assert install.endswith("install --yes --no-install-recommends one two")


def test_a_plain_user_is_told_what_to_run(machine: Machine):
    machine.give_apt()
    machine.be(1000)
    done = machine.install("one", "two")
    assert done.returncode == 1
    assert "sudo apt-get install --no-install-recommends one two" in done.stderr
    assert machine.asks() == []


def test_another_system_is_told_what_is_needed(machine: Machine):
    done = machine.install("one:program")
    assert done.returncode == 1
    assert "Needed and not here" in done.stderr
    assert "one" in done.stderr
