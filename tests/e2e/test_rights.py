"""What a user may do and has to be allowed: the Role that the documentation shows, no more."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Denied
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase
from ansible_collections.c8s.ci.plugins.module_utils.runs import kubernetes

from e2e.lab import SMALL, Lab
from kube.accounts import kubeconfig_with_rights
from kube.cluster import Cluster
from kube.fixtures import own_namespace

Rules = list[dict[str, Sequence[str]]]
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "kubernetes.md"
STEPS = f"""
  - name: a
    image: busybox
    {SMALL}
    commands: ['test "$TOKEN" = hunter2-very-secret', mkdir out, echo made > out/it]
    secrets: [{{secretRef: deploy, key: token, envVar: TOKEN}}]
"""
CARRYING = f"""{STEPS}
    artifacts: [out/*]
  - {{name: b, image: busybox, dependsOn: [a], commands: [cat out/it], {SMALL}}}
"""


def documented() -> tuple[Rules, Rules]:
    """The rules of the Role in the documentation, and the one for artifacts apart."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    (role,) = [found for block in blocks for found in yaml.safe_load_all(block)
               if isinstance(found, dict) and found.get("kind") == "Role"]  # fmt: skip
    carrying = [rule for rule in role["rules"] if "pods/exec" in rule["resources"]]
    return [rule for rule in role["rules"] if rule not in carrying], carrying


def without(rules: Rules, resource: str, verb: str) -> Rules:
    """The rules less one right."""
    changed = [
        {**rule, "verbs": [known for known in rule["verbs"] if known != verb]}
        if resource in rule["resources"]
        else rule
        for rule in rules
    ]
    return [rule for rule in changed if rule["verbs"]]


def as_user(lab: Lab, tmp_path: Path, rules: Rules) -> Lab:
    path = kubeconfig_with_rights(lab.cluster, lab.namespace, "ci", rules, tmp_path / "ci.yaml")
    return dataclasses.replace(lab, kubeconfig=path)


def test_the_documented_role_is_enough_for_a_run(lab: Lab, tmp_path: Path) -> None:
    rules, _carrying = documented()
    lab.secret("deploy", token="hunter2-very-secret")
    user = as_user(lab, tmp_path, rules)
    run = user.run(STEPS)
    assert run.status.phase is Phase.SUCCEEDED, run.status
    assert all(job["spec"]["ttlSecondsAfterFinished"] == 3600 for job in lab.items("jobs"))


def test_the_documented_role_is_enough_for_artifacts(lab: Lab, tmp_path: Path) -> None:
    rules, carrying = documented()
    lab.secret("deploy", token="hunter2-very-secret")
    run = as_user(lab, tmp_path, rules + carrying).run(CARRYING)
    assert run.status.phase is Phase.SUCCEEDED, run.status
    assert lab.log(run, "b") == "made\n"


@pytest.mark.parametrize(
    ("resource", "verb"),
    [
        ("configmaps", "create"),
        ("configmaps", "get"),
        ("configmaps", "list"),
        ("configmaps", "patch"),
        ("jobs", "list"),
        ("pods", "list"),
        ("secrets", "get"),
        ("pods/log", "get"),
    ],
)
def test_a_missing_right_is_named(lab: Lab, tmp_path: Path, resource: str, verb: str) -> None:
    rules, _carrying = documented()
    lab.secret("deploy", token="hunter2-very-secret")
    user = as_user(lab, tmp_path, without(rules, resource, verb))
    with pytest.raises(Denied) as denied:
        driven(user)
    assert f'"{resource}"' in str(denied.value)
    assert f" {verb} " in str(denied.value)


def driven(user: Lab) -> Run:
    """A run that also looks for its name, so that every right is used."""
    return user.run(STEPS, idempotency_key="once")


def test_a_step_whose_job_may_not_be_made_fails_and_says_so(lab: Lab, tmp_path: Path) -> None:
    rules, _carrying = documented()
    lab.secret("deploy", token="hunter2-very-secret")
    run = as_user(lab, tmp_path, without(rules, "jobs", "create")).run(STEPS)
    step = run.status.step("a")
    assert (step.phase, step.reason) == (Phase.FAILED, "Denied")
    assert 'create resource "jobs"' in step.message


def test_who_may_not_watch_sees_it_end_all_the_same(lab: Lab, tmp_path: Path) -> None:
    rules, _carrying = documented()
    lab.secret("deploy", token="hunter2-very-secret")
    blind = without(without(rules, "pods", "watch"), "jobs", "watch")
    assert as_user(lab, tmp_path, blind).run(STEPS).status.phase is Phase.SUCCEEDED


def test_without_exec_a_step_with_artifacts_says_so(lab: Lab, tmp_path: Path) -> None:
    rules, _carrying = documented()
    lab.secret("deploy", token="hunter2-very-secret")
    run = as_user(lab, tmp_path, rules).run(CARRYING)
    step = run.status.step("a")
    assert (step.phase, step.reason) == (Phase.FAILED, "ArtifactsFailed")
    assert '"pods/exec"' in step.message


def test_a_step_that_may_not_be_ended_says_so(lab: Lab, tmp_path: Path) -> None:
    rules, _carrying = documented()
    user = as_user(lab, tmp_path, without(rules, "pods", "delete"))
    steps = f"  - {{name: a, image: busybox, timeout: 1s, commands: [sleep 20], {SMALL}}}\n"
    with pytest.raises(Denied, match='"pods"'):
        user.run(steps)


def test_a_namespace_that_enforces_the_restricted_standard(
    cluster: Cluster, agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes, "REFUSED_PATIENCE", 1.0)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    steps = f"""
  - name: a
    image: busybox
    {SMALL}
    commands: [mkdir out, id -u > out/it]
    artifacts: [out/*]
    services:
      - {{name: web, image: busybox, commands: [sleep, "60"]}}
  - {{name: b, image: busybox, dependsOn: [a], commands: [cat out/it], {SMALL}}}
"""
    with own_namespace(cluster, labels) as name:
        lab = Lab(cluster, name, agent, tmp_path / "store", cluster.kubeconfig)
        run = lab.run(steps, head="prepareAhead: true")
        assert run.status.phase is Phase.SUCCEEDED, run.status
        assert lab.log(run, "b") == "10001\n"
        bold = lab.launch(lab.runs(user=None), steps)
        refused = bold.status.step("a")
    assert (refused.phase, refused.reason) == (Phase.FAILED, "PodRefused")
    assert "violates PodSecurity" in refused.message
