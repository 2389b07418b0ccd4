"""What is known of a Job without a watch: it is looked at now and then, and soon where need be."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Denied, Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod import JobSettings
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import step_jobs
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.pod_attempt import PodAttempt
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.step_jobs import StepJobs

JOB = {"metadata": {"name": "j"}, "status": {}}


class Server:
    """Has one Job, or none, or answers with faults; `moment` is the time that it is."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] | None = JOB
        self.faults: list[Exception] = []
        self.looks = 0
        self.moment = 1000.0

    def find(self, *_asked: object) -> dict[str, Any] | None:
        self.looks += 1
        for fault in self.faults:
            raise fault
        return self.answer

    def monotonic(self) -> float:
        return self.moment


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(step_jobs, "time", made)
    return made


@pytest.fixture
def jobs(server: Server) -> StepJobs:
    resources: Any = server
    clock: Any = None
    return StepJobs(resources, JobSettings(), clock, lambda _run_id: None)


def looked(jobs: StepJobs, followed: PodAttempt) -> dict[str, Any] | None:
    """What is known once what is under way is done."""
    found = jobs.found(followed)
    if "look" in followed.work:
        while not followed.work["look"].done():
            time.sleep(0.001)
        found = jobs.found(followed)
    return found


def attempt(**more: Any) -> PodAttempt:
    return PodAttempt("run", "a", 1, "j", **more)


def test_a_job_is_taken_to_be_there_until_it_was_looked_at(jobs: StepJobs, server: Server) -> None:
    server.answer = None
    followed = attempt(look_at=server.moment + 15)
    assert looked(jobs, followed) is not None
    server.moment += 15
    assert jobs.found(followed) is not None, "the look is under way"
    assert looked(jobs, followed) is None
    assert server.looks == 1


def test_what_another_driver_has_made_is_looked_at_at_once(jobs: StepJobs, server: Server) -> None:
    assert looked(jobs, attempt()) is JOB
    assert server.looks == 1


def test_what_waits_long_is_looked_at_less_and_less(jobs: StepJobs, server: Server) -> None:
    followed = attempt()
    for _second in range(600):
        looked(jobs, followed)
        server.moment += 1
    assert 10 <= server.looks <= 25


def test_a_job_whose_pod_was_seen_is_looked_at_soon(jobs: StepJobs, server: Server) -> None:
    followed = attempt(look_at=server.moment + 60, pod="p")
    looked(jobs, followed)
    server.moment += 0.5
    assert looked(jobs, followed) is JOB
    server.answer = None
    server.moment += 0.5
    assert looked(jobs, followed) is None


def test_an_outage_tells_nothing_and_a_refusal_is_told(jobs: StepJobs, server: Server) -> None:
    followed = attempt()
    looked(jobs, followed)
    server.faults = [Unavailable("away")]
    server.moment += 60
    assert looked(jobs, followed) is JOB
    server.faults = [Denied("no")]
    server.moment += 60
    with pytest.raises(Denied):
        looked(jobs, followed)
