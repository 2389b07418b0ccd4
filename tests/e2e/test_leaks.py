"""Where a secret must not be: command lines, manifests, events, records, and what drivers say."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import subprocess
import sys
import urllib.parse

import pytest

from e2e import command_lines
from e2e.git_server import PASSWORD, USER, Origin, https_server, new_repository
from e2e.lab import Lab

BIN = pathlib.Path(sys.executable).parent
TOKEN = "hunter2/very+secret&token"
MARK = "seen-on-a-command-line"
STEPS = f"""\
version: v1alpha1
name: leaks
steps:
  - name: use
    image: busybox
    resources: {{cpu: 10m, memory: 16Mi}}
    secrets:
      - {{secretRef: deploy, key: token, envVar: TOKEN}}
      - {{secretRef: deploy, key: token, file: token}}
    commands:
      - sh -c 'sleep 1; exit 0' {MARK}
      - echo "it is $TOKEN"
      - cat /secrets/token
      - mkdir out && cp /secrets/token out/leak.txt
      - ls not-there-$TOKEN || true
    artifacts: [out/*]
  - name: next
    image: busybox
    resources: {{cpu: 10m, memory: 16Mi}}
    dependsOn: [use]
    commands: [cat out/leak.txt, exit 3]
"""


def forms(secret: str) -> list[str]:
    """What of a secret is looked for, beside it as it is."""
    encoded = base64.b64encode(secret.encode()).decode()
    return [secret, encoded.rstrip("="), secret.encode().hex(), urllib.parse.quote_plus(secret)]


def leaks(text: str) -> list[str]:
    return [form for secret in (TOKEN, PASSWORD) for form in forms(secret) if form in text]


@pytest.fixture
def repository(lab: Lab, tmp_path: pathlib.Path) -> pathlib.Path:
    lab.secret("deploy", token=TOKEN)
    lab.secret("forge", username=USER, password=PASSWORD)
    folder = new_repository(tmp_path)
    Origin(folder, "").commit("text")
    return folder


def test_a_secret_is_nowhere_but_in_its_step(
    lab: Lab, repository: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """By a playbook that says all it can, whose run fails, so that all that can be told is told."""
    (tmp_path / "leaks.yaml").write_text(STEPS)
    with https_server(tmp_path, lab.cluster.host_address, tmp_path / "pki") as base:
        lab.config_map("authorities", {"ca.crt": (tmp_path / "pki" / "ca.crt").read_text()})
        launch = {
            "src": str(tmp_path / "leaks.yaml"),
            "repository": f"{base}/private.git/.git",
            "commit": Origin(repository, "").git("rev-parse", "HEAD"),
            "executor": "kubernetes",
            "kubeconfig": str(lab.kubeconfig),
            "namespace": lab.namespace,
            "store": str(lab.store),
            "agent_image": lab.agent,
            "clone_secret": "forge",
            "authorities": "authorities",
            "follow": True,
        }
        tasks = [{"c8s.ci.pipeline_run": launch}]
        book = tmp_path / "book.yml"
        book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        with command_lines.watched() as lines:
            done = subprocess.run(
                [BIN / "ansible-playbook", "-vvv", "--diff", book],
                env={**os.environ, "C8S_DEBUG": "1"},
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
    assert done.returncode == 2, done.stdout + done.stderr
    (run,) = lab.runs().records.records()
    assert [step["exitCode"] for step in run["status"]["steps"]] == [0, 3], run["status"]
    # That it looks where steps run: otherwise nothing is proven by what it has not seen.
    seen = b"\n".join(lines.seen).decode(errors="replace")
    assert MARK in seen
    assert "git-remote-https" in seen
    assert leaks(seen) == []
    assert leaks(done.stdout + done.stderr) == []
    for kind in ("jobs", "pods", "configmaps", "events"):
        found = lab.items(kind)
        assert found, kind
        assert leaks(json.dumps(found)) == [], kind
    kept = [path for path in lab.store.rglob("*") if path.is_file()]
    assert any(path.name == "leak.txt" for path in kept)
    for path in kept:
        assert leaks(path.read_bytes().decode(errors="replace")) == [], path


def test_the_command_says_no_secret_either(lab: Lab, tmp_path: pathlib.Path) -> None:
    lab.secret("deploy", token=TOKEN)
    (tmp_path / "leaks.yaml").write_text(STEPS)
    place = ["--namespace", lab.namespace, "--kubeconfig", str(lab.kubeconfig)]
    store = ["--store", str(lab.store)]
    with command_lines.watched() as lines:
        done = subprocess.run(
            [
                *(BIN / "c8s", "-vvv", "run", tmp_path / "leaks.yaml", "--executor", "kubernetes"),
                *("-o", "jsonl", "--name", "leaks-1", "--agent-image", lab.agent, *place, *store),
            ],
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    assert done.returncode == 1, done.stderr
    shown = subprocess.run(
        [BIN / "c8s", "logs", "leaks-1", *place, *store],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.stdout.count("***REDACTED***") >= 4, shown
    seen = b"\n".join(lines.seen).decode(errors="replace")
    assert MARK in seen
    assert leaks(seen + done.stdout + done.stderr + shown.stdout + shown.stderr) == []
