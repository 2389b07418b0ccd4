"""What the doctor finds in a real cluster, and what mends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.c8s.ci.plugins.module_utils.kube import kinds
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import rights

from integration.cluster.conftest import Command
from kube.accounts import kubeconfig_with_rights
from kube.cluster import Cluster
from kube.fixtures import own_namespace
from unit.plugins.conftest import Call

Rules = list[dict[str, Any]]
ROLE = (*rights.DRIVING,)


def rules(*parts: rights.Rule) -> Rules:
    """As a Role has them."""
    return [
        {"apiGroups": [rule.group], "resources": [rule.resource], "verbs": list(rule.verbs)}
        for rule in parts
    ]


def found(c8s: Command, *words: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """The exit code, and the checks by their names."""
    done = c8s("doctor", *words, "-o", "json")
    told = json.loads(done.out)
    assert told["healthy"] is (done.code == 0)
    by_name: dict[str, list[dict[str, str]]] = {}
    for check in told["checks"]:
        by_name.setdefault(check["name"], []).append(check)
    return done.code, by_name


def user(
    c8s: Command, cluster: Cluster, namespace: str, name: str, wanted: Rules, folder: Path
) -> Command:
    path = kubeconfig_with_rights(cluster, namespace, name, wanted, folder / f"{name}.yaml")
    return c8s.with_kubeconfig(path)


def test_an_administrator_s_namespace_is_well(
    c8s: Command, control: Client, control_namespace: str
) -> None:
    code, checks = found(c8s, "-n", control_namespace, "--agent-image", "registry.test/agent:1")
    assert code == 0
    for name in (
        "git", "store", "kubeconfig", "api", "clock", "namespace", "rights", "rights to tell pods",
        "rights for files", "pod security", "quota", "limit range", "agent image",
        "job", "control plane",
    ):  # fmt: skip
        assert [check["status"] for check in checks[name]] == ["passed"], checks[name]
    assert not Resources(control).listing(kinds.JOB, control_namespace).objects
    text = c8s("doctor", "-n", control_namespace).out
    assert "passed   rights " in text
    assert yaml.safe_load(c8s("doctor", "-n", control_namespace, "-o", "yaml").out)["checks"]


def test_exactly_the_documented_role_is_well(
    c8s: Command, control_plane: Cluster, control_namespace: str, tmp_path: Path
) -> None:
    """With it alone nothing fails, and the namespace is found all the same."""
    one = user(c8s, control_plane, control_namespace, "ci", rules(*ROLE), tmp_path)
    code, checks = found(one)
    assert code == 0
    assert checks["rights"][0]["status"] == "passed"
    assert checks["namespace"][0]["status"] == "passed"
    assert checks["job"][0]["status"] == "passed"
    for name in ("pod security", "quota", "limit range"):
        assert checks[name][0]["status"] == "warning"
        assert checks[name][0]["what"].startswith("could not be checked: ")
    assert "create pods/exec" in checks["rights for files"][0]["what"]


def test_every_missing_right_is_named_and_its_remedy_mends_it(
    c8s: Command, control_plane: Cluster, control_namespace: str, tmp_path: Path
) -> None:
    one = user(c8s, control_plane, control_namespace, "poor", [], tmp_path)
    code, checks = found(one)
    assert code == 4
    (check,) = checks["rights"]
    missing = check["what"].splitlines()
    assert f"you may not create jobs.batch in namespace {control_namespace}" in missing
    assert f"you may not get pods/log in namespace {control_namespace}" in missing
    assert len(missing) == sum(right.verb != "watch" for right in rights.rights(ROLE, ""))
    role = yaml.safe_load(check["remedy"].partition("\n")[2])
    assert role["metadata"]["namespace"] == control_namespace
    mended = user(c8s, control_plane, control_namespace, "mended", role["rules"], tmp_path)
    code, checks = found(mended)
    assert (code, checks["rights"][0]["status"]) == (0, "warning")
    assert "seen later" in checks["rights"][0]["what"]


def test_secrets_that_a_role_names_one_by_one_are_enough(
    c8s: Command, control_plane: Cluster, control_namespace: str, tmp_path: Path
) -> None:
    wanted = rules(*ROLE)
    for rule in wanted:
        if rule["resources"] == ["secrets"]:
            rule["resourceNames"] = ["deploy"]
    one = user(c8s, control_plane, control_namespace, "narrow", wanted, tmp_path)
    code, checks = found(one)
    assert code == 0
    assert checks["rights"][0]["what"].endswith("of secrets only deploy")


def test_what_the_settings_name_and_is_not_there(c8s: Command, control_namespace: str) -> None:
    code, checks = found(
        c8s, "-n", control_namespace, "--runtime-class", "none", "--priority-class-prefix", "no-",
        "--pull-secret", "registry", "--clone-secret", "clone",
    )  # fmt: skip
    assert code == 1
    failed = {name for name, several in checks.items() if several[0]["status"] == "failed"}
    assert failed == {"runtime class", "priority classes", "pull secrets", "clone secret"}
    assert len(checks["priority classes"]) == 3
    assert "kubectl create secret docker-registry registry" in checks["pull secrets"][0]["remedy"]


def test_a_namespace_that_is_not_there(
    c8s: Command, control_plane: Cluster, control_namespace: str, tmp_path: Path
) -> None:
    code, checks = found(c8s, "-n", "not-there")
    assert code == 1
    assert checks["namespace"][0]["what"] == "there is no namespace not-there"
    assert checks["namespace"][0]["remedy"] == "kubectl create namespace not-there"
    one = user(c8s, control_plane, control_namespace, "ci", rules(*ROLE), tmp_path)
    code, checks = found(one, "-n", "not-there")
    assert code == 4
    assert checks["namespace"][0]["status"] == "warning"


def test_the_pod_security_standard(c8s: Command, control_plane: Cluster) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    with own_namespace(control_plane, labels) as name:
        assert found(c8s, "-n", name)[0] == 0
        code, checks = found(c8s, "-n", name, "--run-as-user", "-1")
    assert code == 1
    assert "enforces restricted" in checks["pod security"][0]["what"]
    assert checks["pod security"][0]["remedy"] == "leave run_as_user as it is by default"


@pytest.mark.parametrize(
    ("hard", "status", "said"),
    [
        ({"pods": "10", "count/jobs.batch": "50"}, "passed", "has room: pods: 1 of 10"),
        ({"pods": "0"}, "failed", "0 is all there is: it never fits"),
        ({"requests.cpu": "4", "requests.memory": "2Gi"}, "passed", "has room"),
        ({"limits.cpu": "4"}, "failed", "which containers do not say: clone, step"),
    ],
)
def test_quotas(
    c8s: Command,
    control: Client,
    control_namespace: str,
    hard: dict[str, str],
    status: str,
    said: str,
) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "ci"}}
    Resources(control).create({**quota, "spec": {"hard": hard}}, control_namespace)
    code, checks = found(c8s, "-n", control_namespace)
    (check,) = checks["quota"]
    assert (check["status"], code) == (status, int(status == "failed"))
    assert said in check["what"]


def test_defaults_of_a_limit_range_satisfy_a_quota(
    c8s: Command, control: Client, control_namespace: str
) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "ci"}}
    resources = Resources(control)
    resources.create({**quota, "spec": {"hard": {"limits.memory": "4Gi"}}}, control_namespace)
    limits = [{"type": "Container", "default": {"memory": "2Gi"}, "max": {"cpu": "200m"}}]
    metadata = {"name": "usual"}
    limit_range = {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata}
    resources.create({**limit_range, "spec": {"limits": limits}}, control_namespace)
    code, checks = found(c8s, "-n", control_namespace)
    assert code == 0
    assert checks["quota"][0]["status"] == "passed"
    assert checks["limit range"][0]["status"] == "warning"
    assert "requests of cpu are 500m, at most 200m are allowed" in checks["limit range"][0]["what"]


def test_the_module_tells_the_same(
    call: Call, control_plane: Cluster, control_namespace: str
) -> None:
    place = {"kubeconfig": str(control_plane.kubeconfig), "namespace": control_namespace}
    for check in (True, False):
        done = call("control_plane_info", check=check, pull_secrets=["gone"], **place)
        assert (done.failed, done.result["changed"]) == (False, False)
        assert (done.result["healthy"], done.result["exit_code"]) == (False, 1)
        assert done.result["version"].startswith("v1.")
        assert done.result["namespace"] == control_namespace
        assert "there is no secret gone" in done.result["table"]
