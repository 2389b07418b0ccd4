"""Logs on their way into a real store: in parts while they grow, whole at the end."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.storage import log_spool, log_uploads
from ansible_collections.c8s.ci.plugins.module_utils.storage.log_mark import LogMark
from ansible_collections.c8s.ci.plugins.module_utils.storage.log_parts import (
    LogPart,
    LogParts,
    newest_mark,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage.log_spool import LogSpool
from ansible_collections.c8s.ci.plugins.module_utils.storage.log_uploads import (
    Brought,
    LogKeys,
    LogUpload,
    LogUploads,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3 import S3Objects
from ansible_collections.c8s.ci.plugins.module_utils.storage.stored_log import ObjectLog

from kube.waiting import wait_for
from s3_server import S3Server

KEYS = LogKeys("ns/run/a.log", "ns/run/_parts/a.log/", "ns/run/_kept/pod.log")


@pytest.fixture
def stored(objects: S3Objects) -> ObjectLog:
    """As readers on any host see it."""
    return ObjectLog(objects, KEYS.log, KEYS.parts)


def at(position: str) -> Callable[[], str]:
    return lambda: position


def text(log: ObjectLog, start: int = 0) -> bytes:
    return b"".join(log.read(start))


@pytest.fixture
def spools(tmp_path: Path) -> Iterator[Callable[..., LogSpool]]:
    """Makes spools that are left at the end."""
    made = []

    def make(path: Path = tmp_path / "a.log", cap: int = 1000, **more: LogMark) -> LogSpool:
        ticks = itertools.count()  # Each turn is late enough for a mark.
        made.append(
            LogSpool(path, "pod", cap, found=more.get("found"), clock=lambda: float(next(ticks)))
        )
        return made[-1]

    yield make
    for spool in made:
        spool.leave()


def test_a_log_is_read_while_it_grows_and_once_it_is_whole(
    objects: S3Objects, spools: Callable[..., LogSpool], stored: ObjectLog, tmp_path: Path
) -> None:
    spool = spools()
    upload = LogUpload(objects, KEYS, spool, None)
    assert not stored.exists()
    assert text(stored) == b""
    taken = b""
    for number in range(4):
        line = b"line %d\n" % number
        taken += line
        spool.write(line, at(str(number)))
        assert upload.behind
        upload.advance(0.0)
        assert not upload.behind
        assert (text(stored), text(stored, 5)) == (taken, taken[5:])
        assert (stored.exists(), stored.whole()) == (True, False)
        with stored.open() as stream:
            assert stream.read() == taken
    parts = LogParts(objects, KEYS.parts).whole()
    assert [part.start for part in parts] == [0], "a short part is written again, longer"
    assert newest_mark(parts, "pod") == LogMark("pod", "3", len(taken))
    spool.seal()
    upload.advance(0.0)
    assert upload.kept.done()
    assert stored.whole()
    assert (text(stored), text(stored, 5), text(stored, 99)) == (taken, taken[5:], b"")
    assert [found.key for found in objects.listing("ns/run/")] == [KEYS.sealed, KEYS.log]
    assert list(tmp_path.glob("*.log")) == []


def test_long_parts_are_followed_by_new_ones(
    objects: S3Objects,
    spools: Callable[..., LogSpool],
    stored: ObjectLog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_uploads, "LEAST_PART", 10)
    monkeypatch.setattr(log_uploads, "MOST_PART", 25)
    spool = spools()
    upload = LogUpload(objects, KEYS, spool, None)
    taken = b""
    for size in (4, 4, 4, 70, 3):
        taken += b"x" * size
        spool.write(b"x" * size, at(str(len(taken))))
        upload.advance(0.0)
    starts = LogParts(objects, KEYS.parts).starts()
    assert starts == [0, 12, 37, 62, 82]
    assert text(stored) == taken


def test_the_middle_of_a_long_log_goes_from_the_store_too(
    objects: S3Objects,
    spools: Callable[..., LogSpool],
    stored: ObjectLog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_uploads, "LEAST_PART", 10)
    spool = spools(cap=100)
    upload = LogUpload(objects, KEYS, spool, None)
    lines = [b"line %04d\n" % number for number in range(60)]
    for number, line in enumerate(lines):
        spool.write(line, at(str(number)))
        upload.advance(0.0)
    whole = b"".join(lines)
    assert text(stored) == whole[:50], "of a log that goes on the head alone is shown"
    assert len(LogParts(objects, KEYS.parts).starts()) < 15
    parts = LogParts(objects, KEYS.parts).whole()
    mark = newest_mark(parts, "pod")
    assert mark is not None
    # Another host goes on with what is there.
    other = tmp_path / "other"
    assert log_spool.rebuild(other / "a.log", parts, mark, 100)
    again = spools(other / "a.log", 100, found=mark)
    again.write(b"end\n", at("60"))
    again.seal()
    starts = tuple(part.start for part in parts)
    second = LogUpload(objects, KEYS, again, Brought(mark, starts))
    second.advance(0.0)
    assert second.kept.done()
    total = whole + b"end\n"
    note = b"\n[c8s: %d bytes of output were cut here]\n" % (len(total) - 100)
    assert text(stored) == total[:50] + note + total[-50:]


def test_a_log_that_outran_a_store_that_was_away(
    objects: S3Objects,
    spools: Callable[..., LogSpool],
    server: S3Server,
    stored: ObjectLog,
    tmp_path: Path,
) -> None:
    spool = spools(cap=100)
    upload = LogUpload(objects, KEYS, spool, None)
    spool.write(b"begin\n", at("0"))
    upload.advance(0.0)
    server.stop()
    lines = [b"line %04d\n" % number for number in range(60)]
    for line in lines[:30]:
        spool.write(line, at("x"))
    upload.advance(0.0)
    assert upload.fault is not None
    assert server.endpoint in str(upload.fault)
    assert upload.due > 0.0
    for line in lines[30:]:
        spool.write(line, at("x"))
    server.start()
    upload.advance(0.0)
    assert upload.fault is None
    mark = newest_mark(LogParts(objects, KEYS.parts).whole(), "pod")
    assert mark == spool.mark
    spool.seal()
    upload.advance(0.0)
    whole = b"begin\n" + b"".join(lines)
    assert text(stored).startswith(whole[:50])
    assert text(stored).endswith(whole[-50:])


def test_what_another_pod_left_goes_first(
    objects: S3Objects, spools: Callable[..., LogSpool], stored: ObjectLog, tmp_path: Path
) -> None:
    objects.put(KEYS.log, b"of another pod")
    LogParts(objects, KEYS.parts).put(LogPart(4, LogMark("other", "p", 6), b"xx"))
    spool = spools()
    spool.write(b"mine\n", at("1"))
    LogUpload(objects, KEYS, spool, None).advance(0.0)
    assert text(stored) == b"mine\n"
    assert not stored.whole()


def test_parts_of_two_writers_make_one_log(objects: S3Objects, stored: ObjectLog) -> None:
    """Both write the same; where one's part begins the one before is over."""
    parts = LogParts(objects, KEYS.parts)
    whole = b"0123456789abcdef"
    for start, end in ((0, 9), (5, 7), (7, 16)):
        parts.put(LogPart(start, LogMark("pod", "p", end), whole[start:end]))
    assert text(stored) == whole
    assert b"".join(part.content for part in parts.whole()) == whole
    parts.delete([5, 7])
    parts.put(LogPart(12, LogMark("pod", "p", 16), whole[12:]))
    assert text(stored) == whole[:9], "what is behind a gap is not shown"


