"""A cluster operated as people do: by playbooks with the example inventory, and by the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from e2e.lab import Lab
from kube.accounts import kubeconfig_with_rights
from kube.waiting import wait_for

CHECKOUT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
VALUE = "hunter2-very-secret"
SMALL = "resources: {cpu: 10m, memory: 16Mi}"
SIGN = f"""\
version: v1alpha1
name: sign
steps:
  - name: sign
    image: busybox
    {SMALL}
    commands: ['echo "signed with $TOKEN"']
    secrets: [{{secretRef: deploy, key: TOKEN}}]
"""
SLOW = f"""\
version: v1alpha1
name: slow
steps:
  - {{name: quick, image: busybox, commands: [echo quick], {SMALL}}}
  - {{name: slow, image: busybox, dependsOn: [quick], commands: [echo begun, sleep 300], {SMALL}}}
"""

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def environment(lab: Lab, tmp_path: Path) -> dict[str, str]:
    """A kubeconfig whose one context is the namespace of the test, and a store."""
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    path = kubeconfig_with_rights(lab.cluster, lab.namespace, "owner", rules, tmp_path / "config")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("K8S_AUTH")},
        "KUBECONFIG": str(path),
        "C8S_STORE": str(tmp_path / "kept"),
        "C8S_AGENT_IMAGE": lab.agent,
        "ANSIBLE_NOCOLOR": "1",
    }


@pytest.fixture
def call(environment: dict[str, str], tmp_path: Path) -> Callable[..., Done]:
    def called(program: str, *words: str) -> Done:
        done = subprocess.run(
            [BIN / program, *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return called


def test_the_example_inventory_works_as_it_is(
    lab: Lab, call: Callable[..., Done], tmp_path: Path
) -> None:
    def play(book: str, *words: str) -> str:
        place = ("-i", str(CHECKOUT / "inventory"), "-e", "c8s_hosts=clusters")
        done = call("ansible-playbook", f"c8s.ci.{book}", *place, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        assert VALUE not in done.stdout + done.stderr
        return done.stdout

    (tmp_path / "sign.yaml").write_text(SIGN)
    secrets = tmp_path / "secrets.yml"
    secrets.write_text(yaml.safe_dump({"c8s_secrets": {"deploy": {"TOKEN": VALUE}}}))
    (tmp_path / "password").write_text("open sesame")
    vault = ("--vault-password-file", str(tmp_path / "password"))
    assert call("ansible-vault", "encrypt", str(secrets), *vault).returncode == 0

    assert "passed   rights" in play("doctor")
    foretold = play("run", "-e", f"c8s_src={tmp_path}/sign.yaml", "--check", "--diff")
    assert "secret 'deploy' does not exist in namespace" in foretold
    assert (lab.items("jobs"), lab.items("pods")) == ([], [])

    kept = ("-e", f"c8s_secrets_file={secrets}", *vault)
    assert "{secretRef: deploy, key: TOKEN}" in play("secret", *kept)
    assert "changed=0" in play("secret", *kept)
    assert "kind: Job" in play("run", "-e", f"c8s_src={tmp_path}/sign.yaml", "--check", "--diff")
    assert lab.items("jobs") == []

    assert "Succeeded" in play("run", "-e", f"c8s_src={tmp_path}/sign.yaml")
    assert len(lab.items("jobs")) == 1
    assert "signed with ***REDACTED***" in play("logs")
    play("secret", "-e", "c8s_secret=deploy", "-e", "c8s_state=absent")
    assert [item["metadata"]["name"] for item in lab.items("secrets")] == []


def test_the_command_runs_cancels_and_runs_again(
    lab: Lab, call: Callable[..., Done], environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "slow.yaml").write_text(SLOW)
    place = ("--executor", "kubernetes")
    words = ["run", "slow.yaml", "--name", "once", *place]
    with subprocess.Popen(
        [BIN / "c8s", *words],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as launch:
        try:
            wait_for(
                "the slow step to print",
                lambda: "begun" in call("c8s", "logs", "once", "--step", "slow", *place).stdout,
                timeout=120,
            )
            listing = ("get", "runs", *place, "--phase", "Running", "-o", "name")
            wait_for(
                "the record to tell that it runs",
                lambda: call("c8s", *listing).stdout == "once\n",
                timeout=60,
            )
            foretold = call("c8s", "plan", "slow.yaml", "--name", "once", *place, "-o", "json")
            plan = json.loads(foretold.stdout)
            assert (plan["act"], plan["jobs"]) == ("follow", [])
            cancelled = call("c8s", "cancel", "once", "--wait", *place)
            assert (cancelled.returncode, "once is Cancelled" in cancelled.stderr) == (0, True)
            _out, told = launch.communicate(timeout=120)
            assert launch.returncode == 1
        finally:
            launch.kill()
    # What is said at the end works as it is written there.
    (hint,) = [line for line in told.splitlines() if "c8s rerun once --failed" in line]
    assert "--executor kubernetes" in hint
    record = json.loads(call("c8s", "get", "runs", "once", *place, "-o", "json").stdout)
    assert record["status"]["phase"] == "Cancelled"
    (tmp_path / "slow.yaml").write_text(SLOW.replace("sleep 300", "echo over"))
    again = call("c8s", "plan", "slow.yaml", "--name", "once", *place)
    assert again.returncode == 1
    assert "exists already with another pipeline" in again.stderr
    done = call("c8s", "run", "slow.yaml", "-n", lab.namespace, "-o", "json")
    assert done.returncode == 0, done.stderr
    name = json.loads(done.stdout)["metadata"]["name"]
    assert (
        call("c8s", "logs", name, "--step", "slow", "-n", lab.namespace).stdout == "begun\nover\n"
    )
    rerun = call("c8s", "rerun", name, "--failed", *place, "-o", "json")
    assert rerun.returncode == 0, rerun.stderr
    steps = json.loads(rerun.stdout)["status"]["steps"]
    assert {step["reason"] for step in steps} == {"Reused"}
