"""Logs that one driver begins and others go on with: masked as if there had been only one."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.masking.masker import Secrets
from ansible_collections.c8s.ci.plugins.module_utils.runs.masked_log import MaskedSpool
from ansible_collections.c8s.ci.plugins.module_utils.storage import log_spool
from ansible_collections.c8s.ci.plugins.module_utils.storage.log_spool import LogSpool
from hypothesis import given
from hypothesis import strategies as st

# One that overlaps itself, one that is a beginning of the other, one of several lines.
VALUES = ["abcabcabc", "secret-one", "secret-one-two", "first line\nx\nthird line"]
SECRETS = Secrets(VALUES)
PIECES = [*VALUES, "abc", "secret-", "first line\n", "x\n", "ab", "\n", "text ", "***REDACTED***"]


TICKS = itertools.count()


def every_time() -> float:
    """A clock by which each turn is late enough for a mark."""
    return float(next(TICKS))


def never() -> float:
    """One by which no turn is."""
    return 0.0


def driven(raw: bytes, cuts: list[int], kills: list[int], cap: int) -> bytes:
    """What is kept of a log that comes in pieces, by drivers of which each is killed after so many
    of them. A place in it is the number of its bytes before."""
    ends = sorted({*(cut for cut in cuts if cut < len(raw)), len(raw)})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.log"
        times = itertools.cycle([every_time, never])
        for pieces in [*kills, len(ends) + 1]:
            found = log_spool.found(path, "pod")
            spool = LogSpool(path, "pod", cap, found=found, clock=next(times))
            log = MaskedSpool(spool, SECRETS)
            begin = int(spool.mark.position or 0)
            for end in [end for end in ends if end > begin][:pieces]:
                log.write(raw[begin:end], lambda end=end: str(end))  # type: ignore[misc]
                begin = end
            if begin < len(raw):
                # It dies: what is on the disk is all that the next one has.
                spool.log.leave()
                continue
            log.seal()
            return path.read_bytes()
    raise AssertionError("the last driver sees the end")


@given(
    st.lists(st.sampled_from(PIECES), max_size=12).map(lambda found: "".join(found).encode()),
    st.lists(st.integers(1, 150), max_size=12),
    st.lists(st.integers(0, 4), max_size=4),
    st.sampled_from([1000, 60]),
)
def test_the_log_is_the_same_whoever_dies(
    raw: bytes, cuts: list[int], kills: list[int], cap: int
) -> None:
    assert driven(raw, cuts, kills, cap) == driven(raw, [], [], cap)


@pytest.mark.parametrize("value", VALUES)
def test_a_secret_across_the_place_of_death_is_masked(value: str) -> None:
    raw = f"before {value} after\n".encode()
    for cut in range(1, len(raw)):
        assert driven(raw, [cut], [1], 1000) == b"before ***REDACTED*** after\n"
