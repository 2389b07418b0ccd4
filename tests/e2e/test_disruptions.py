"""What befalls the pods of a run from outside: deleted, evicted, refused, without room."""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline import pod_status
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod_status import is_rescued
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase, StepStatus
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import StepChanged

from e2e.gate import gate
from e2e.lab import SMALL, Lab
from e2e.steps import step_state
from kube.waiting import wait_for


@contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """Do `act` beside what is in the context; its failure is the test's."""
    faults: list[BaseException] = []

    def carry_out() -> None:
        try:
            act()
        except BaseException as error:
            faults.append(error)
            raise

    thread = threading.Thread(target=carry_out)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert not faults


def running_pod(lab: Lab) -> dict[str, Any]:
    """The pod of a step that runs, as soon as there is one."""

    def found() -> dict[str, Any] | None:
        for pod in lab.items("pods"):
            if "running" in step_state(pod):
                return dict(pod)
        return None

    return wait_for("a running pod", found, timeout=40)


def delete_pod(lab: Lab) -> None:
    name = running_pod(lab)["metadata"]["name"]
    lab.cluster.api().delete(f"/api/v1/namespaces/{lab.namespace}/pods/{name}", grace_seconds=1)


def evict(lab: Lab) -> None:
    name = running_pod(lab)["metadata"]["name"]
    lab.cluster.api().create(
        f"/api/v1/namespaces/{lab.namespace}/pods/{name}/eviction",
        {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": lab.namespace},
            "deleteOptions": {"gracePeriodSeconds": 1},
        },
    )


def delete_job(lab: Lab) -> None:
    pod = running_pod(lab)["metadata"]["name"]
    (job,) = lab.items("jobs")
    name = job["metadata"]["name"]
    path = f"/apis/batch/v1/namespaces/{lab.namespace}/jobs/{name}"
    lab.cluster.api().text("DELETE", path, {"propagationPolicy": "Background"})
    # With its usual grace the pod would come to its end by itself, and well.
    lab.cluster.api().delete(f"/api/v1/namespaces/{lab.namespace}/pods/{pod}", grace_seconds=1)


@pytest.mark.parametrize("befalls", [delete_pod, evict, delete_job])
def test_what_is_taken_away_is_run_again_and_counts_for_no_failure(
    lab: Lab, befalls: Callable[[Lab], None]
) -> None:
    with gate(lab.cluster.host_address) as closed:

        def befall() -> None:
            name = running_pod(lab)["metadata"]["name"]
            befalls(lab)
            path = f"/api/v1/namespaces/{lab.namespace}/pods/{name}"
            try:
                wait_for("the pod's end", lambda: not still_there(lab, path), timeout=60)
            finally:
                closed.open()

        with meanwhile(befall):
            run = lab.run(
                f"  - {{name: a, image: busybox, {SMALL},"
                f" commands: ['echo on $(hostname)', '{closed.wait}']}}\n"
            )
    step = run.status.step("a")
    assert (step.phase, step.failures, step.exit_code) == (Phase.SUCCEEDED, 0, 0)
    hosts = {pod["metadata"]["name"] for pod in lab.items("pods")}
    assert lab.log(run, "a").removeprefix("on ").strip() in hosts, "it is that of the last pod"
    assert "the pod is gone" not in lab.log(run, "a")


@pytest.mark.parametrize("at_term", ["exit 143", ""], ids=["obeys TERM", "ignores TERM"])
def test_a_step_with_artifacts_keeps_no_eviction_waiting(lab: Lab, at_term: str) -> None:
    """Whoever drains a node gives a pod as long as it asks for."""
    gone: list[str] = []

    def drain() -> None:
        name = running_pod(lab)["metadata"]["name"]
        lab.cluster.api().create(
            f"/api/v1/namespaces/{lab.namespace}/pods/{name}/eviction",
            {
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": name, "namespace": lab.namespace},
            },
        )
        path = f"/api/v1/namespaces/{lab.namespace}/pods/{name}"
        try:
            wait_for("the pod's end", lambda: not still_there(lab, path), timeout=60)
            gone.append(name)
        finally:
            closed.open()

    with gate(lab.cluster.host_address) as closed:
        steps = f"""
  - name: a
    image: busybox
    {SMALL}
    commands:
      - trap '{at_term}' TERM
      - 'echo on $(hostname)'
      - '{closed.wait}'
      - mkdir out
      - echo made > out/it
    artifacts: [out/*]
  - {{name: b, image: busybox, dependsOn: [a], commands: [cat out/it], {SMALL}}}
"""
        with meanwhile(drain):
            run = lab.run(steps)
    assert gone
    assert run.status.phase is Phase.SUCCEEDED, run.status
    assert run.status.step("a").failures == 0
    assert gone[0] not in lab.log(run, "a")
    assert lab.log(run, "b") == "made\n"


ENDED = f"""
  - name: a
    image: busybox
    {SMALL}
    commands:
      - trap 'AT_TERM' TERM
      - mkdir out
      - echo made > out/it
      - echo begun
      - sleep 300 & wait
      - sleep 300
    artifacts: [out/*]
    timeout: 2s
"""


def left_its_files(lab: Lab, run: Run, **files: str) -> None:
    """The step was ended at its timeout and is not run again; nothing stays of it but these."""
    step = run.status.step("a")
    assert (step.phase, step.reason, step.attempts) == (Phase.FAILED, "Timeout", 1), step
    assert lab.log(run, "a") == "begun\n"
    assert files_of(step) == files
    wait_for("no pod", lambda: not living(lab.items("pods")), timeout=40)


