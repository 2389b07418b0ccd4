"""Secrets out of files, plain and encrypted."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    C8sError,
    InvalidInput,
    NotFound,
)

from c8s.cli.secrets_file import secret_values

PLAIN = b"registry:\n  user: robot\n  pin: 00123456\n"
VALUES = {"registry": {"user": "robot", "pin": "00123456"}}


@pytest.fixture
def file(folder: Path) -> Path:
    path = folder / "secrets.yaml"
    path.write_bytes(PLAIN)
    return path


@pytest.fixture
def vault(folder: Path) -> Path:
    path = folder / "vault.yaml"
    path.write_bytes(VaultLib([("default", VaultSecret(b"open"))]).encrypt(PLAIN))
    return path


@pytest.fixture
def password(folder: Path) -> Path:
    path = folder / "password"
    path.write_text("open\n")
    return path


def test_no_file_no_secrets():
    assert secret_values(None, None) == {}


def test_yaml_and_json(file: Path):
    assert secret_values(file, None) == VALUES
    file.write_text('{"registry": {"user": "robot", "pin": "00123456"}}')
    assert secret_values(file, None) == VALUES


def test_behind_links(file: Path):
    """As files of secrets are where a cluster mounts them."""
    data = file.parent / "..data"
    data.symlink_to(file.parent, target_is_directory=True)
    link = file.parent / "linked.yaml"
    link.symlink_to("..data/secrets.yaml")
    assert secret_values(link, None) == VALUES


def test_encrypted(vault: Path, password: Path, monkeypatch: pytest.MonkeyPatch):
    assert secret_values(vault, password) == VALUES
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(password))
    assert secret_values(vault, None) == VALUES


def test_a_program_that_knows_the_password(vault: Path, password: Path):
    password.write_text("#!/bin/sh\necho open\n")
    password.chmod(0o755)
    assert secret_values(vault, password) == VALUES


def test_asked_for_on_a_terminal(vault: Path, monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked: list[str] = []
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or "open")
    assert secret_values(vault, None) == VALUES
    assert str(vault) in asked[0]


def test_not_asked_for_elsewhere(vault: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(InvalidInput, match="--vault-password-file"):
        secret_values(vault, None)


@pytest.mark.parametrize("content", ["wrong\n", "", "#!/bin/sh\nexit 1\n"])
def test_a_password_that_does_not_fit(vault: Path, password: Path, content: str):
    password.write_text(content)
    password.chmod(0o755 if content.startswith("#!") else 0o644)
    with pytest.raises(InvalidInput, match=r"vault\.yaml cannot be decrypted: "):
        secret_values(vault, password)


def test_a_vault_that_was_cut(vault: Path, password: Path):
    vault.write_bytes(vault.read_bytes()[:60])
    with pytest.raises(InvalidInput, match="cannot be decrypted"):
        secret_values(vault, password)


def test_files_that_are_not_there(vault: Path, folder: Path):
    with pytest.raises(NotFound, match=r"'.*gone'"):
        secret_values(folder / "gone", None)
    with pytest.raises(NotFound, match="with the vault's password"):
        secret_values(vault, folder / "gone")


def test_single_values_that_are_encrypted(folder: Path):
    path = folder / "inline.yaml"
    path.write_text("a:\n  b: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    00\n")
    with pytest.raises(InvalidInput, match="encrypt the whole file"):
        secret_values(path, None)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("a: [hunter2hunter2", "1:19"),
        ("a:\n  b: *hunter2hunter2\n", "2:6"),
        ("a:\n  b: !hunter2hunter2 x\n", "2:6"),
        ("hunter2hunter2", ""),
        ("a: hunter2hunter2", "a"),
        ("a: {b: [hunter2hunter2]}", "a.b"),
        ("a: {b: }", "a.b"),
        ("a: {b: hunter2hunter2, b: hunter2hunter2}", "1:24"),
        ("\t- hunter2hunter2", "1:1"),
    ],
)
def test_no_error_shows_a_value(folder: Path, content: str, place: str):
    path = folder / "odd.yaml"
    path.write_text(content)
    with pytest.raises(C8sError) as caught:
        secret_values(path, None)
    assert "hunter2" not in str(caught.value)
    assert place in str(caught.value)
    assert "odd.yaml" in str(caught.value)
