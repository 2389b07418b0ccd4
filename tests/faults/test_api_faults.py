"""What an API server and the way to it do wrong, one answer at a time: the run ends as it would."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from faults.driving import side_by_side
from faults.fault import Asked, Fault, refusal
from faults.field import Field, Judge, first, nth
from faults.sightings import Sightings, watching
from kube.cluster import Cluster

SIDE_BY_SIDE = 12
BUSY = refusal(500, "InternalError", "Internal error occurred: etcdserver: leader changed")
THROTTLED = refusal(429, "TooManyRequests", "too many requests, try again", retryAfterSeconds=1)
MOVED = refusal(409, "Conflict", "Operation cannot be fulfilled: the object has been modified")
LATE = refusal(504, "Timeout", "request did not complete within the allotted timeout")
REFUSED = refusal(422, "Invalid", "Job.batch is invalid: spec.template: Invalid value")
FULL = refusal(403, "Forbidden", "jobs.batch is forbidden: exceeded quota: q, requested: count=1")
EXPIRED = refusal(410, "Expired", "too old resource version: 1 (2)")

ON_WRITES = {
    "the connection breaks before it": Fault(times=0, lost=True),
    "its answer is lost": Fault(lost=True),
    "it comes twice": Fault(times=2),
    "500, and nothing done": Fault(times=0, answer=BUSY),
    "500, and done all the same": Fault(answer=BUSY),
    "504, and done all the same": Fault(answer=LATE),
    "429": Fault(times=0, answer=THROTTLED),
}
ON_READS = {
    "the connection breaks": Fault(lost=True),
    "500": Fault(times=0, answer=BUSY),
    "429": Fault(times=0, answer=THROTTLED),
}


@pytest.fixture(scope="module")
def sightings(control_plane: Cluster) -> Iterator[Sightings]:
    with watching(control_plane) as found:
        yield found


@pytest.fixture
def field(control_plane: Cluster, sightings: Sightings, tmp_path: Path) -> Field:
    return Field(control_plane, sightings, tmp_path)


def test_at_every_write(field: Field) -> None:
    writes = [asked for asked in field.drive() if asked.sort == "write"]
    assert len(writes) >= 6
    trials = {
        f"write {number}: {what}": functools.partial(field.drive, nth("write", number, fault))
        for number in range(1, len(writes) + 1)
        for what, fault in ON_WRITES.items()
    }
    side_by_side(trials, SIDE_BY_SIDE)


def test_at_every_read_and_watch(field: Field) -> None:
    asked = field.drive()
    assert {"read", "watch"} <= {one.sort for one in asked}
    trials = {
        f"{one}: {what}": functools.partial(field.drive, nth(one.sort, one.number, fault))
        for one in asked
        if one.sort != "write"
        for what, fault in {**ON_READS, **({"410": Fault(times=0, answer=EXPIRED)}
                                           if one.sort == "watch" else {})}.items()
    }  # fmt: skip
    side_by_side(trials, SIDE_BY_SIDE)


def test_answers_that_never_come_after_the_write_was_done(field: Field) -> None:
    silent = Fault(silent=True)
    judges = {
        "the record": nth("write", 1, silent),
        "a Job": first("jobs", silent),
        "the record's end": first("configmaps", silent, method="PATCH"),
        "a Job that may expire": first("jobs", silent, method="PATCH"),
    }
    side_by_side(
        {name: functools.partial(field.drive, judge) for name, judge in judges.items()},
        SIDE_BY_SIDE,
    )


def test_conflicts_quotas_and_delays_pass(field: Field) -> None:
    judges = {
        "409 for the record": first("configmaps", Fault(times=0, answer=MOVED), method="PATCH"),
        "409 for a Job": first("jobs", Fault(times=0, answer=MOVED)),
        "a quota is full for a while": first("jobs", Fault(times=0, answer=FULL), times=2),
        "every answer is late": lambda _asked: Fault(before=lambda: time.sleep(0.3)),
        "throttled at every turn": throttled_every_other_time(),
    }
    side_by_side(
        {name: functools.partial(field.drive, judge) for name, judge in judges.items()},
        SIDE_BY_SIDE,
    )


def throttled_every_other_time() -> Judge:
    seen: set[tuple[str, str, str]] = set()

    def judge(asked: Asked) -> Fault | None:
        what = (asked.method, asked.path, asked.sort)
        if what in seen:
            seen.discard(what)
            return None
        seen.add(what)
        return Fault(times=0, answer=THROTTLED)

    return judge


def test_a_job_that_is_refused_fails_its_step_by_name(field: Field) -> None:
    run, asked = field.ends(first("jobs", Fault(times=0, answer=REFUSED)))
    one, two = run.status.steps
    assert (one.phase, one.reason, two.phase) == ("Failed", "JobRefused", "Skipped")
    assert "spec.template: Invalid value" in one.message
    made = [each for each in asked if each.resource == "jobs" and each.method == "POST"]
    assert len(made) == 1


def test_throttling_is_heeded_to_the_second(field: Field) -> None:
    """Nothing is asked again before the time that the server names."""
    times: list[float] = []

    def judge(asked: Asked) -> Fault | None:
        if asked.resource == "jobs" and asked.method == "POST":
            times.append(time.monotonic())
            if len(times) == 1:
                return Fault(times=0, answer=replace(THROTTLED, headers={"Retry-After": "3"}))
        return None

    field.drive(judge)
    assert times[1] - times[0] >= 3
