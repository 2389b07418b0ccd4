"""The command in this process: what it prints on which stream, and what it ends with."""

from __future__ import annotations

import dataclasses
import io
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from c8s.cli.main import main


@dataclasses.dataclass(frozen=True)
class Done:
    """How a call ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a store of its own beside it."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("C8S_STORE", str(tmp_path / "store"))
    for name in ("C8S_DEBUG", "CI", "NO_COLOR", "ANSIBLE_VAULT_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return here


@pytest.fixture
def c8s(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)

    def call(*words: str | Path, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfd.readouterr()
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return call
