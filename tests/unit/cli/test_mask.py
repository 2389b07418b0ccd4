"""`c8s mask`, as a filter between two programs."""

from __future__ import annotations

import base64
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SECRET = "correct horse battery"


@pytest.fixture
def secrets(folder: Path) -> Path:
    path = folder / "secrets"
    path.write_text(f"{SECRET}\n\nsecond-secret\r\n")
    return path


@pytest.fixture
def filtering(secrets: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-m", "c8s", "mask", "--secrets-file", str(secrets)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        yield process
        process.kill()


def masked(content: bytes, *words: str | Path) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "c8s", "mask", *map(str, words)],
        input=content,
        check=True,
        capture_output=True,
    )
    assert done.stderr == b""
    return done.stdout


def readable(process: subprocess.Popen[bytes], seconds: float) -> bool:
    return bool(select.select([process.stdout], [], [], seconds)[0])


def received(process: subprocess.Popen[bytes], expected: bytes) -> bytes:
    """What comes out, until it is as long as what is expected."""
    got = b""
    while len(got) < len(expected) and process.stdout and readable(process, 30):
        got += os.read(process.stdout.fileno(), 65536)
    return got


def test_values_and_their_forms(secrets: Path):
    encoded = base64.b64encode(SECRET.encode())
    text = b"\x00a " + SECRET.encode() + b" b \xff" + encoded + b" second-secret\n"
    assert masked(text, "--secrets-file", secrets) == (
        b"\x00a ***REDACTED*** b \xff***REDACTED*** ***REDACTED***\n"
    )


def test_a_json_list(folder: Path):
    (folder / "list.json").write_text('["line one\\nline two", "second-secret"]')
    text = b"x line one\nline two y second-secret\n"
    assert masked(text, "--secrets-file", folder / "list.json") == (
        b"x ***REDACTED*** y ***REDACTED***\n"
    )
    (folder / "none.json").write_text("[]")
    assert masked(text, "--secrets-file", folder / "none.json") == text


def test_nothing_in_nothing_out(secrets: Path):
    assert masked(b"", "--secrets-file", secrets) == b""


def test_it_passes_on_at_once_but_never_a_part_of_a_secret(filtering):
    filtering.stdin.write(b"hello\n")
    filtering.stdin.flush()
    assert received(filtering, b"hello\n") == b"hello\n"
    filtering.stdin.write(b"key: correct horse ")
    filtering.stdin.flush()
    assert received(filtering, b"key: ") == b"key: "
    assert not readable(filtering, 0.3)
    filtering.stdin.write(b"battery!\n")
    filtering.stdin.close()
    expected = b"***REDACTED***!\n"
    assert received(filtering, expected) == expected
    assert filtering.wait(10) == 0


def test_interrupted_it_lets_go_of_what_it_held(filtering):
    filtering.stdin.write(b"so far correct hor")
    filtering.stdin.flush()
    assert received(filtering, b"so far ") == b"so far "
    filtering.send_signal(signal.SIGINT)
    assert received(filtering, b"correct hor") == b"correct hor"
    assert filtering.wait(10) == 130
    assert filtering.stderr.read() == b""


def test_nobody_reads_it_any_more(filtering):
    filtering.stdout.close()
    filtering.stdin.write(b"x" * 10)
    filtering.stdin.close()
    assert filtering.wait(10) == 1
    assert filtering.stderr.read() == b""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no value"),
        ("\n\n", "holds no value"),
        ("long enough\nshort\n", "line 2 of "),
        ('["long enough", "short"]', "item 2 of "),
        ("[not json]", "as a JSON list and is none"),
        ('["long enough", 123456]', "item 2 is no text"),
        ('[{"a": "b"}]', "item 1 is no text"),
    ],
)
def test_secrets_that_are_none(c8s, folder: Path, content: str, said: str):
    (folder / "secrets").write_text(content)
    done = c8s("mask", "--secrets-file", "secrets")
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "short" not in done.err.replace("shorter", "")


def test_no_such_file(c8s):
    assert c8s("mask", "--secrets-file", "gone").code == 3
