"""The spool of a log: known by its origin, gone on with where it was left, whole once sealed."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.storage import log_spool
from ansible_collections.c8s.ci.plugins.module_utils.storage.log_mark import LogMark
from ansible_collections.c8s.ci.plugins.module_utils.storage.log_spool import LogSpool


def spool(path: Path, **more: object) -> LogSpool:
    """One that writes its mark down at every turn."""
    times = iter(range(1000))
    return LogSpool(path, "pod-1", clock=lambda: float(next(times)), **more)  # type: ignore[arg-type]


def test_the_mark_is_behind_what_can_be_gone_on_with(tmp_path: Path):
    path = tmp_path / "a.log"
    log = spool(path)
    log.write(b"one\n", lambda: "p1")
    log.write(b"half of", None)
    assert log_spool.found(path, "pod-1") == LogMark("pod-1", "p1", 4)
    log.log.leave()
    again = spool(path, found=log_spool.found(path, "pod-1"))
    assert path.read_bytes() == b"one\n"
    again.write(b"two\n", lambda: "p2")
    again.seal()
    assert path.read_bytes() == b"one\ntwo\n"
    mark = log_spool.found(path)
    assert mark is not None
    assert (mark.sealed, mark.size) == (True, 8)


def test_another_pods_log_is_none_to_go_on_with(tmp_path: Path):
    path = tmp_path / "a.log"
    log = spool(path)
    log.write(b"one\n", lambda: "p1")
    log.leave()
    assert log_spool.found(path, "pod-2") is None
    LogSpool(path, "pod-2").seal()
    assert path.read_bytes() == b""


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"origin": "x"}'])
def test_a_damaged_mark_is_as_none(tmp_path: Path, content: bytes):
    path = tmp_path / "a.log"
    spool(path).leave()
    (tmp_path / ".a.log.mark").write_bytes(content)
    assert log_spool.found(path) is None


def test_nothing_is_left_of_what_is_removed(tmp_path: Path):
    path = tmp_path / "a.log"
    log = spool(path, cap=10)
    log.write(b"x" * 100, lambda: "p")
    log.leave()
    log_spool.remove(path)
    assert list(tmp_path.iterdir()) == []
