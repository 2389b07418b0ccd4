"""The Job of a step: what is in it, and what never is."""

from __future__ import annotations

import datetime
import json
import pathlib
import re
import subprocess

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.names import is_dns_label
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.job import job, job_name
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod import JobSettings
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod_status import takes_words
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import pipeline_for
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run, Trigger
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.script import (
    waiting_script,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import RunStatus
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c8s-r", "uid": "u"}
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")


def run_of(steps: str, trigger: Trigger | None = None, name: str = "r", head: str = "") -> Run:
    trigger = trigger or Trigger()
    pipeline = load(f"version: v1alpha1\nname: p\n{head}\nsteps:\n{steps}")
    return Run(
        name, "uid", NOW, pipeline_for(pipeline, name, trigger, {}), {}, trigger, RunStatus()
    )


def manifest(run: Run, step: str = "a", ahead: bool = False, **settings: object) -> dict:
    found = run.pipeline.step(step)
    return job(run, found, 1, JobSettings(**settings), OWNER, ahead=ahead)  # type: ignore[arg-type]


def pod(*arguments: object, **options: object) -> dict:
    return manifest(*arguments, **options)["spec"]["template"]["spec"]  # type: ignore[arg-type]


SIMPLE = "  - {name: a, image: busybox, commands: [echo hi]}\n"


def test_a_plain_step_is_the_users_image_and_nothing_else() -> None:
    spec = pod(run_of(SIMPLE))
    assert [container["name"] for container in spec["containers"]] == ["step"]
    assert "initContainers" not in spec
    assert spec["containers"][0]["image"] == "busybox"
    assert [volume["name"] for volume in spec["volumes"]] == ["workspace", "tmp"]


def test_the_job_never_retries_by_itself_and_lets_disruptions_pass() -> None:
    spec = manifest(run_of(SIMPLE))["spec"]
    assert spec["backoffLimit"] == 0
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["podFailurePolicy"]["rules"][0]["action"] == "Ignore"
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert "ttlSecondsAfterFinished" not in spec, "only once log and result are kept"


def test_the_pod_passes_the_restricted_standard() -> None:
    steps = """
  - name: a
    image: busybox
    commands: [echo]
    artifacts: [x]
    services: [{name: web, image: busybox}]
"""
    trigger = Trigger(repository="https://example.com/r.git", commit="a" * 40)
    spec = pod(run_of(steps, trigger), ahead=True)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    containers = [*spec["initContainers"], *spec["containers"]]
    assert {container["name"] for container in containers} == {
        "clone", "keeper", "service-web", "step",
    }  # fmt: skip
    for container in containers:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("step", ["commands: [c]", "entrypoint: [/prog]"])
def test_a_quota_of_requests_lets_every_container_in(step: str, ahead: bool) -> None:
    steps = f"""
  - name: a
    image: busybox
    {step}
    artifacts: [x]
    cache: [{{key: k, paths: [p]}}]
    services: [{{name: web, image: busybox}}]
  - {{name: b, image: busybox, {step}}}
"""
    run = run_of(steps, Trigger(repository="https://example.com/r.git", commit="a" * 40))
    for name in ("a", "b"):
        spec = pod(run, name, ahead=ahead)
        for container in [*spec["initContainers"], *spec["containers"]]:
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}


SHELL_LESS = "  - {name: a, image: b, entrypoint: [/prog]}\n"
CACHED = "  - {name: a, image: b, commands: [c], cache: [{key: k, paths: [p]}]}\n"


@pytest.mark.parametrize(
    ("steps", "holder", "before"),
    [
        (SIMPLE, "step", []),
        (SHELL_LESS, "hold", ["hold"]),
        (CACHED, "restore", ["restore"]),
    ],
)
def test_a_pod_that_is_made_ahead_waits_in_one_place(
    steps: str, holder: str, before: list[str]
) -> None:
    template = manifest(run_of(steps), ahead=True)["spec"]["template"]
    assert template["metadata"]["annotations"]["c8s.dev/held-by"] == holder
    inits = template["spec"].get("initContainers", [])
    assert [container["name"] for container in inits] == before
    usual = manifest(run_of(steps))["spec"]["template"]
    assert "c8s.dev/held-by" not in usual["metadata"]["annotations"]
    # Waiting for a release must not eat the time of the last resort.
    least = usual["spec"]["activeDeadlineSeconds"] + 3600
    assert template["spec"]["activeDeadlineSeconds"] == least


