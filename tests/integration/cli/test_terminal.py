"""The command on a terminal: a picture that lives, and a terminal that is left as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator

import pytest

PIPELINE = """\
version: v1alpha1
name: demo
steps:
  - {name: build, image: "busybox:1.36", commands: [WAIT]}
  - {name: test, image: "busybox:1.36", dependsOn: [build], commands: [echo tested, exit 3]}
  - {name: ship, image: "busybox:1.36", dependsOn: [test], commands: [echo shipped]}
"""
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """A terminal of which the program sees one end."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        self.shown = ""
        self.resize(80, 24)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def wait_for(self, text: str) -> None:
        """Read until the text has been shown."""
        while text not in CONTROL.sub("", self.shown):
            assert self._read(), f"{text!r} was never shown:\n{self.shown}"

    def rest(self) -> str:
        """All that was shown, when the program has ended."""
        while self._read():
            pass
        return self.shown

    def _read(self) -> bool:
        try:
            piece = os.read(self._ours, 65536).decode(errors="replace")
        except OSError:  # So Linux says that the other end is closed.
            piece = ""
        self.shown += piece
        return bool(piece)

    def close(self) -> None:
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def started(project, terminal: Terminal, *words: str, **environment: str) -> subprocess.Popen[str]:
    """The command with its diagnostics on the terminal."""
    process = project.start(
        *words,
        stderr=terminal.theirs,
        env={**project.environment, "TERM": "xterm-256color", **environment},
    )
    os.close(terminal.theirs)
    return process


@pytest.fixture
def go(project, tmp_path):
    """Lets the step `build` end."""
    waits = f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
    project.commit({".c8s.yaml": PIPELINE.replace("WAIT", f"'{waits}'")}, "Make it so")
    return (tmp_path / "go").touch


def test_a_picture_that_lives(project, terminal, go):
    with started(project, terminal, "run") as process:
        terminal.wait_for("└─ ○ test")
        terminal.resize(40, 10)
        terminal.resize(120, 50)
        go()
        shown = terminal.rest()
        out, _err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "demo-1\n")
    assert shown.count(HIDE) == shown.count(SHOW) == 1
    text = CONTROL.sub("", shown)
    last = text[text.rindex("demo-1 · main@") :]
    assert "Make it so" in last
    assert re.search(r"✔ build +\d\.\ds", last)
    assert re.search(r"└─ ✘ test +\d\.\ds +exit code 3", last)
    assert "   └─ ⊘ ship" in last
    assert "3/3" in last
    assert "Failed" in last
    assert "| tested" in last
    assert "c8s rerun demo-1 --failed" in last


def test_ctrl_c_leaves_the_terminal_as_it_was(project, terminal, go):
    with started(project, terminal, "run") as process:
        terminal.wait_for("build")
        project.wait_for_step("demo-1", "build")
        process.send_signal(signal.SIGINT)
        shown = terminal.rest()
    assert process.returncode == 130
    assert shown.rstrip().endswith("--failed")
    assert shown.rindex(SHOW) > shown.rindex(HIDE)
    assert "Interrupted: demo-1 is Cancelled" in shown


@pytest.mark.parametrize("setting", ["NO_COLOR=1", "TERM=dumb", "CI=true"])
def test_lines_where_a_picture_is_not_wanted(project, terminal, go, setting: str):
    go()
    name, _equals, value = setting.partition("=")
    with started(project, terminal, "run", **{name: value}):
        shown = terminal.rest()
    assert HIDE not in shown
    assert "demo-1/build" in shown
    assert ("\x1b[" in shown) == (name == "CI")


def test_signs_for_a_terminal_without_unicode(project, terminal, go):
    ascii_only = {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    with started(project, terminal, "run", **ascii_only) as process:
        terminal.wait_for("`- . test")
        go()
        shown = terminal.rest()
    assert process.returncode == 1
    assert shown.isascii()


def test_a_terminal_that_goes_away_is_nothing_to_the_run(project, terminal, go):
    with started(project, terminal, "run", "-o", "json") as process:
        terminal.wait_for("└─ ○ test")
        terminal.close()
        go()
        out, _err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert '"phase": "Failed"' in out


def test_a_picture_and_a_record(project, terminal, go):
    go()
    with started(project, terminal, "run", "-o", "json") as process:
        shown = CONTROL.sub("", terminal.rest())
        out, _err = process.communicate(timeout=60)
    assert '"kind": "PipelineRun"' in out
    assert "└─ ✘ test" in shown


def test_nothing_if_nothing_is_wanted(project, terminal, go):
    go()
    with started(project, terminal, "run", "--quiet"):
        assert terminal.rest() == ""


def test_an_error_is_red(project, terminal):
    with started(project, terminal, "run", "gone.yaml"):
        assert terminal.rest().startswith("\x1b[1;31merror:\x1b[0m there is no file")
