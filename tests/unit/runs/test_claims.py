"""Claims on runs: good for a while, renewed in time, told apart by the store they come from."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.claims import (
    CLAIM,
    CROWD,
    HOLDER,
    RENEWAL,
    UNTIL,
    Claim,
    Claims,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage.run_directory import RunDirectory

SECOND = datetime.timedelta(seconds=1)


class Clock:
    def __init__(self) -> None:
        self.now = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)

    def __call__(self) -> datetime.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def told(claim: Claim) -> dict[str, Any]:
    return config_map(claim.annotations())


def config_map(annotations: dict[str, str] | None) -> dict[str, Any]:
    return {"metadata": {"name": "c8s-r", "annotations": annotations}}


def test_of_another_store_until_it_runs_out(tmp_path: Path, clock: Clock) -> None:
    one, other = (Claims(RunDirectory(tmp_path / name), clock) for name in "ab")
    claim = one.fresh("r")
    one.confirm("r", claim)
    other.saw("r", told(claim))
    one.saw("r", told(claim))
    assert (one.owns("r"), one.elsewhere("r")) == (True, False)
    assert (other.owns("r"), other.elsewhere("r")) == (False, True)
    clock.now += CLAIM - SECOND
    assert other.elsewhere("r")
    clock.now += SECOND
    assert not other.elsewhere("r")
    assert not one.owns("r")


def test_a_store_that_is_shared_is_one(tmp_path: Path, clock: Clock) -> None:
    one, other = (Claims(RunDirectory(tmp_path / "a"), clock) for _each in range(2))
    other.saw("r", told(one.fresh("r")))
    assert not other.elsewhere("r")


def test_it_is_renewed_long_before_it_runs_out(tmp_path: Path, clock: Clock) -> None:
    claims = Claims(RunDirectory(tmp_path), clock)
    claims.fresh("r")
    claims.fresh("ended")
    claims.forget("ended")
    assert claims.due() == []
    clock.now += RENEWAL
    assert claims.due() == ["r"]
    claims.fresh("r")
    assert claims.due() == []
    assert RENEWAL * 2 < CLAIM


def test_of_many_they_are_good_for_longer_and_renewed_less_often(
    tmp_path: Path, clock: Clock
) -> None:
    claims, other = (Claims(RunDirectory(tmp_path / name), clock) for name in "ab")
    count = 10 * CROWD
    made = [claims.fresh(f"r{number}", among=count) for number in range(count)]
    clock.now += RENEWAL * 10 - SECOND
    assert claims.due() == []
    clock.now += SECOND
    assert len(claims.due()) == count
    other.saw("r0", told(made[0]))
    clock.now += CLAIM * 10 - RENEWAL * 10 - SECOND
    assert other.elsewhere("r0")
    clock.now += SECOND
    assert not other.elsewhere("r0")


def test_what_was_not_renewed_in_time_is_in_doubt(tmp_path: Path, clock: Clock) -> None:
    claims = Claims(RunDirectory(tmp_path), clock)
    claims.confirm("r", claims.fresh("r"))
    assert not claims.doubtful()
    clock.now += RENEWAL
    # What was written may have come through or not.
    late = claims.fresh("r")
    assert claims.due() == []
    clock.now += CLAIM - RENEWAL
    assert claims.doubtful() == {"r"}
    assert not claims.owns("r")
    claims.failed("r")
    assert claims.due() == ["r"]
    claims.confirm("r", late)
    assert not claims.doubtful()
    assert claims.owns("r")


def test_what_is_lost_is_told_once_and_not_claimed_again(tmp_path: Path, clock: Clock) -> None:
    claims = Claims(RunDirectory(tmp_path), clock)
    claims.confirm("r", claims.fresh("r"))
    assert claims.again("r") is not None
    claims.lose("r")
    assert claims.again("r") is None
    assert (claims.lost(), claims.lost()) == ({"r"}, frozenset())
    clock.now += CLAIM
    assert (claims.due(), claims.doubtful()) == ([], frozenset())


@pytest.mark.parametrize(
    "annotations",
    [None, {}, {HOLDER: "x"}, {HOLDER: "x", UNTIL: ""}, {HOLDER: "x", UNTIL: "noon"}],
)
def test_what_is_no_claim_keeps_nobody(
    tmp_path: Path, clock: Clock, annotations: dict[str, str] | None
) -> None:
    claims = Claims(RunDirectory(tmp_path), clock)
    claims.saw("r", config_map(annotations))
    assert claims.known("r")
    assert not claims.elsewhere("r")


def test_who_only_looks_makes_nothing(tmp_path: Path, clock: Clock) -> None:
    driver, looker = (Claims(RunDirectory(tmp_path / name), clock) for name in ("a", "none"))
    looker.saw("r", told(driver.fresh("r")))
    assert looker.elsewhere("r")
    assert not (tmp_path / "none").exists()
