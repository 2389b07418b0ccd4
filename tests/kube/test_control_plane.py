"""The control plane with kwok: Jobs that end when and as their annotations say."""

from __future__ import annotations

import time

from kube.cluster import Cluster
from kube.jobs import create, finish, job, run


def test_a_played_job_completes(control_plane: Cluster, control_namespace: str) -> None:
    done = run(control_plane.api(), control_namespace, job("plays", "none/such:1", ["true"]))
    assert (done.outcome, done.exit_code) == ("Complete", 0)
    assert done.log() == "played by kwok\n"


def test_a_played_job_fails_with_the_exit_code_asked_for(
    control_plane: Cluster, control_namespace: str
) -> None:
    manifest = job("fails", "none/such:1", ["true"], annotations={"c8s.test/exit-code": "7"})
    done = run(control_plane.api(), control_namespace, manifest)
    assert (done.outcome, done.exit_code) == ("Failed", 7)


def test_a_played_job_runs_as_long_as_asked_for(
    control_plane: Cluster, control_namespace: str
) -> None:
    manifest = job("slow", "none/such:1", ["true"], annotations={"c8s.test/run-for": "2s"})
    began = time.monotonic()
    done = run(control_plane.api(), control_namespace, manifest)
    assert done.outcome == "Complete"
    assert time.monotonic() - began >= 2


def test_init_containers_and_sidecars_are_played_too(
    control_plane: Cluster, control_namespace: str
) -> None:
    pod = {
        "initContainers": [
            {"name": "clone", "image": "none/git:1"},
            {"name": "beside", "image": "none/beside:1", "restartPolicy": "Always"},
        ]
    }
    done = run(control_plane.api(), control_namespace, job("whole", "none/such:1", None, pod=pod))
    assert done.outcome == "Complete"
    states = done.pod["status"]["initContainerStatuses"]
    assert [state["name"] for state in states] == ["clone", "beside"]
    assert states[0]["state"]["terminated"]["exitCode"] == 0


def test_a_hundred_jobs_at_once(control_plane: Cluster, control_namespace: str) -> None:
    api = control_plane.api()
    for number in range(100):
        create(api, control_namespace, job(f"many-{number}", "none/such:1", ["true"]))
    outcomes = {finish(api, control_namespace, f"many-{number}").outcome for number in range(100)}
    assert outcomes == {"Complete"}
