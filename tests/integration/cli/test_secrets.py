"""Secrets reach the steps that ask for them, and nothing that is kept or shown."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

SECRET = "s3cr3t-päßwort/42+x"
PIPELINE = """\
version: v1alpha1
name: demo
steps:
  - name: use
    image: busybox:1.36
    secrets: [{secretRef: registry, key: token, envVar: TOKEN}]
    commands:
      - test -n "$TOKEN" && echo "token is $TOKEN"
      - printf %s "$TOKEN" | base64
      - printf %s "$TOKEN" > artifact.txt
      - echo "$TOKEN" | grep -q . && exit 3
    artifacts: [artifact.txt]
"""


def forms() -> list[bytes]:
    raw = SECRET.encode()
    return [raw, base64.b64encode(raw), raw.hex().encode(), json.dumps(SECRET)[1:-1].encode()]


@pytest.fixture
def secrets(project) -> Path:
    project.commit({".c8s.yaml": PIPELINE})
    path = project.folder.parent / "secrets.yaml"
    path.write_text(json.dumps({"registry": {"token": SECRET}, "other": {"key": "unused-value"}}))
    return path


@pytest.mark.parametrize("form", ["text", "json", "yaml", "jsonl"])
def test_no_byte_of_them_is_kept_or_shown(project, secrets: Path, form: str):
    done = project.c8s("run", "--secrets", secrets, "-o", form)
    assert done.code == 1
    assert "| token is ***REDACTED***" in done.err or form == "jsonl"
    shown = [(done.out + done.err).encode()]
    for words in ("get runs demo-1", "get runs demo-1 -o json", "logs demo-1", "logs demo-1 -f"):
        shown.append(project.c8s(*words.split()).out.encode())
    shown += [path.read_bytes() for path in project.store.rglob("*") if path.is_file()]
    assert any(b"***REDACTED***" in content for content in shown)
    for secret in forms():
        assert not any(secret in content for content in shown)
    assert project.c8s("logs", "demo-1", "--step", "use").out == (
        "token is ***REDACTED***\n***REDACTED***\n"
    )


def test_encrypted_by_ansible_vault(project, secrets: Path, tmp_path: Path):
    vault = VaultLib([("default", VaultSecret(b"open"))])
    secrets.write_bytes(vault.encrypt(secrets.read_bytes()))
    (tmp_path / "password").write_text("open\n")
    words = ["run", "--secrets", secrets]
    done = project.c8s(*words, "--vault-password-file", tmp_path / "password")
    assert "| token is ***REDACTED***" in done.err
    environment = {**project.environment, "ANSIBLE_VAULT_PASSWORD_FILE": str(tmp_path / "password")}
    assert "| token is ***REDACTED***" in project.c8s(*words, env=environment).err
    refused = project.c8s(*words)
    assert refused.code == 2
    assert "--vault-password-file" in refused.err


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "secret 'registry' was not given"),
        ({"regstry": {"token": SECRET}}, "did you mean 'regstry'?"),
        ({"registry": {"password": SECRET}}, "key 'token' is not in secret 'registry'"),
        ({"registry": {"token": "short"}}, "too short"),
        ({"registry": SECRET}, "expected a map"),
    ],
)
def test_what_is_missing_starts_nothing(project, secrets: Path, document: dict, said: str):
    secrets.write_text(json.dumps(document))
    done = project.c8s("run", "--secrets", secrets)
    assert done.code == 2
    assert said in done.err
    assert SECRET not in done.err
    assert not (project.store / "runs").exists()


def test_a_rerun_wants_them_again(project, secrets: Path):
    project.c8s("run", "--secrets", secrets)
    refused = project.c8s("rerun", "demo-1")
    assert refused.code == 2
    assert "secret 'registry' was not given" in refused.err
    assert project.c8s("get", "runs", "-o", "name").out == "demo-1\n"
    done = project.c8s("rerun", "demo-1", "--secrets", secrets)
    assert done.code == 1
    assert project.c8s("get", "runs", "-o", "name").out == "demo-2\ndemo-1\n"


def test_they_are_on_no_command_line(project, secrets: Path, tmp_path: Path):
    waits = f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
    text = PIPELINE.replace("exit 3", waits)
    project.commit({".c8s.yaml": text})
    with project.start("run", "-q", "--secrets", secrets) as run:
        project.wait_for_step("demo-1", "use")
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
        (tmp_path / "go").touch()
        run.communicate(timeout=60)
    assert any(str(secrets).encode() in line for line in lines)
    assert not any(SECRET.encode() in line for line in lines)
