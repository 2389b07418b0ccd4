"""Words that shells complete."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import to_record
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Event
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.runs import EXECUTORS
from ansible_collections.c8s.ci.plugins.module_utils.storage.run_directory import RunDirectory

from c8s.cli import options
from sample_runs import ended, in_phase, pipeline_text, run_of


@pytest.fixture(autouse=True)
def store(folder: Path) -> RunDirectory:
    store = RunDirectory(folder.parent / "store")
    text = pipeline_text({"build": [], "test": []})
    for name in ("demo-1", "demo-2"):
        store.write(to_record(in_phase(run_of(text, ended("build"), name=name), Phase.FAILED)))
    return store


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "validate plan run get logs cancel rerun secret doctor mask schema completion"),
        ("r", "run rerun"),
        ("get ", "runs secrets"),
        ("secret ", "create"),
        ("get secrets -o ", "text wide name json yaml"),
        ("secret create x -o ", "text json yaml"),
        ("logs ", "demo-1 demo-2"),
        ("logs demo-2", "demo-2"),
        ("logs demo-1 ", ""),
        ("logs demo-1 --step ", "build test"),
        ("logs demo-1 --step t", "test"),
        ("logs --step build ", "demo-1 demo-2"),
        ("logs --step=build demo-1 ", ""),
        ("logs --step ", ""),
        ("logs demo-1 --fo", "--follow"),
        ("get runs demo-", "demo-1 demo-2"),
        ("get runs --phase F", "Failed"),
        ("get runs -o ", "text wide name json yaml"),
        ("run -o ", "text json yaml jsonl"),
        ("validate --output j", "json"),
        ("run --executor ", "local docker podman kubernetes"),
        ("run --event t", "tag"),
        ("run ", ""),
        ("run --secrets ", ""),
        ("rerun --failed d", "demo-1 demo-2"),
        ("cancel d", "demo-1 demo-2"),
        ("completion ", "bash zsh fish"),
        ("logs gone --step ", ""),
    ],
)
def test_what_may_follow(complete, line: str, words: str):
    assert sorted(complete(line)) == sorted(words.split())


def test_options_tell_what_they_mean(c8s, monkeypatch):
    monkeypatch.setenv("_C8S_COMPLETE", "zsh")
    assert c8s("logs", "--fol").out == "--follow\tGo on until the run has ended\n"
    assert c8s("logs", "demo-1", "--step", "b").out == "build\tSucceeded\n"
    hidden = [line for line in c8s("get", "").out.splitlines() if line.startswith("run\t")]
    assert hidden == []


def test_another_store(complete, folder: Path):
    assert complete(f"logs --store {folder} ") == []
    assert complete(f"logs --store={folder.parent / 'store'} demo-1") == ["demo-1"]


def test_a_store_that_cannot_be_read_offers_nothing(c8s, folder: Path, monkeypatch):
    (folder.parent / "store" / "runs" / "demo-1" / "record.json").write_bytes(b"{")
    monkeypatch.setenv("_C8S_COMPLETE", "bash")
    done = c8s("logs", "demo-1", "--step", "")
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.fixture
def complete(c8s, monkeypatch) -> Callable[[str], list[str]]:
    """What is offered for the last word of a line."""

    def offered(line: str) -> list[str]:
        monkeypatch.setenv("_C8S_COMPLETE", "bash")
        done = c8s(*line.split(" "))
        assert (done.code, done.err) == (0, "")
        return [value.split("\t")[0] for value in done.out.splitlines()]

    return offered


@pytest.mark.parametrize(
    ("line", "words"),
    [("c8s logs demo", ["demo-1", "demo-2"]), ("c8s logs demo-1 --step ", ["build", "test"]),
     ("c8s run --exec", ["--executor"]), ("c8s validate ", [])],
)  # fmt: skip
def test_in_bash(line: str, words: list[str]):
    script = f"""
        source <(c8s completion bash)
        COMP_WORDS=({line})
        COMP_CWORD={len(line.split(" ")) - 1}
        _c8s
        printf '%s\n' "${{COMPREPLY[@]}}"
        complete -p c8s
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    *offered, how = filter(None, done.stdout.splitlines())
    assert offered == words
    assert "-F _c8s" in how


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(c8s, shell: str):
    done = c8s("completion", shell)
    assert done.code == 0
    assert f"_C8S_COMPLETE={shell} c8s" in done.out


def test_choices_are_those_of_the_parts_below():
    assert list(options.Executor) == [*EXECUTORS, "kubernetes"]
    assert list(options.Event) == list(Event)
    assert {str(phase) for phase in options.RunPhase} == {str(p) for p in Phase} - {"Skipped"}