def test_damaged_parts_are_told(objects: S3Objects, stored: ObjectLog) -> None:
    objects.put(f"{KEYS.parts}000000000000000", b"no mark\ncontent")
    with pytest.raises(Unavailable, match=r"_parts/a\.log/0+ is damaged"):
        text(stored)


@pytest.fixture
def uploads() -> Iterator[tuple[LogUploads, threading.Event]]:
    found = LogUploads()
    yield found, threading.Event()
    found.close()


def test_many_logs_go_side_by_side_and_survive_an_outage(
    objects: S3Objects,
    spools: Callable[..., LogSpool],
    server: S3Server,
    tmp_path: Path,
    uploads: tuple[LogUploads, threading.Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_uploads, "_LONGEST_PAUSE", 1.0)
    running, changed = uploads
    logs = []
    for number in range(20):
        spool = spools(tmp_path / f"{number}.log")
        keys = LogKeys(f"{number}.log", f"_parts/{number}/", f"_kept/{number}")
        logs.append(LogUpload(objects, keys, spool, None, changed=changed.set))
        running.add(logs[-1])
        spool.write(b"begin %d\n" % number, at("1"))
    wait_for("the first parts", lambda: len(list(objects.listing("_parts/"))) == 20)
    server.stop()
    for log in logs:
        log.spool.write(b"end\n", at("2"))
        log.spool.seal()
    running.hurry(logs)
    wait_for("news of the outage", lambda: all(log.fault for log in logs))
    assert changed.is_set()
    server.start()
    for number, log in enumerate(logs):
        log.kept.result(60)
        assert objects.get(f"{number}.log") == b"begin %d\nend\n" % number
    assert list(objects.listing("_parts/")) == []