def test_what_travels_on_a_word_is_told_to_the_containers_beside_the_step_alone() -> None:
    steps = """
  - {name: a, image: b, commands: [c], artifacts: [x], cache: [{key: k, paths: [p]}]}
"""
    spec = pod(run_of(steps), by_exec=False)
    told = {each["name"]: each for each in (*spec["initContainers"], *spec["containers"])}
    for name in ("restore", "keeper"):
        assert told[name]["args"][-1] == f"/c8s-words/{name}"
        assert "words" in [mount["name"] for mount in told[name]["volumeMounts"]]
    assert "words" not in [mount["name"] for mount in told["step"]["volumeMounts"]]
    (words,) = [volume for volume in spec["volumes"] if volume["name"] == "words"]
    assert [item["fieldRef"]["fieldPath"] for item in words["downwardAPI"]["items"]] == [
        f"metadata.annotations['c8s.dev/word-for-{name}']" for name in ("restore", "keeper")
    ]
    usual = pod(run_of(steps))
    assert "words" not in json.dumps(usual)
    assert takes_words({"spec": spec})
    assert not takes_words({"spec": usual})


def test_a_step_that_waits_cannot_open_the_doors_of_its_neighbours() -> None:
    spec = pod(run_of("  - {name: a, image: b, commands: [c], artifacts: [x]}\n"), ahead=True)
    (step,) = [each for each in spec["containers"] if each["name"] == "step"]
    mounted = [mount["name"] for mount in step["volumeMounts"]]
    assert "gate" in mounted
    assert "control" not in mounted


