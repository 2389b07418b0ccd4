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
