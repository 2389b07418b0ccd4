"""Records stay small, however many steps there are."""

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import (
    status_from,
    status_record,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import (
    Phase,
    RunStatus,
    StepStatus,
)

from unit.pipeline.runs import at

URL = "https://objects.example.com/c8s-artifacts/team-a/demo-pipeline-with-a-long-name-17"


def large_status(phase: Phase = Phase.FAILED, message: str = "") -> RunStatus:
    """500 steps with names, messages and addresses as long as they get."""
    return RunStatus(
        Phase.RUNNING,
        start_time=at(0),
        steps=tuple(
            StepStatus(
                f"integration-tests-of-the-component-{n:03}",
                phase,
                attempts=3,
                failures=2,
                start_time=at(n),
                completion_time=at(n + 60),
                exit_code=1,
                reason="StepFailed",
                message=message or "ended with exit code 1",
                job_name=f"demo-pipeline-with-a-long-name-17-integration-tests-{n:03}-1a2b3c4d",
                log_url=f"{URL}/integration-tests-of-the-component-{n:03}/3.log",
                artifact_urls=(f"{URL}/integration-tests-of-the-component-{n:03}/report.tar.gz",),
            )
            for n in range(500)
        ),
    )


@pytest.mark.parametrize("message", ["", "x" * 1000, "é" * 1000])
def test_the_status_of_five_hundred_steps_stays_under_200_kib(message):
    record = status_record(large_status(message=message))
    assert len(json.dumps(record, ensure_ascii=False).encode()) < 200 * 1024
    again = status_from(record)
    assert [step.phase for step in again.steps] == [Phase.FAILED] * 500
    assert [step.exit_code for step in again.steps] == [1] * 500
    assert again.steps[499].start_time == at(499)


def test_what_can_be_found_elsewhere_is_left_out_first():
    status = large_status()
    record = status_record(dataclasses.replace(status, steps=status.steps[:360]))
    assert record["steps"][0]["logURL"]
    assert record["steps"][0]["message"] == "ended with exit code 1"
    assert "artifactURLs" not in record["steps"][0]


def test_a_live_step_loses_nothing_and_neither_does_a_run_of_usual_size():
    status = large_status(Phase.RUNNING)
    assert status_from(status_record(status)) == status
    status = dataclasses.replace(large_status(), steps=large_status().steps[:100])
    assert status_from(status_record(status)) == status
