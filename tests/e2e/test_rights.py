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
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import step_jobs

from e2e.lab import SMALL, Lab
from e2e.test_disruptions import meanwhile
from kube.accounts import kubeconfig_with_rights
from kube.cluster import Cluster
from kube.fixtures import own_namespace
from kube.waiting import wait_for
from s3_server import S3Server

Rules = list[dict[str, Sequence[str]]]
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "kubernetes.md"
STEPS = f"""
  - name: a
    image: busybox
    {SMALL}
    commands: ['test "$TOKEN" = hunter2-very-secret', mkdir out, echo made > out/it]
    secrets: [{{secretRef: deploy, key: token, envVar: TOKEN}}]
"""
AHEAD = f"""
  - {{name: a, image: busybox, commands: [sleep 2], {SMALL}}}
  - {{name: b, image: busybox, dependsOn: [a], commands: [echo b], {SMALL}}}
"""
CARRYING = f"""{STEPS}
    artifacts: [out/*]
  - {{name: b, image: busybox, dependsOn: [a], commands: [cat out/it], {SMALL}}}
"""

# Rights that every run needs: without one of them it ends with an error that names it.
NAMED = [
    ("configmaps", "create"),
    ("configmaps", "get"),
    ("configmaps", "list"),
    ("configmaps", "patch"),
    ("pods", "list"),
    ("secrets", "get"),
]
# Rights that are needed only when something befalls a run, or to be quick or tidy; see below.
AT_TIMES = [
    ("jobs", "create"),
    ("jobs", "delete"),
    ("jobs", "get"),
    ("jobs", "list"),
    ("jobs", "patch"),
    ("pods", "delete"),
    ("pods", "patch"),
    ("pods", "watch"),
    ("pods/log", "get"),
    ("events", "list"),
    ("pods/exec", "create"),
    ("pods/exec", "get"),
]


