"""What watches and lists do wrong: events lost, doubled, out of order; old lists; silence."""

from __future__ import annotations

import functools
import itertools
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.kube.informer import Informers
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import watched

from faults.driving import ended, side_by_side
from faults.fault import Asked, Cut, Fault
from faults.field import TEXT, Field, Judge
from faults.sightings import Sightings, watching
from kube.cluster import Cluster
from kube.waiting import wait_for

SIDE_BY_SIDE = 10
Lines = Callable[[Iterator[bytes]], Iterator[bytes]]


def withheld(number: int) -> Lines:
    """All events but that one."""

    def lines(events: Iterator[bytes]) -> Iterator[bytes]:
        for position, event in enumerate(events, 1):
            if position != number:
                yield event

    return lines


def repeated(number: int) -> Lines:
    """That event comes at once again, and again behind each of those that follow."""

    def lines(events: Iterator[bytes]) -> Iterator[bytes]:
        old = b""
        for position, event in enumerate(events, 1):
            yield event
            if position == number:
                old = event
            if old:
                yield old

    return lines


def late(number: int) -> Lines:
    """That event comes behind the next one."""

    def lines(events: Iterator[bytes]) -> Iterator[bytes]:
        held = b""
        for position, event in enumerate(events, 1):
            if position == number:
                held = event
                continue
            yield event
            if held:
                yield held
                held = b""

    return lines


def broken(number: int) -> Lines:
    """The stream breaks in the middle of that event."""

    def lines(events: Iterator[bytes]) -> Iterator[bytes]:
        for position, event in enumerate(events, 1):
            if position == number:
                yield event[: len(event) // 2]
                raise Cut
            yield event

    return lines


def ends(number: int) -> Lines:
    """The server ends the stream in good order before that event."""

    def lines(events: Iterator[bytes]) -> Iterator[bytes]:
        for position, event in enumerate(events, 1):
            if position == number:
                return
            yield event

    return lines


def expired(number: int) -> Lines:
    """In place of that event the server says that its version is too old."""
    error = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired",
                                         "message": "too old resource version"}}  # fmt: skip

    def lines(events: Iterator[bytes]) -> Iterator[bytes]:
        for position, event in enumerate(events, 1):
            if position == number:
                yield json.dumps(error).encode() + b"\n"
                return
            yield event

    return lines


MISHAPS = (withheld, repeated, late, broken, ends, expired)


@pytest.fixture(scope="module")
def sightings(control_plane: Cluster) -> Iterator[Sightings]:
    with watching(control_plane) as found:
        yield found


@pytest.fixture
def field(control_plane: Cluster, sightings: Sightings, tmp_path: Path) -> Field:
    return Field(control_plane, sightings, tmp_path)


def on_watch(resource: str, lines: Lines) -> Judge:
    """What becomes of the first watch of a resource."""
    watches: list[Asked] = []

    def judge(asked: Asked) -> Fault | None:
        if asked.sort != "watch" or asked.resource != resource:
            return None
        watches.append(asked)
        return Fault(lines=lines) if len(watches) == 1 else None

    return judge


def test_at_every_event(field: Field) -> None:
    events: list[bytes] = []

    def counted(found: Iterator[bytes]) -> Iterator[bytes]:
        for event in found:
            events.append(event)
            yield event

    field.drive(lambda asked: Fault(lines=counted) if asked.sort == "watch" else None)
    assert len(events) >= 8, events
    trials = {
        f"event {number} {mishap.__name__}": functools.partial(
            field.drive, on_watch("pods", mishap(number))
        )
        for number in range(1, len(events) + 1)
        for mishap in MISHAPS
    }
    side_by_side(trials, SIDE_BY_SIDE)


def test_a_watch_that_goes_silent(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first event nothing comes, and nothing is closed."""
    monkeypatch.setattr(watched, "Informers", functools.partial(Informers, idle=2.0))

    def silent(events: Iterator[bytes]) -> Iterator[bytes]:
        yield from itertools.islice(events, 1)
        for _event in events:
            pass

    field.drive(on_watch("pods", silent))


def test_lists_that_are_some_revisions_old(field: Field) -> None:
    """A driver is killed when its Jobs are made; to the next one all lists show what was before,
    and what it sees of Jobs is ahead of what it hears of pods."""

    def trial(kill_at: int) -> None:
        with ExitStack() as stack:
            place, proxy = field.place(stack)
            file = place.kubeconfig.with_name("pipeline.yaml")
            file.write_bytes(TEXT)
            old: dict[str, bytes] = {}
            victim: list[subprocess.Popen[bytes]] = []

            def remember(resource: str, body: bytes) -> bytes:
                return old.setdefault(resource, body)

            def first(asked: Asked) -> Fault | None:
                if _lists(asked):
                    return Fault(changed=functools.partial(remember, asked.resource))
                if asked.sort == "write" and asked.number == kill_at:
                    return Fault(before=victim[0].kill, lost=True)
                return None

            proxy.judge = first
            victim.append(place.begin(file))
            victim[0].communicate(timeout=120)
            wait_for(
                "the pods' ends",
                lambda: all(
                    pod["status"].get("phase") == "Succeeded"
                    for pod in place.cluster.api().get(
                        f"/api/v1/namespaces/{place.namespace}/pods"
                    )["items"]
                ),
            )
            again: list[Asked] = []

            def late(events: Iterator[bytes]) -> Iterator[bytes]:
                time.sleep(1)
                yield from events

            def stale(asked: Asked) -> Fault | None:
                if asked.sort == "watch" and asked.resource == "pods":
                    return Fault(lines=late)
                if not _lists(asked):
                    return None
                again.append(asked)
                return Fault(changed=functools.partial(remember, asked.resource))

            proxy.judge = stale
            record = ended(place.begin(file))
            assert {asked.resource for asked in again} == {"pods"}
            field.check(place, record)

    side_by_side({f"killed at {at}": functools.partial(trial, at) for at in (2, 3)}, 2)


def _lists(asked: Asked) -> bool:
    return asked.sort == "read" and asked.path.endswith(("/jobs", "/pods"))
