"""The time by a server's answers, whatever this host's clock says."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import NotFound
from ansible_collections.c8s.ci.plugins.module_utils.kube.server_time import ServerTime

from unit.kube.fake_api import fake_api, in_turn, status
from unit.kube.test_connection import client_of

NOON = datetime.datetime(2026, 1, 2, 12, 0, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


class Clock:
    """Seconds since some moment, that go by when they are told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_it_goes_on_evenly_from_what_this_host_says_at_first() -> None:
    clock = Clock()
    told = [NOON, NOON + HOUR]
    now = ServerTime(here=lambda: told.pop(0), clock=clock)
    clock.seconds += 1.5
    assert now.now() == NOON + datetime.timedelta(seconds=1.5)


@pytest.mark.parametrize("wrong", [-HOUR, -datetime.timedelta(seconds=4), HOUR])
def test_a_server_that_says_otherwise_is_right(wrong: datetime.timedelta) -> None:
    now = ServerTime(here=lambda: NOON + wrong, clock=Clock())
    now.heard("Fri, 02 Jan 2026 12:00:00 GMT")
    assert now.now() == NOON + datetime.timedelta(seconds=0.5)


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_a_difference_of_a_second_is_none(seconds: int) -> None:
    here = NOON + datetime.timedelta(seconds=seconds)
    now = ServerTime(here=lambda: here, clock=Clock())
    now.heard("Fri, 02 Jan 2026 12:00:00 GMT")
    assert now.now() == here


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 02 Jan 2026 12:00:00", "-1"])
def test_what_is_no_date_is_passed_over(date: str) -> None:
    now = ServerTime(here=lambda: NOON, clock=Clock())
    now.heard(date)
    assert now.now() == NOON


def test_a_client_hears_it_from_every_answer_also_one_that_refuses() -> None:
    with fake_api(in_turn(status(404))) as api, client_of(api) as client:
        client.time = ServerTime(here=lambda: NOON)
        with pytest.raises(NotFound):
            client.request("GET", "/x")
        difference = datetime.datetime.now(datetime.UTC) - client.time.now()
    assert abs(difference) < datetime.timedelta(seconds=60)