def unescaped(text: str) -> str:
    """What a node makes of an argument."""
    return text.replace("$$", "$")


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash", "/bin/dash"])
def test_a_held_step_waits_prints_nothing_and_finds_its_shell_as_it_was(
    shell: str, tmp_path: pathlib.Path
) -> None:
    gate, told = tmp_path / "released", tmp_path / "termination-log"
    script = f"{waiting_script(str(gate))}echo begun; set; trap".replace(
        "/dev/termination-log", str(told)
    )
    process = subprocess.Popen(
        [shell, "-eu", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    gate.write_text("")  # So it is as long as the pod has no such annotation.
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    gate.write_text("2026-01-02T10:00:00+00:00\n")
    assert process.communicate(timeout=10)[0].startswith("begun\n")
    assert told.read_text() == "2026-01-02T10:00:00+00:00\n"


def test_a_held_step_obeys_a_signal_at_once(tmp_path: pathlib.Path) -> None:
    process = subprocess.Popen(["/bin/sh", "-c", waiting_script(str(tmp_path / "never"))])
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.terminate()
    assert process.wait(5) == 143


def test_secrets_are_references() -> None:
    steps = """
  - name: a
    image: busybox
    commands: [echo]
    secrets:
      - {secretRef: s, key: k, envVar: TOKEN}
      - {secretRef: s, key: cert, file: tls/cert.pem}
"""
    spec = pod(run_of(steps))
    entry = next(e for e in spec["containers"][0]["env"] if e["name"] == "TOKEN")
    assert entry == {
        "name": "TOKEN",
        "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}},
    }
    volume = next(v for v in spec["volumes"] if v["name"] == "secrets")
    assert volume["projected"]["sources"] == [
        {"secret": {"name": "s", "items": [{"key": "cert", "path": "tls/cert.pem"}]}}
    ]


def test_dollars_reach_the_shell_as_they_were_written() -> None:
    spec = pod(run_of("  - {name: a, image: b, commands: ['echo $$ $(date) $HOME']}\n"))
    (script,) = spec["containers"][0]["args"]
    assert script.startswith("exec 2>&1\necho $$$$ $$(date) $$HOME")


def test_an_entry_point_of_its_own_needs_no_shell() -> None:
    spec = pod(run_of("  - {name: a, image: b, entrypoint: [/kaniko], args: ['--x=$(y)']}\n"))
    assert spec["containers"][0]["command"] == ["/kaniko"]
    assert spec["containers"][0]["args"] == ["--x=$$(y)"]


@pytest.mark.parametrize("branch", ["$(touch pwned)", "feature/x", "-rf", "x" * 300, "a b\"'`"])
def test_a_branch_stays_data_wherever_it_goes(branch: str) -> None:
    trigger = Trigger(repository="https://example.com/r.git", commit="a" * 40, branch=branch)
    made = manifest(run_of(SIMPLE, trigger))
    assert LABEL_VALUE.fullmatch(made["metadata"]["labels"]["c8s.dev/branch"])
    assert len(made["metadata"]["labels"]["c8s.dev/branch"]) <= 63
    assert made["metadata"]["annotations"]["c8s.dev/branch"] == branch
    clone = made["spec"]["template"]["spec"]["initContainers"][0]
    assert clone["args"] == ["clone"], "nothing that a pusher chose is an argument"
    step = made["spec"]["template"]["spec"]["containers"][0]
    variable = next(e for e in step["env"] if e["name"] == "C8S_BRANCH")
    assert variable["value"] == branch.replace("$", "$$")


def test_the_clone_is_told_what_to_do_by_data() -> None:
    trigger = Trigger(repository="https://example.com/r.git", commit="a" * 40)
    run = run_of(SIMPLE, trigger, head="clone: {depth: 3, submodules: true}")
    spec = pod(run, clone_secret="key", authorities="ca")
    clone = spec["initContainers"][0]
    wanted = json.loads(next(e["value"] for e in clone["env"] if e["name"] == "C8S_CLONE"))
    assert wanted["depth"] == 3
    assert wanted["submodules"] is True
    assert {mount["name"] for mount in clone["volumeMounts"]} >= {"clone-secret", "authorities"}
    step = spec["containers"][0]
    assert "clone-secret" not in {mount["name"] for mount in step["volumeMounts"]}


def test_no_clone_where_the_file_wants_none() -> None:
    trigger = Trigger(repository="https://example.com/r.git", commit="a" * 40)
    assert "initContainers" not in pod(run_of(SIMPLE, trigger, head="clone: false"))


def test_files_are_carried_only_where_they_travel() -> None:
    steps = """
  - {name: a, image: b, commands: [x], artifacts: [out]}
  - {name: c, image: b, commands: [x], dependsOn: [a]}
  - {name: d, image: b, commands: [x], cache: [{key: k, paths: [p]}]}
  - {name: e, image: b, commands: [x]}
"""
    run = run_of(steps)

    def names(step: str) -> list[str]:
        made = pod(run, step)
        containers = [*made.get("initContainers", []), *made["containers"]]
        return [container["name"] for container in containers]

    assert names("a") == ["keeper", "step"]
    assert names("c") == ["restore", "step"]
    assert names("d") == ["restore", "keeper", "step"]
    assert names("e") == ["step"]


def test_no_pod_has_longer_to_end_than_is_usual() -> None:
    """Whoever drains a node gives it as long as it asks for."""
    run = run_of("  - {name: a, image: b, commands: [x], artifacts: [out]}\n")
    assert pod(run, "a")["terminationGracePeriodSeconds"] == 30


def test_priority_needs_a_class() -> None:
    run = run_of(SIMPLE, head="priority: high")
    assert "priorityClassName" not in pod(run)
    assert pod(run, priority_class_prefix="c8s-")["priorityClassName"] == "c8s-high"


def test_services_gate_the_step_by_their_readiness() -> None:
    steps = """
  - name: a
    image: b
    commands: [x]
    services:
      - {name: db, image: postgres, ports: [5432], readiness: {port: 5432, timeout: 30s}}
"""
    (service,) = pod(run_of(steps))["initContainers"]
    assert service["restartPolicy"] == "Always"
    assert service["startupProbe"]["tcpSocket"] == {"port": 5432}
    assert service["startupProbe"]["failureThreshold"] == 30


def test_a_services_commands_are_run_by_a_shell_as_a_steps_are() -> None:
    steps = """
  - name: a
    image: b
    commands: [x]
    services: [{name: web, image: busybox, commands: [cd /srv, exec httpd -f]}]
"""
    (service,) = pod(run_of(steps))["initContainers"]
    assert service["command"] == ["/bin/sh", "-eu", "-c"]
    assert service["args"][0].startswith("cd /srv\n")


def test_the_pods_deadline_is_behind_the_steps_timeout() -> None:
    run = run_of("  - {name: a, image: b, commands: [x], timeout: 5m}\n")
    assert pod(run)["activeDeadlineSeconds"] > 300


@given(
    st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True),
    st.from_regex(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True),
    st.integers(1, 99),
)
def test_names_are_always_valid_and_stable(name: str, step: str, attempt: int) -> None:
    run = run_of(SIMPLE, name=name)
    found = job_name(run, step, attempt)
    assert is_dns_label(found)
    assert found == job_name(run, step, attempt)
    assert found != job_name(run, step, attempt + 1)
