"""`c8s logs`, of runs that have ended."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.matrix import child_name
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import to_record
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import (
    MatrixStatus,
    Phase,
    Reason,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage.run_directory import RunDirectory

from sample_runs import ended, in_phase, later, pipeline_text, run_of

TEXT = pipeline_text({"build": [], "test": [], "last": []})
BYTES = b"one\ntwo\r\n\xff\x00 three \x1b[31mred\x1b[0m"


@pytest.fixture
def store(folder: Path) -> RunDirectory:
    """A run of which `build` took two attempts and `last` never began."""
    store = RunDirectory(folder.parent / "store")
    run = run_of(TEXT, ended("build", attempts=2, failures=1), ended("test"))
    store.write(to_record(in_phase(run, Phase.FAILED)))
    write(store, "demo-1", "build", 1, b"first try\n")
    write(store, "demo-1", "build", 2, BYTES)
    write(store, "demo-1", "test", 1, b"tested\n" * 3)
    return store


def write(store: RunDirectory, run: str, step: str, attempt: int, content: bytes) -> None:
    path = store.log(run, step, attempt)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def printed(*words: str) -> bytes:
    """What the command prints, byte for byte."""
    done = subprocess.run(
        [sys.executable, "-m", "c8s", "logs", *words], check=True, capture_output=True
    )
    assert done.stderr == b""
    return done.stdout


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("follow", [[], ["--follow"]])
def test_a_step_is_printed_as_it_is_stored(follow: list[str]):
    assert printed("demo-1", "--step", "build", *follow) == BYTES
    assert printed("demo-1", "--step", "test", *follow) == b"tested\n" * 3


@pytest.mark.usefixtures("store")
def test_an_attempt(c8s):
    assert c8s("logs", "demo-1", "--step", "build", "--attempt", "1").out == "first try\n"
    done = c8s("logs", "demo-1", "--step", "build", "--attempt", "3")
    assert done.code == 3
    assert "attempt 3" in done.err


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("follow", [[], ["--follow"]])
def test_the_tail(follow: list[str]):
    assert printed("demo-1", "--step", "test", "--tail", "1", *follow) == b"tested\n"
    assert printed("demo-1", "--step", "test", "--tail", "0", *follow) == b""
    assert printed("demo-1", "--step", "test", "--tail", "99", *follow) == b"tested\n" * 3


@pytest.mark.usefixtures("store")
def test_options_stand_before_or_behind_the_name():
    words = ["--step", "test", "--tail", "1"]
    assert printed("demo-1", *words) == printed(*words, "demo-1")
    assert printed(*words[:2], "demo-1", *words[2:]) == b"tested\n"


@pytest.mark.usefixtures("store")
def test_all_steps_below_their_names(c8s):
    out = c8s("logs", "demo-1", "--tail", "1").out
    assert out.startswith("==> demo-1/build <==\n")
    assert out.endswith("==> demo-1/test <==\ntested\n")
    assert "last" not in out


@pytest.mark.usefixtures("store")
def test_all_steps_side_by_side(c8s):
    out = c8s("logs", "demo-1", "--follow").out
    assert [line.partition(" | ")[0].strip() for line in out.splitlines()] == [
        *["build"] * 2, *["test"] * 3, "build",
    ]  # fmt: skip


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["gone"], 3, "no run is named 'gone'"),
        (["gone", "--follow"], 3, "no run is named 'gone'"),
        (["demo-1", "--step", "tset"], 3, "it has build, test, last"),
        (["demo-1", "--step", "tset", "-f"], 3, "it has build, test, last"),
        (["demo-1", "--step", "last"], 3, "has no log"),
        (["demo-1", "--attempt", "1"], 2, "--step"),
        (["demo-1", "--step", "build", "--attempt", "1", "-f"], 2, "--follow"),
        (["demo-1", "--tail", "-1"], 2, "--tail"),
    ],
)
def test_what_is_not_there(c8s, words: list[str], code: int, said: str):
    done = c8s("logs", *words)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_an_interrupted_run_is_followed_to_its_interruption(c8s, store: RunDirectory):
    run = run_of(TEXT, ended("build"), name="cut")
    store.write(to_record(in_phase(run, Phase.RUNNING)))
    write(store, "cut", "build", 1, b"so far\n")
    done = c8s("logs", "cut", "--follow")
    assert (done.code, done.out) == (1, "build        | so far\n")
    assert "was interrupted" in done.err


def test_what_was_taken_over_is_where_it_was(c8s, store: RunDirectory):
    taken = ended("test", reason=Reason.REUSED)
    again = run_of(TEXT, ended("build"), taken, name="demo-2", rerun_of="demo-1", reuses=True)
    store.write(to_record(in_phase(again, Phase.SUCCEEDED)))
    third = run_of(TEXT, ended("build"), taken, name="demo-3", rerun_of="demo-2", reuses=True)
    store.write(to_record(in_phase(third, Phase.SUCCEEDED)))
    assert c8s("logs", "demo-3", "--step", "test").out == "tested\n" * 3
    assert c8s("logs", "demo-3", "--step", "test", "-f").out == "tested\n" * 3


def test_a_matrix(c8s, store: RunDirectory):
    text = pipeline_text({"build": []}, matrix={"dimensions": {"os": ["linux", "mac"]}})
    values = [{"os": "linux"}, {"os": "mac"}]
    for parent, steps in (("grid", [ended("build")]), ("again", [ended("build", reason="Reused")])):
        names = tuple(child_name(parent, one) for one in values)
        run = run_of(text, name=parent, rerun_of="grid" if parent == "again" else "")
        store.write(to_record(in_phase(run, Phase.FAILED, matrix=MatrixStatus(names), steps=())))
        for name, one in zip(names, values, strict=True):
            child = run_of(text, *steps, name=name, parent=parent, matrix_values=one)
            child = dataclasses.replace(child, created_at=later(1))
            store.write(to_record(in_phase(child, Phase.SUCCEEDED)))
            if parent == "grid":
                write(store, name, "build", 1, one["os"].encode() + b"\n")
    linux, mac = (child_name("grid", one) for one in values)
    assert c8s("logs", "grid").out == (
        f"==> {linux}/build <==\nlinux\n\n==> {mac}/build <==\nmac\n"
    )
    followed = f"{linux}/build | linux\n{mac}/build | mac\n"
    assert c8s("logs", "grid", "--follow").out == followed
    refused = c8s("logs", "grid", "--step", "build")
    assert refused.code == 3
    assert linux in refused.err
    # What a matrix takes over is that of the same values.
    assert c8s("logs", child_name("again", values[1]), "--step", "build").out == "mac\n"


def test_nobody_reads_it_any_more(store: RunDirectory):
    write(store, "demo-1", "test", 1, b"x" * 1_000_000)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "c8s", "logs", "demo-1", "--step", "test"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert done.stderr == b""


def test_a_log_that_is_in_another_store_is_told_of(store: RunDirectory, c8s):
    """The store was switched after the run: nothing of it is where it is looked for now."""
    bucket = "s3://builds/ci/default/two"
    text = pipeline_text({"build": [], "test": [], "last": []})
    steps = [
        ended("build", attempts=2, failures=1, log_url=f"{bucket}/build.2.log"),
        ended("test", log_url="file:///home/eve/my%20runs/test.log"),
        ended("last", log_url=store.log("two", "last", 1).as_uri()),
    ]
    store.write(to_record(in_phase(run_of(text, *steps, name="two"), Phase.SUCCEEDED)))
    write(store, "two", "build", 1, b"first try\n")
    done = c8s("logs", "two", "--step", "build")
    assert (done.code, done.out) == (3, "")
    looked = store.log("two", "build", 2).as_uri()
    assert f"has no log for attempt 2 (Succeeded) in {looked}; it was kept in {bucket}" in done.err
    assert "name that object store by object_store (--object-store" in done.err
    assert c8s("logs", "two", "--step", "build", "--attempt", "1").out == "first try\n"
    done = c8s("logs", "two", "--step", "test")
    assert "it was kept in /home/eve/my runs/test.log on the host that launched" in done.err
    # Of what never printed nothing is said to be anywhere.
    assert c8s("logs", "two", "--step", "last").err.endswith("attempt 1 (Succeeded)\n")
    for words in ((), ("--follow",)):
        done = c8s("logs", "two", *words)
        assert (done.code, done.out) == (0, "")
        assert "warning: no log of build, test of run 'two' is here; it was kept in s3" in done.err
    done = c8s("logs", "two", "--step", "test", "--follow")
    assert "warning: no log of test of run 'two' is here; it was kept in /home" in done.err


def test_a_log_that_was_moved_with_its_store_is_no_news(store: RunDirectory, c8s):
    steps = [ended("build", log_url="file:///before/build.log")]
    run = run_of(pipeline_text({"build": []}), *steps, name="two")
    store.write(to_record(in_phase(run, Phase.SUCCEEDED)))
    write(store, "two", "build", 1, b"built\n")
    assert printed("two") == b"==> two/build <==\nbuilt\n"
