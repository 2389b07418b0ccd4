"""Records: what is written is what is read."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import json

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load_document
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.overrides import Overrides
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import (
    from_record,
    parse_time,
    pipeline_for,
    rfc3339,
    status_from,
    status_record,
    to_record,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Cancel, Run, Trigger
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Event
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import (
    Condition,
    MatrixStatus,
    Phase,
    ResourceUsage,
    RunStatus,
    StepStatus,
)
from hypothesis import given
from hypothesis import strategies as st

from unit.pipeline.recorded import DOCUMENT, a_run, words
from unit.pipeline.runs import at

MATRIX = {
    **DOCUMENT,
    "matrix": {"dimensions": {"go": ["1.21", "1.22"]}},
    "steps": [{"name": "build", "image": "golang:${{ matrix.go }}", "commands": ["make"]}],
}

moments = st.datetimes(
    datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30), timezones=st.just(datetime.UTC)
)
phases = st.sampled_from(list(Phase))
small = st.integers(0, 20)


def steps_named(name: str) -> st.SearchStrategy[StepStatus]:
    return st.builds(
        StepStatus,
        name=st.just(name),
        phase=phases,
        attempts=small,
        failures=small,
        disruptions=small,
        interruptions=small,
        start_time=st.none() | moments,
        completion_time=st.none() | moments,
        not_before=st.none() | moments,
        exit_code=st.none() | st.integers(-64, 255),
        reason=words,
        message=words,
        job_name=words,
        log_url=words,
        artifact_urls=st.lists(words, max_size=2).map(tuple),
    )


statuses = st.builds(
    RunStatus,
    phase=phases,
    reason=words,
    message=words,
    start_time=st.none() | moments,
    resume_time=st.none() | moments,
    completion_time=st.none() | moments,
    queue_position=st.none() | st.integers(1, 100),
    steps=st.just(()) | st.tuples(steps_named("build"), steps_named("test")),
    conditions=st.lists(
        st.builds(
            Condition,
            type=words.filter(bool),
            status=st.sampled_from(["True", "False", "Unknown"]),
            reason=words,
            message=words,
            last_transition_time=moments,
        ),
        max_size=2,
    ).map(tuple),
    matrix=st.none()
    | st.builds(
        MatrixStatus,
        children=st.lists(words, max_size=3).map(tuple),
        succeeded=small,
        failed=small,
        running=small,
        pending=small,
        cancelled=small,
        duration=st.floats(0, 1e9),
    ),
    resource_usage=st.none()
    | st.builds(ResourceUsage, cpu=st.floats(0, 1e9), memory=st.floats(0, 1e18)),
)

triggers = st.builds(
    Trigger,
    event=st.sampled_from(list(Event)),
    commit=st.text("0123456789abcdef", min_size=7, max_size=40),
    branch=words,
    tag=words,
    repository=words,
    by=words,
    at=st.none() | moments,
    number=st.integers(0, 10**6),
    author=words,
    message=words,
    changed_paths=st.none() | st.lists(words, max_size=3).map(tuple),
)

runs = st.builds(
    lambda **fields: Run(
        document=DOCUMENT,
        pipeline=pipeline_for(load_document(DOCUMENT), fields["name"], fields["trigger"], {}),
        **fields,
    ),
    name=st.from_regex(r"[a-z]([a-z0-9-]{0,40}[a-z0-9])?", fullmatch=True),
    uid=words.filter(bool),
    created_at=moments,
    trigger=triggers,
    status=statuses,
    parent=words,
    rerun_of=words,
    reuses=st.booleans(),
    idempotency_key=words,
    cancel=st.none() | st.builds(Cancel, by=words, at=moments, reason=words),
)


@given(runs)
def test_a_run_comes_back_from_its_record_as_it_was(run):
    assert from_record(json.loads(json.dumps(to_record(run)))) == run


@given(statuses)
def test_so_does_a_status(status):
    assert status_from(json.loads(json.dumps(status_record(status)))) == status


def test_a_record_looks_like_the_resource_that_it_is():
    run = a_run()
    status = RunStatus(
        Phase.FAILED,
        "StepFailed",
        "step 'build': ended with exit code 0",
        start_time=at(1),
        steps=(
            StepStatus(
                "build", Phase.FAILED, attempts=1, failures=1, exit_code=0, start_time=at(1)
            ),
            StepStatus("test", Phase.SKIPPED, reason="DependencyFailed"),
        ),
    )
    assert to_record(dataclasses.replace(run, status=status)) == {
        "apiVersion": "c8s.dev/v1alpha1",
        "kind": "PipelineRun",
        "metadata": {
            "name": "demo-7",
            "uid": "uid-7",
            "creationTimestamp": "2026-01-01T12:00:00.000000Z",
        },
        "spec": {
            "commit": "0123abc",
            "branch": "main",
            "event": "manual",
            "triggeredBy": "system",
            "pipeline": DOCUMENT,
        },
        "status": {
            "phase": "Failed",
            "reason": "StepFailed",
            "message": "step 'build': ended with exit code 0",
            "startTime": "2026-01-01T12:00:01.000000Z",
            "steps": [
                {
                    "name": "build",
                    "phase": "Failed",
                    "attempts": 1,
                    "failures": 1,
                    "startTime": "2026-01-01T12:00:01.000000Z",
                    "exitCode": 0,
                },
                {"name": "test", "phase": "Skipped", "reason": "DependencyFailed"},
            ],
        },
    }


def test_templates_are_kept_as_they_were_written_and_expanded_when_read():
    run = from_record(to_record(a_run()))
    assert run.document["steps"][0]["commands"] == ["make ${{ run.commit }}"]
    assert run.pipeline.steps[0].commands == ("make 0123abc",)


def test_a_matrix_parent_and_its_children_come_back():
    parent = a_run(MATRIX)
    assert from_record(to_record(parent)) == parent
    assert parent.is_matrix_parent
    child = a_run(MATRIX, matrix_values={"go": "1.22"}, parent="demo-7")
    again = from_record(to_record(child))
    assert again == child
    assert not again.is_matrix_parent
    assert again.pipeline.steps[0].image == "golang:1.22"


def test_files_that_did_not_change_are_not_the_same_as_files_that_are_not_known():
    for changed in (None, (), ("a.go",)):
        run = a_run(trigger=Trigger(changed_paths=changed))
        assert from_record(to_record(run)).trigger.changed_paths == changed


def test_what_an_administrator_allowed_has_to_be_allowed_to_whoever_reads_it():
    document = copy.deepcopy(DOCUMENT)
    document["steps"][0]["privileged"] = True
    allowed = Overrides(frozenset({"privileged"}))
    pipeline = load_document(document, allowed=allowed)
    run = dataclasses.replace(a_run(), document=document, pipeline=pipeline)
    record = to_record(run)
    with pytest.raises(InvalidInput, match="privileged"):
        from_record(record)
    assert from_record(record, allowed=allowed).pipeline.steps[0].pod.privileged


# --- times ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-01T12:00:05Z", at(5)),
        ("2026-01-01T12:00:05.250000Z", at(5.25)),
        ("2026-01-01T14:00:05+02:00", at(5)),
    ],
)
def test_times_are_read_as_kubernetes_writes_them(text, moment):
    assert parse_time(text) == moment
    assert parse_time(text).tzinfo is datetime.UTC


def test_times_are_written_with_four_digits_of_the_year():
    assert (
        rfc3339(datetime.datetime(33, 4, 3, tzinfo=datetime.UTC)) == "0033-04-03T00:00:00.000000Z"
    )


def test_a_time_that_no_clock_can_show_is_none():
    with pytest.raises(ValueError, match="out of range"):
        parse_time("0001-01-01T00:00:00+23:00")
