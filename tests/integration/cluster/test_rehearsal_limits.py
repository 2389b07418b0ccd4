"""What limits a launch on a real API server, told before it: quotas, policies, rights."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.kube import kinds
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources

from integration.cluster.planning import HEAD, TWO, Plan, made, only, role
from kube.accounts import kubeconfig_with_rights
from kube.cluster import Cluster
from kube.fixtures import own_namespace
from kube.waiting import wait_for


def test_quotas_say_what_waits_and_what_never_fits(
    plan: Plan, control: Client, control_namespace: str
) -> None:
    hard = {"requests.cpu": "900m", "pods": "3", "count/jobs.batch": "10"}
    made(control, control_namespace, "ResourceQuota", "ci", {"hard": hard})
    wait_for(
        "the quota to be counted",
        lambda: Resources(control).listing(kinds.RESOURCE_QUOTA, control_namespace).objects[0]
        .get("status", {}).get("used"),
    )  # fmt: skip
    step = (
        '  - {{name: {name}, image: "alpine:3", commands: ["true"], resources: {{cpu: {cpu}}}}}\n'
    )

    def steps(*cpus: str) -> str:
        return f"{HEAD}steps:\n" + "".join(
            step.format(name=f"s{number}", cpu=cpu) for number, cpu in enumerate(cpus)
        )

    told = only(plan(content=steps("400m", "400m")))
    assert (told["problems"], told["notes"]) == ([], [])
    assert {entry["resource"]: entry["room"] for entry in told["quota"]} == {
        "requests.cpu": "fits", "pods": "fits", "count/jobs.batch": "fits",
    }  # fmt: skip
    told = only(plan(content=steps("400m", "400m", "400m")))
    assert told["problems"] == []
    assert told["notes"] == [
        "quota ci: requests.cpu: 1.2 are asked for at first, 0.9 of 0.9 are left: it would wait now"
    ]
    told = only(plan(content=steps("400m", "2")))
    assert (
        "quota ci: requests.cpu: a step asks for 2, and 0.9 is all there is: it never fits"
        in told["problems"]
    )
    done = plan(runs=[{"content": steps("400m")} for _number in range(4)])
    notes = {note for one in done.result["plan"] for note in one["notes"]}
    assert any("pods: 4 are asked for at first, 3 of 3 are left" in note for note in notes)


def test_a_policy_s_refusal_is_told_with_the_step(
    plan: Plan, control: Client, control_namespace: str
) -> None:
    name = f"only-ours-{control_namespace}"
    group = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    rules = [
        {
            "apiGroups": ["batch"],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["jobs"],
        }
    ]
    path = "/apis/admissionregistration.k8s.io/v1"
    expression = "object.spec.template.spec.containers.all(c, c.image.startsWith('ours/'))"
    selector = {"matchLabels": {"kubernetes.io/metadata.name": control_namespace}}
    policies, bindings = (
        f"{path}/validatingadmissionpolicies",
        f"{path}/validatingadmissionpolicybindings",
    )
    try:
        control.request("POST", policies, {
            **group, "kind": "ValidatingAdmissionPolicy",
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": rules, "namespaceSelector": selector},
                "validations": [{"expression": expression, "message": "images are to be ours"}],
            },
        })  # fmt: skip
        control.request("POST", bindings, {
            **group, "kind": "ValidatingAdmissionPolicyBinding",
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        })  # fmt: skip
        text = TWO.replace('"alpine:3"', '"ours/alpine:3"', 1)

        def refused() -> list[str]:
            found: list[str] = only(plan(content=text))["problems"]
            return found

        (problem,) = wait_for("the policy to hold", refused)
        assert problem.startswith("step b: its Job would be refused: ")
        assert "images are to be ours" in problem
    finally:
        control.request("DELETE", f"{bindings}/{name}")
        control.request("DELETE", f"{policies}/{name}")


def test_the_pod_security_standard_is_judged(plan: Plan, control_plane: Cluster) -> None:
    with own_namespace(control_plane, {"pod-security.kubernetes.io/enforce": "restricted"}) as name:
        assert only(plan(content=TWO, namespace=name))["problems"] == []
        problems = only(plan(content=TWO, namespace=name, run_as_user=-1))["problems"]
    assert len(problems) == 1
    assert "violates PodSecurity" in problems[0]


def test_who_has_the_documented_role_gets_a_plan(
    plan: Plan, control_plane: Cluster, control: Client, control_namespace: str, tmp_path: Path
) -> None:
    """What this user may not see is told as such, and is no failure and no problem."""
    path = kubeconfig_with_rights(control_plane, control_namespace, "ci", role(), tmp_path / "ci")
    made(control, control_namespace, "ResourceQuota", "ci", {"hard": {"pods": "0"}})
    told = only(plan(content=TWO, kubeconfig=str(path), priority_class_prefix="no-"))
    assert told["problems"] == []
    unchecked = "\n".join(told["unchecked"])
    for what in ("quotas: ", "limit ranges: ", "the PriorityClass no-medium: "):
        assert what in unchecked
    more = [
        {
            "apiGroups": [""],
            "resources": ["resourcequotas", "limitranges"],
            "verbs": ["list"],
        }
    ]
    seeing = kubeconfig_with_rights(
        control_plane, control_namespace, "seeing", role() + more, tmp_path / "seeing"
    )
    problems = only(plan(content=TWO, kubeconfig=str(seeing)))["problems"]
    assert problems == ["quota ci: pods: a step asks for 1, and 0 is all there is: it never fits"]


def test_what_would_refuse_a_pod_is_worked_out_for_who_may_make_none(
    plan: Plan, control_plane: Cluster, control: Client, control_namespace: str, tmp_path: Path
) -> None:
    seeing = [
        {"apiGroups": [""], "resources": ["resourcequotas", "limitranges"], "verbs": ["list"]}
    ]
    path = kubeconfig_with_rights(
        control_plane, control_namespace, "ci", role() + seeing, tmp_path / "ci"
    )
    made(control, control_namespace, "ResourceQuota", "ci", {"hard": {"limits.cpu": "4"}})
    limits = [{"type": "Container", "max": {"memory": "512Mi"}}]
    made(control, control_namespace, "LimitRange", "small", {"limits": limits})
    worked_out = only(plan(content=TWO, kubeconfig=str(path)))["problems"]
    said = only(plan(content=TWO))["problems"]
    assert len(worked_out) == 2
    assert len(said) == 1
    for text in ("at most 512Mi are allowed", "counts limits.cpu, which containers do not say"):
        assert any(text in problem for problem in worked_out)
    assert "must be less than or equal to memory limit of 512Mi" in said[0]


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ("jobs", "you may not create jobs.batch"),
        ("pods/log", "you may not get pods/log"),
        ("configmaps", "you may not list configmaps"),
        ("secrets", "secret 's' cannot be read"),
    ],
)
def test_a_right_that_a_run_needs_is_a_problem(
    plan: Plan,
    control_plane: Cluster,
    control_namespace: str,
    tmp_path: Path,
    resource: str,
    said: str,
) -> None:
    path = kubeconfig_with_rights(
        control_plane, control_namespace, "ci", role(resource), tmp_path / "ci"
    )
    text = TWO.replace('commands: ["true"]', "commands: [make], secrets: [{secretRef: s, key: K}]")
    told = only(plan(content=text, kubeconfig=str(path), name="named"))
    assert any(said in problem for problem in told["problems"]), told["problems"]
    assert any("which runs there are" in text for text in told["unchecked"]) is (
        resource == "configmaps"
    )


def test_artifacts_need_one_right_more(
    plan: Plan, control_plane: Cluster, control_namespace: str, tmp_path: Path
) -> None:
    path = kubeconfig_with_rights(control_plane, control_namespace, "ci", role(), tmp_path / "ci")
    text = TWO.replace("dependsOn: [a]", "dependsOn: [a], artifacts: [out]")
    problems = only(plan(content=text, kubeconfig=str(path)))["problems"]
    assert any("create pods/exec" in problem for problem in problems)
