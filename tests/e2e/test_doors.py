"""The command and the modules on a real cluster, as people use them."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest
import yaml

from e2e.lab import Lab

BIN = pathlib.Path(sys.executable).parent
FILE = """\
version: v1alpha1
name: doors
steps:
  - {name: a, image: busybox, commands: [echo hello], resources: {cpu: 10m, memory: 16Mi}}
"""


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "doors.yaml"
    path.write_text(FILE)
    return path


def call(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KUBECONFIG": str(lab.kubeconfig), "C8S_STORE": str(lab.store)}
    return subprocess.run(
        [BIN / "c8s", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_runs_shows_and_repeats(lab: Lab, file: pathlib.Path) -> None:
    place = ("--namespace", lab.namespace)
    done = call(lab, "run", str(file), "--executor", "kubernetes", *place, "-o", "json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    name = record["metadata"]["name"]
    assert record["status"]["phase"] == "Succeeded"
    assert call(lab, "logs", name, "--step", "a", *place).stdout == "hello\n"
    shown = call(lab, "get", "runs", name, "-o", "json", *place)
    assert json.loads(shown.stdout) == record
    again = call(lab, "rerun", name, *place)
    assert again.returncode == 0, again.stderr
    listed = call(lab, "get", "runs", "-o", "name", *place).stdout.split()
    assert len(listed) == 2


def test_a_cluster_that_is_not_there_is_said(lab: Lab, file: pathlib.Path) -> None:
    lab.kubeconfig = file.with_name("kubeconfig")
    config = yaml.safe_load(lab.cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    lab.kubeconfig.write_text(json.dumps(config))
    done = call(lab, "run", str(file), "--executor", "kubernetes", "-n", lab.namespace)
    assert done.returncode == 5
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_playbook_runs_pipelines_side_by_side(lab: Lab, file: pathlib.Path) -> None:
    book = file.with_name("book.yml")
    common = {
        "executor": "kubernetes",
        "kubeconfig": str(lab.kubeconfig),
        "namespace": lab.namespace,
        "store": str(lab.store),
    }
    launch = {"runs": [{"src": str(file)} for _number in range(5)], **common}
    tasks = [
        {"c8s.ci.pipeline_run": launch, "register": "launched"},
        {
            "ansible.builtin.assert": {
                "that": [
                    "launched.runs | length == 5",
                    "launched.runs | map(attribute='status.phase') | unique == ['Succeeded']",
                ]
            }
        },
        {
            "c8s.ci.pipeline_logs": {"name": "{{ launched.run.metadata.name }}", **common},
            "register": "logs",
        },
        {"ansible.builtin.assert": {"that": ["logs.logs[0].lines == ['hello']"]}},
    ]
    book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    done = subprocess.run(
        [BIN / "ansible-playbook", str(book)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout
