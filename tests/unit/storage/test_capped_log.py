"""The log that keeps its head and its tail."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ansible_collections.c8s.ci.plugins.module_utils.storage.capped_log import CappedLog
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(2, 100))
def test_head_and_tail_are_kept_however_it_was_written(parts: list[bytes], cap: int):
    whole = b"".join(parts)
    with tempfile.TemporaryDirectory() as folder:
        log = CappedLog(Path(folder) / "logs" / "a.log", cap)
        for part in parts:
            log.write(part)
        log.close()
        log.close()
        kept = log.path.read_bytes()
    if len(whole) <= cap:
        assert kept == whole
    else:
        note = b"\n[c8s: %d bytes of output were cut here]\n" % (len(whole) - cap)
        assert kept == whole[: cap - cap // 2] + note + whole[len(whole) - cap // 2 :]


def test_the_head_is_there_before_the_end(tmp_path: Path):
    log = CappedLog(tmp_path / "a.log", 1000)
    log.write(b"early")
    assert log.path.read_bytes() == b"early"
    log.close()


@given(
    st.lists(st.binary(max_size=40), max_size=20),
    st.integers(2, 100),
    st.lists(st.tuples(st.integers(0, 19), st.integers(0, 60)), max_size=4),
)
def test_another_one_goes_on_where_this_one_was_killed(
    parts: list[bytes], cap: int, kills: list[tuple[int, int]]
):
    """A kill comes behind a part, and what was taken last is known to be kept only up to a place
    before: the next one gets it again from there."""
    whole = b"".join(parts)
    kept_back = dict(kills)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "logs" / "a.log"
        log = CappedLog(path, cap)
        for number, part in enumerate(parts):
            log.write(part)
            if number in kept_back:
                log.leave()
                # No further back than what the tail still holds.
                least = max(0, log.size - (cap // 2)) if log.size > log.head_cap else 0
                place = max(least, log.size - kept_back[number])
                log, taken = CappedLog(path, cap, resume_at=place), log.size
                log.write(whole[place:taken])
        log.close()
        kept = path.read_bytes()
        assert [left.name for left in path.parent.iterdir()] == ["a.log"]
    if len(whole) <= cap:
        assert kept == whole
    else:
        note = b"\n[c8s: %d bytes of output were cut here]\n" % (len(whole) - cap)
        assert kept == whole[: cap - cap // 2] + note + whole[len(whole) - cap // 2 :]


@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(2, 100), st.integers(1, 30))
def test_what_is_kept_can_be_read_while_it_grows(parts: list[bytes], cap: int, limit: int):
    taken = b""
    with tempfile.TemporaryDirectory() as folder:
        log = CappedLog(Path(folder) / "a.log", cap)
        for part in parts:
            log.write(part)
            taken += part
            begin = max(0, log.size - log.tail_cap) if log.size > log.head_cap else 0
            for start in sorted({0, begin, log.tail_start}):
                found = log.read(start, limit)
                assert found == taken[start : start + len(found)]
                assert found or start >= log.size
        log.close()
