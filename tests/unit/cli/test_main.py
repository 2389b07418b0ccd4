"""The first instructions: fast where they have to be, and no traceback for anybody."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core import errors

from c8s.cli import ending
from c8s.cli.main import main

HEAVY = {
    "ansible", "boto3", "docker", "hyperscan", "jsonschema", "kubernetes", "pydantic", "rich",
    "yaml",
}  # fmt: skip


def loaded_by(script: str, **environment: str) -> set[str]:
    """The top-level modules that a script of this interpreter loads."""
    code = f"import sys\n{script}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_version_is_that_of_the_package(c8s):
    assert c8s("--version").out == f"c8s {metadata.version('c8s-ci')}\n"
    assert c8s("--store", ".", "--version").out == c8s("--version").out


def test_the_version_loads_nothing_of_the_rest():
    loaded = loaded_by("from c8s.cli.main import main; main(['--version'])")
    assert not loaded & (HEAVY | {"typer", "ansible_collections"})


def test_completion_loads_nothing_heavy(tmp_path: Path):
    script = "from c8s.cli.main import main; main(['logs', 'de'])"
    loaded = loaded_by(script, _C8S_COMPLETE="bash", C8S_STORE=str(tmp_path))
    assert not loaded & HEAVY
    assert "typer" in loaded


@pytest.mark.parametrize("words", ["--help", "run --help", "get runs"])
def test_other_words_load_what_they_need_alone(words: str, tmp_path: Path):
    script = f"from c8s.cli.main import main; main({words.split()})"
    loaded = loaded_by(script, C8S_STORE=str(tmp_path))
    assert not loaded & (HEAVY - {"yaml"})


def test_without_words_it_says_how_to_use_it(c8s):
    done = c8s()
    assert done.code == 2
    assert "Usage: c8s" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["valdiate"], "Did you mean 'validate'"),
        (["validate", "--strct"], "--strct"),
        (["run", "--executor", "vm"], "'vm' is not one of"),
        (["run", "--parallel", "0"], "--parallel"),
        (["logs"], "RUN"),
        (["logs", "a", "b"], "unexpected extra argument"),
        (["get", "runs", "--limit", "-1"], "--limit"),
        (["mask"], "--secrets-file"),
        (["completion", "tcsh"], "tcsh"),
    ],
)
def test_wrong_usage_is_2(c8s, words: list[str], said: str):
    done = c8s(*words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidInput("x"), 2),
        (errors.NotFound("x"), 3),
        (errors.Denied("x"), 4),
        (errors.Unavailable("x"), 5),
        (errors.Conflict("x"), 1),
        (errors.Timeout("x"), 1),
        (errors.C8sError("x"), 1),
    ],
)
def test_every_error_has_its_code(error: errors.C8sError, code: int, capfd):
    assert ending.guarded(_raising(error), debug=False) == code
    assert capfd.readouterr() == ("", "error: x\n")


def test_every_problem_is_told(capfd):
    error = errors.InvalidInput(errors.Problem("one", "a", "f", 1, 2), "two")
    assert ending.guarded(_raising(error), debug=False) == 2
    assert capfd.readouterr().err == "error: f:1:2: a: one\nerror: two\n"


def test_nobody_sees_a_traceback(capfd):
    assert ending.guarded(_raising(ValueError("odd\nand more")), debug=False) == 1
    said = capfd.readouterr().err
    assert said.startswith("error: a fault in c8s itself: ValueError: odd\n")
    assert "C8S_DEBUG=1" in said
    assert "Traceback" not in said


def test_but_whoever_asks_for_it(capfd):
    assert ending.guarded(_raising(ValueError("odd")), debug=True) == 1
    assert "Traceback (most recent call last)" in capfd.readouterr().err


@pytest.mark.parametrize("words", [["-vvv", "plan"], ["plan", "-v"], ["plan", "--verbose"]])
def test_asking_is_done_anywhere(c8s, monkeypatch, words: list[str]):
    monkeypatch.setattr("c8s.cli.pipeline_file.read", _raising(ValueError("odd")))
    assert "Traceback" in c8s(*words).err
    assert "Traceback" not in c8s("plan").err
    monkeypatch.setenv("C8S_DEBUG", "1")
    assert "Traceback" in c8s("plan").err


def test_behind_two_dashes_it_is_a_word(c8s):
    assert "'-v'" in c8s("validate", "--", "-v").out


def test_a_fault_in_a_thread_is_told_as_well(capfd, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)

    def act() -> int:
        thread = threading.Thread(target=_raising(ValueError("in a thread")))
        thread.start()
        thread.join()
        return 0

    assert ending.guarded(act, debug=False) == 0
    said = capfd.readouterr().err
    assert "ValueError: in a thread" in said
    assert "Traceback" not in said


def test_an_interrupt_is_130(capfd):
    assert ending.guarded(_raising(KeyboardInterrupt()), debug=False) == 130
    assert capfd.readouterr().err == ""


def test_nobody_reads_the_output_any_more(tmp_path: Path):
    """As in `c8s schema | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "c8s", "schema"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        cwd=tmp_path,
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 1


def test_the_store_may_be_named_before_the_verb(c8s, folder: Path):
    assert str(folder / "other") in c8s("--store", folder / "other", "get", "runs", "x").err
    assert str(folder / "other") in c8s("get", "runs", "--store", folder / "other", "x").err
    assert str(folder / "other") in c8s("get", "runs", "x", "--store", folder / "other").err


def test_so_may_the_output(c8s, folder: Path):
    assert c8s("-o", "json", "get", "runs").out.startswith("{")
    assert c8s("-o", "yaml", "get", "runs", "-o", "json").out.startswith("{")
    assert c8s("-o", "wrong", "get", "runs").code == 2


def test_main_takes_its_words_from_the_command_line(monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", ["c8s", "--version"])
    assert main() == 0
    assert capfd.readouterr().out.startswith("c8s ")


def _raising(error: BaseException) -> Callable[..., int]:
    def act(*_arguments: object, **_options: object) -> int:
        raise error

    return act