def test_a_step_that_is_ended_leaves_its_artifacts(lab: Lab) -> None:
    run = lab.run(ENDED.replace("AT_TERM", "echo ended > out/end; exit 143"))
    left_its_files(lab, run, it="made\n", end="ended\n")


def test_a_step_that_will_not_end_leaves_its_artifacts_to_another_driver(lab: Lab) -> None:
    first = lab.process(ENDED.replace("AT_TERM", ""), "one")
    wait_for("its end", lambda: any(map(is_rescued, lab.items("pods"))), timeout=60)
    first.kill()
    first.communicate()
    second = lab.process(ENDED.replace("AT_TERM", ""), "one")
    assert second.communicate(timeout=80)[0] == "Failed\n"
    left_its_files(lab, lab.runs().named("one"), it="made\n")


def files_of(step: StepStatus) -> dict[str, str]:
    """What the folders hold where the step's artifacts are kept."""
    folders = [Path(urllib.parse.urlsplit(url).path) for url in step.artifact_urls]
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path.name: path.read_text() for path in found}


def still_there(lab: Lab, path: str) -> bool:
    pod = lab.cluster.api().find(path)
    return pod is not None and pod["status"]["phase"] not in ("Succeeded", "Failed")


def test_an_image_that_does_not_exist_is_waited_for_and_then_named(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_status, "IMAGE_PATIENCE", 4)
    run = lab.run(f"  - {{name: a, image: 'no/such:thing', commands: [echo], {SMALL}}}\n")
    step = run.status.step("a")
    assert (step.phase, step.reason) == (Phase.FAILED, "ImagePullBackOff")
    assert "no/such:thing" in step.message
    gone = f"/api/v1/namespaces/{lab.namespace}/pods"
    wait_for("the pod's end", lambda: not living(lab.cluster.api().get(gone)["items"]), timeout=40)


def living(pods: list[dict[str, Any]]) -> list[str]:
    return [
        pod["metadata"]["name"]
        for pod in pods
        if pod["status"].get("phase") not in ("Succeeded", "Failed")
    ]


def test_ten_steps_in_a_quota_for_two_pods_all_end_well(lab: Lab) -> None:
    lab.quota(2)
    steps = "".join(
        f"  - {{name: s{number}, image: busybox, commands: [sleep 1], {SMALL}}}\n"
        for number in range(10)
    )
    run = lab.run(steps)
    assert run.status.phase is Phase.SUCCEEDED, run.status
    assert all((step.attempts, step.failures) == (1, 0) for step in run.status.steps)
    reasons = {event.step.reason for event in lab.events if isinstance(event, StepChanged)}
    assert "QuotaExceeded" in reasons


def cancel_by_request(lab: Lab, _runs: Any) -> None:
    running_pod(lab)
    others = lab.runs()
    (name,) = others.records.names()
    others.cancel([name], "ada", wait=False)


def cancel_by_interrupt(lab: Lab, runs: Any) -> None:
    running_pod(lab)
    runs.interrupt("ada")


@pytest.mark.parametrize("end", [cancel_by_request, cancel_by_interrupt])
def test_a_cancelled_run_leaves_no_pod(lab: Lab, end: Callable[[Lab, Any], None]) -> None:
    runs = lab.runs()
    steps = f"""
  - {{name: a, image: busybox, commands: [echo begun, sleep 60], {SMALL}}}
  - {{name: b, image: busybox, commands: ["trap '' TERM", sleep 60], {SMALL}}}
  - {{name: c, image: busybox, dependsOn: [a], commands: [echo never], {SMALL}}}
"""
    with meanwhile(lambda: end(lab, runs)):
        run = lab.launch(runs, steps)
    assert run.status.phase is Phase.CANCELLED
    assert {step.phase for step in run.status.steps} <= {Phase.CANCELLED, Phase.SKIPPED}
    assert "ada" in run.status.message
    assert lab.runs().records.read(run.name)["status"]["phase"] == "Cancelled"
    assert lab.log(run, "a") == "begun\n"
    wait_for("no pod", lambda: not living(lab.items("pods")), timeout=40)


def test_a_rerun_takes_over_what_has_succeeded_with_its_artifacts(lab: Lab) -> None:
    steps = f"""
  - {{name: a, image: busybox, commands: [mkdir out, echo made > out/it],
     artifacts: [out/*], {SMALL}}}
  - {{name: b, image: busybox, dependsOn: [a], commands: [cat out/it, exit 3], {SMALL}}}
"""
    first = lab.run(steps)
    assert first.status.step("b").exit_code == 3
    runs = lab.runs()
    (again,) = runs.launch([runs.rerun_order(first.name, failed_only=True, by="ada")])
    assert again.run.status.step("b").attempts == 1
    assert lab.log(again.run, "b") == "made\n"
    names = [job["metadata"]["labels"]["c8s.dev/step"] for job in lab.items("jobs")]
    assert sorted(names) == ["a", "b", "b"]


def test_a_key_stands_for_one_run_only(lab: Lab) -> None:
    steps = f"  - {{name: a, image: busybox, commands: [echo once], {SMALL}}}\n"
    runs: list[Run] = [lab.run(steps, idempotency_key="push-1") for _attempt in range(2)]
    assert runs[0].name == runs[1].name
    assert len(lab.items("jobs")) == 1
    assert lab.run(steps, idempotency_key="push-2").name != runs[0].name
