"""Records that are damaged: told with the place of the damage, never a traceback."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import (
    from_record,
    to_record,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Cancel, Run, Trigger
from hypothesis import given
from hypothesis import strategies as st

from unit.pipeline.recorded import a_run, words
from unit.pipeline.runs import at


def record_with(path: str, value: Any) -> dict[str, Any]:
    """A sound record with one value in it replaced, or removed where it is None."""
    record: Any = json.loads(json.dumps(to_record(a_run(cancel=Cancel("ada", at(5))))))
    *folders, last = path.split(".")
    place = record
    for folder in folders:
        place = place[int(folder)] if folder.isdigit() else place.setdefault(folder, {})
    if value is None:
        del place[last]
    else:
        place[int(last) if last.isdigit() else last] = value
    return record


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("metadata", None, "metadata: the run's record is damaged: this is missing"),
        ("metadata", [], "metadata: the run's record is damaged: this is '[]', no mapping"),
        ("metadata.name", 7, "metadata.name: the run's record is damaged: this is '7', no text"),
        ("metadata.name", "", "metadata.name: the run's record is damaged: this is '', no text"),
        (
            "metadata.creationTimestamp",
            "yesterday",
            "metadata.creationTimestamp: the run's record is damaged: this is 'yesterday', no time",
        ),
        (
            "metadata.creationTimestamp",
            "2026-01-01T00:00:00",
            "metadata.creationTimestamp: the run's record is damaged:"
            " this is '2026-01-01T00:00:00', no time",
        ),
        ("spec", "x", "spec: the run's record is damaged: this is 'x', no mapping"),
        ("spec.pipeline", None, "spec.pipeline: the run's record is damaged: this is missing"),
        ("spec.branch", 5, "spec.branch: the run's record is damaged: this is '5', no text"),
        (
            "spec.event",
            "birthday",
            "spec.event: the run's record is damaged: this is 'birthday', none of push, tag,"
            " pull_request, manual, schedule",
        ),
        ("spec.number", -1, "spec.number: the run's record is damaged: this is '-1', no count"),
        (
            "spec.matrixIndex",
            {"a": []},
            "spec.matrixIndex: the run's record is damaged: this is \"{'a': []}\","
            " no mapping of texts and numbers",
        ),
        (
            "spec.changedPaths",
            ["a", 1],
            "spec.changedPaths: the run's record is damaged: this is \"['a', 1]\","
            " no list of texts",
        ),
        (
            "spec.reusesSucceeded",
            "yes",
            "spec.reusesSucceeded: the run's record is damaged:"
            " this is 'yes', neither true nor false",
        ),
        ("spec.cancel.at", None, "spec.cancel.at: the run's record is damaged: this is missing"),
        ("status", 3, "status: the run's record is damaged: this is '3', no mapping"),
        (
            "status.phase",
            "Sleeping",
            "status.phase: the run's record is damaged: this is 'Sleeping', none of Pending,"
            " Queued, Running, Succeeded, Failed, Cancelled, Skipped",
        ),
        ("status.steps", {}, "status.steps: the run's record is damaged: this is '{}', no list"),
        (
            "status.steps.0",
            "build",
            "status.steps[0]: the run's record is damaged: this is 'build', no mapping",
        ),
        (
            "status.steps.1.attempts",
            True,
            "status.steps[1].attempts: the run's record is damaged: this is 'True',"
            " no whole number",
        ),
        (
            "status.steps.1.name",
            "deploy",
            "status.steps: the run's record is damaged: these are not the steps of its pipeline",
        ),
        (
            "status.resourceUsage",
            {"cpuSeconds": "much"},
            "status.resourceUsage.cpuSeconds: the run's record is damaged:"
            " this is 'much', no number",
        ),
        ("kind", "Pod", "this is no PipelineRun of c8s.dev/v1alpha1"),
        ("apiVersion", "v2", "this is no PipelineRun of c8s.dev/v1alpha1"),
    ],
)
def test_a_damaged_record_is_told_with_the_place_of_the_damage(path, value, message):
    with pytest.raises(InvalidInput) as error:
        from_record(record_with(path, value))
    assert str(error.value) == message


def test_a_record_whose_pipeline_is_no_longer_valid_says_what_is_wrong_with_that():
    with pytest.raises(InvalidInput, match=r"steps\[0\]"):
        from_record(record_with("spec.pipeline.steps.0.image", 5))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | words,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
        max_leaves=5,
    ),
    st.data(),
)
def test_whatever_stands_in_a_record_reading_it_ends_in_a_run_or_a_clear_error(value, data):
    run = a_run(cancel=Cancel("ada", at(5)), trigger=Trigger(changed_paths=("a.go",)))
    record = json.loads(json.dumps(to_record(run)))
    place: Any = record
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        place = inner
    place[key] = value
    with contextlib.suppress(InvalidInput):
        assert isinstance(from_record(record), Run)


@pytest.mark.parametrize("record", [[], None, "run", 5])
def test_what_is_no_record_at_all_is_told_too(record):
    with pytest.raises(InvalidInput):
        from_record(record)