def documented() -> tuple[Rules, Rules, Rules]:
    """The rules of the Role in the documentation: for every run, for `prepareAhead`, for files."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    (role,) = [found for block in blocks for found in yaml.safe_load_all(block)
               if isinstance(found, dict) and found.get("kind") == "Role"]  # fmt: skip
    telling = [rule for rule in role["rules"] if rule["verbs"] == ["patch"]]
    carrying = [rule for rule in role["rules"] if "pods/exec" in rule["resources"]]
    rules = [rule for rule in role["rules"] if rule not in telling + carrying]
    return rules, telling, carrying


def without(rules: Rules, resource: str, verb: str) -> Rules:
    """The rules less one right."""
    changed = [
        {**rule, "verbs": [known for known in rule["verbs"] if known != verb]}
        if resource in rule["resources"]
        else rule
        for rule in rules
    ]
    return [rule for rule in changed if rule["verbs"]]


def test_no_right_is_documented_that_no_test_takes_away() -> None:
    told = [(resource, verb) for rules in documented() for rule in rules
            for resource in rule["resources"] for verb in rule["verbs"]]  # fmt: skip
    assert sorted(told) == sorted(NAMED + AT_TIMES)


def as_user(lab: Lab, tmp_path: Path, rules: Rules) -> Lab:
    """The lab as a user with these rights sees it, with the Secret that STEPS ask for."""
    lab.secret("deploy", token="hunter2-very-secret")
    path = kubeconfig_with_rights(lab.cluster, lab.namespace, "ci", rules, tmp_path / "ci.yaml")
    return dataclasses.replace(lab, kubeconfig=path)


def deprived(lab: Lab, tmp_path: Path, resource: str, verb: str) -> Lab:
    """The same, as a user with the documented Role but for one right."""
    rules, _telling, _carrying = documented()
    return as_user(lab, tmp_path, without(rules, resource, verb))


def test_the_documented_role_is_enough_for_a_run(lab: Lab, tmp_path: Path) -> None:
    rules, _telling, _carrying = documented()
    user = as_user(lab, tmp_path, rules)
    run = user.run(STEPS)
    assert run.status.phase is Phase.SUCCEEDED, run.status
    assert all(job["spec"]["ttlSecondsAfterFinished"] == 3600 for job in lab.items("jobs"))


def test_the_documented_role_is_enough_for_artifacts(lab: Lab, tmp_path: Path) -> None:
    rules, _telling, carrying = documented()
    run = as_user(lab, tmp_path, rules + carrying).run(CARRYING)
    assert run.status.phase is Phase.SUCCEEDED, run.status
    assert lab.log(run, "b") == "made\n"


@pytest.mark.parametrize(("resource", "verb"), NAMED)
def test_a_missing_right_is_named(lab: Lab, tmp_path: Path, resource: str, verb: str) -> None:
    user = deprived(lab, tmp_path, resource, verb)
    with pytest.raises(Denied) as denied:
        driven(user)
    assert f'"{resource}"' in str(denied.value)
    assert f" {verb} " in str(denied.value)


def driven(user: Lab) -> Run:
    """A run that is launched twice, and long enough to be looked after: every right is used."""
    steps = STEPS.replace("mkdir out", "sleep 4, mkdir out")
    user.run(steps, idempotency_key="once")
    return user.run(steps, idempotency_key="once")


def test_a_step_whose_job_may_not_be_made_fails_and_says_so(lab: Lab, tmp_path: Path) -> None:
    run = deprived(lab, tmp_path, "jobs", "create").run(STEPS)
    step = run.status.step("a")
    assert (step.phase, step.reason) == (Phase.FAILED, "Denied")
    assert 'create resource "jobs"' in step.message


def test_a_step_whose_log_may_not_be_read_fails_and_says_so(lab: Lab, tmp_path: Path) -> None:
    run = deprived(lab, tmp_path, "pods/log", "get").run(STEPS)
    step = run.status.step("a")
    assert (step.phase, step.reason) == (Phase.FAILED, "Denied")
    assert 'get resource "pods/log"' in step.message


def test_who_may_not_watch_sees_it_end_all_the_same(lab: Lab, tmp_path: Path) -> None:
    rules, _telling, _carrying = documented()
    blind = without(rules, "pods", "watch")
    assert as_user(lab, tmp_path, blind).run(STEPS).status.phase is Phase.SUCCEEDED


def test_who_may_not_list_jobs_leaves_what_an_earlier_driver_has_left(
    lab: Lab, tmp_path: Path
) -> None:
    user = deprived(lab, tmp_path, "jobs", "list")
    assert driven(user).status.phase is Phase.SUCCEEDED


def test_the_documented_role_is_enough_for_pods_that_are_prepared_ahead(
    lab: Lab, tmp_path: Path
) -> None:
    rules, telling, _carrying = documented()
    run = as_user(lab, tmp_path, rules + telling).run(AHEAD, head="prepareAhead: true")
    assert run.status.phase is Phase.SUCCEEDED, run.status
    assert lab.log(run, "b") == "b\n"


def test_who_may_not_let_a_pod_begin_that_was_prepared_ahead_is_told(
    lab: Lab, tmp_path: Path
) -> None:
    rules, _telling, carrying = documented()
    with pytest.raises(Denied, match='patch resource "pods"'):
        as_user(lab, tmp_path, rules + carrying).run(AHEAD, head="prepareAhead: true")


def test_files_in_an_object_store_need_no_exec(lab: Lab, server: S3Server, tmp_path: Path) -> None:
    """Texts and others, a cache whose key is a digest, and a pod that was prepared ahead."""
    steps = f"""
  - name: a
    image: busybox
    {SMALL}
    commands:
      - 'test "$TOKEN" = hunter2-very-secret'
      - mkdir out deps
      - echo "$TOKEN" > out/text
      - head -c 300000 /dev/zero > out/zeros
      - seq 1 300000 > out/numbers
      - echo 1 > deps/lock
    secrets: [{{secretRef: deploy, key: token, envVar: TOKEN}}]
    artifacts: [out/*]
    cache: [{{key: "deps-${{{{ hashFiles('deps/lock') }}}}", paths: [deps]}}]
  - name: b
    image: busybox
    {SMALL}
    dependsOn: [a]
    commands: [cat out/text, wc -c < out/zeros, tail -n 1 out/numbers]
"""
    rules, telling, _carrying = documented()
    run = as_user(lab, tmp_path, rules + telling).run(steps, head="prepareAhead: true")
    assert run.status.phase is Phase.SUCCEEDED, run.status
    assert lab.log(run, "b") == "***REDACTED***\n300000\n300000\n"
    assert len(server.objects(f"ci/{lab.namespace}/_caches/")) == 1


def test_a_step_that_is_ended_leaves_its_files_in_an_object_store_without_exec(
    lab: Lab, server: S3Server, tmp_path: Path
) -> None:
    """Its pod is on its way out then, and is shown no annotation any more."""
    steps = f"""
  - name: a
    image: busybox
    {SMALL}
    commands:
      - trap 'exit 143' TERM
      - mkdir out
      - echo text > out/text
      - head -c 300000 /dev/zero > out/zeros
      - sleep 300 & wait
    artifacts: [out/*]
    timeout: 2s
"""
    rules, telling, _carrying = documented()
    run = as_user(lab, tmp_path, rules + telling).run(steps)
    step = run.status.step("a")
    assert (step.phase, step.reason, step.attempts) == (Phase.FAILED, "Timeout", 1), step
    assert [url.rpartition("/")[2] for url in step.artifact_urls] == ["texts.tar", "files.tar"]
    kept = server.objects(f"ci/{lab.namespace}/{run.name}/")
    assert not [key for key in kept if key.endswith(".words")]
    assert all(len(kept[key]) > 300_000 for key in kept if key.endswith("files.tar"))


def test_who_may_not_tell_pods_of_an_object_store_is_told(
    lab: Lab, server: S3Server, tmp_path: Path
) -> None:
    rules, _telling, carrying = documented()
    run = as_user(lab, tmp_path, rules + carrying).run(CARRYING)
    step = run.status.step("a")
    assert (step.phase, step.reason) == (Phase.FAILED, "ArtifactsFailed")
    assert 'cannot patch resource "pods"' in step.message


@pytest.mark.parametrize("verbs", [(), ("create",), ("get",)])
def test_without_exec_a_step_with_artifacts_says_so(
    lab: Lab, tmp_path: Path, verbs: tuple[str, ...]
) -> None:
    """A WebSocket is asked for by `get`, and what it does is a `create`: it takes both."""
    rules, _telling, carrying = documented()
    some = [{**rule, "verbs": verbs} for rule in carrying if verbs]
    run = as_user(lab, tmp_path, rules + some).run(CARRYING)
    step = run.status.step("a")
    assert (step.phase, step.reason) == (Phase.FAILED, "ArtifactsFailed")
    assert '"pods/exec"' in step.message


def test_a_job_that_may_not_be_let_go_stays(lab: Lab, tmp_path: Path) -> None:
    run = deprived(lab, tmp_path, "jobs", "patch").run(STEPS)
    assert run.status.phase is Phase.SUCCEEDED, run.status
    assert all("ttlSecondsAfterFinished" not in job["spec"] for job in lab.items("jobs"))


def test_who_may_not_see_why_a_job_has_no_pod_is_told(lab: Lab, tmp_path: Path) -> None:
    lab.quota(0)
    user = deprived(lab, tmp_path, "events", "list")
    with pytest.raises(Denied, match='list resource "events"'):
        user.run(f"  - {{name: a, image: busybox, commands: [echo], {SMALL}}}\n")


def test_who_may_not_end_a_job_that_has_no_pod_is_told(lab: Lab, tmp_path: Path) -> None:
    lab.quota(0)
    user = deprived(lab, tmp_path, "jobs", "delete")
    with pytest.raises(Denied, match='delete resource "jobs"'):
        user.run(
            f"  - {{name: a, image: busybox, commands: [echo], {SMALL}}}\n", head="timeout: 3s"
        )


def test_who_may_not_ask_for_a_job_that_has_gone_is_told(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_jobs, "FIRST_LOOK_SECONDS", 3.0)
    lab.quota(0)
    user = deprived(lab, tmp_path, "jobs", "get")

    def delete() -> None:
        (job,) = wait_for("the Job", lambda: lab.items("jobs"))
        name = job["metadata"]["name"]
        lab.cluster.api().delete(f"/apis/batch/v1/namespaces/{lab.namespace}/jobs/{name}")

    with meanwhile(delete), pytest.raises(Denied, match='get resource "jobs"'):
        user.run(f"  - {{name: a, image: busybox, commands: [echo], {SMALL}}}\n")


def test_a_step_that_may_not_be_ended_says_so(lab: Lab, tmp_path: Path) -> None:
    user = deprived(lab, tmp_path, "pods", "delete")
    steps = f"  - {{name: a, image: busybox, timeout: 1s, commands: [sleep 20], {SMALL}}}\n"
    with pytest.raises(Denied, match='"pods"'):
        user.run(steps)


def test_a_namespace_that_enforces_the_restricted_standard(
    cluster: Cluster, agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_jobs, "REFUSED_PATIENCE", 1.0)
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
