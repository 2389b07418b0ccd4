"""Every byte of a log once and in order, whatever is cut, repeated or rotated on the way."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.kube.log_decoder import (
    LogDecoder,
    LogPosition,
)
from hypothesis import given
from hypothesis import strategies as st

BASE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Record:
    """One record of the file on the node: nanoseconds after BASE, and bytes (a line or a part)."""

    moment: int
    text: bytes


def stamp(moment: int) -> bytes:
    second, fraction = divmod(moment, 10**9)
    whole = BASE + datetime.timedelta(seconds=second)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z".encode()


def served(file: list[Record], since: str) -> bytes:
    """What a node sends of its file: a timestamp before what begins a line, parts glued on."""
    least = 0
    if since:
        least = int((datetime.datetime.fromisoformat(since) - BASE).total_seconds()) * 10**9
    out, new_line = [], True
    for record in file:
        if record.moment >= least:
            out.append((stamp(record.moment) + b" " if new_line else b"") + record.text)
        new_line = record.text.endswith(b"\n")
    return b"".join(out)


def content(file: list[Record]) -> bytes:
    return b"".join(record.text for record in file)


def read(decoder: LogDecoder, wire: bytes, size: int = 7) -> bytes:
    decoder.begin()
    return b"".join(decoder.feed(wire[i : i + size]) for i in range(0, len(wire), size))


texts = st.one_of(
    st.binary(max_size=12).map(lambda text: text.replace(b"\n", b" ") + b"\n"),
    st.binary(min_size=1, max_size=90).map(lambda text: text.replace(b"\n", b"\r")),
    st.just(b"\n"),
    st.just(b"2026-01-01T00:00:01.000000000Z looks like a timestamp\n"),
)
steps = st.sampled_from([0, 0, 1, 500_000_000, 3_000_000_000, -1, -20])


@st.composite
def files(draw: st.DrawFn) -> list[Record]:
    """Files as nodes write them: many of one timestamp, some a little out of order."""
    moment, records = 10**9, []
    for text, step in draw(st.lists(st.tuples(texts, steps), max_size=30)):
        moment += step
        records.append(Record(moment, text))
    return records


class TestOneAnswer:
    @given(files(), st.integers(1, 200))
    def test_the_content_and_nothing_else(self, file: list[Record], size: int) -> None:
        assert read(LogDecoder(), served(file, ""), size) == content(file)

    @given(files(), st.integers(1, 200))
    def test_timestamps_are_kept_on_request(self, file: list[Record], size: int) -> None:
        wire = served(file, "")
        assert read(LogDecoder(timestamps=True), wire, size) == wire

    def test_a_line_without_end_is_given_out_as_it_comes(self) -> None:
        decoder = LogDecoder()
        decoder.begin()
        assert decoder.feed(stamp(5) + b" 10 %") == b"10 %"
        assert decoder.feed(b" 20 %") == b" 20 %"
        assert decoder.feed(b"\n" + stamp(6)) == b"\n"
        assert decoder.feed(b" x\n") == b"x\n"

    def test_a_zone_other_than_utc(self) -> None:
        decoder = LogDecoder()
        wire = b"2026-01-01T02:00:00.1+02:00 one\n2026-01-01T02:00:01+02:00 two\n"
        assert read(decoder, wire, 3) == b"one\ntwo\n"

    def test_the_words_of_a_node_are_no_log(self) -> None:
        decoder = LogDecoder()
        said = b"unable to retrieve container logs for containerd://abc"
        assert read(decoder, stamp(1) + b" one\n" + said) == b"one\n"
        assert decoder.notice == said.decode()
        assert read(decoder, b"rpc error") == b""
        assert decoder.notice == "rpc error"


class TestCuts:
    @given(files(), st.lists(st.integers(0, 4000), max_size=5), st.integers(1, 50), st.booleans())
    def test_whatever_is_cut_nothing_is_lost_or_doubled(
        self, file: list[Record], cuts: list[int], size: int, restarted: bool
    ) -> None:
        decoder = LogDecoder()
        got = b""
        for cut in cuts:
            got += read(decoder, served(file, decoder.since)[:cut], size)
            if restarted:
                decoder = LogDecoder(LogPosition.parse(str(decoder.position)))
        got += read(decoder, served(file, decoder.since), size)
        assert got == content(file)

    @given(files(), files(), st.integers(1, 50))
    def test_a_file_that_grows_between_answers(
        self, first: list[Record], second: list[Record], size: int
    ) -> None:
        shift = max((record.moment for record in first), default=0)
        file = first + [Record(shift + record.moment, record.text) for record in second]
        decoder = LogDecoder()
        got = read(decoder, served(first, ""), size)
        got += read(decoder, served(file, decoder.since), size)
        assert got == content(file)

    def test_long_logs_are_asked_for_from_near_their_end(self) -> None:
        file = [Record(i * 10**7, b"line %d\n" % i) for i in range(5000)]
        decoder = LogDecoder()
        got = read(decoder, served(file[:4000], ""), 1000)
        assert decoder.since >= "2026-01-01T00:00:29Z"
        assert len(decoder.position.seen) == 32
        got += read(LogDecoder(decoder.position), served(file, decoder.since), 999)
        assert got == content(file)

    def test_the_end_of_an_old_long_line_is_not_taken_for_a_new_one(self) -> None:
        file = [Record(0, b"begin "), Record(3 * 10**9, b"middle "), Record(6 * 10**9, b"end\n")]
        file += [Record(6 * 10**9 + i, b"%d\n" % i) for i in range(2000)]
        decoder = LogDecoder()
        got = read(decoder, served(file[:1900], ""), 1000)
        assert decoder.since == "2026-01-01T00:00:06Z"
        assert served(file, decoder.since).startswith(b"end\n")
        got += read(decoder, served(file, decoder.since), 1000)
        assert got == content(file)

    def test_kept_timestamps_are_not_doubled(self) -> None:
        wire = stamp(1) + b" one\n" + stamp(2) + b" two\n"
        for cut in range(len(wire) + 1):
            decoder = LogDecoder(timestamps=True)
            assert read(decoder, wire[:cut]) + read(decoder, wire) == wire


class TestRotation:
    @given(files(), files(), st.integers(0, 30))
    def test_a_new_file_goes_on_where_the_old_one_ended(
        self, old: list[Record], new: list[Record], kept: int
    ) -> None:
        # Of one timestamp, a line that is gone could not be told from one that is still there.
        old = [Record(record.moment * 100 + i, record.text) for i, record in enumerate(old)]
        shift = max((record.moment for record in old), default=0) + 10**10
        new = [Record(shift + record.moment, record.text) for record in new]
        decoder = LogDecoder()
        got = read(decoder, served(old, ""))
        kept_lines = old[len(old) - min(kept, len(old)) :] if not _inside(old, kept) else []
        got += read(decoder, served(kept_lines + new, decoder.since))
        assert got == content(old + new)

    def test_it_is_counted(self) -> None:
        decoder = LogDecoder()
        read(decoder, served([Record(1, b"a\n"), Record(2, b"b\n")], ""))
        assert decoder.rotations == 0
        assert read(decoder, served([Record(3, b"c\n")], decoder.since)) == b"c\n"
        assert decoder.rotations == 1


def _inside(file: list[Record], kept: int) -> bool:
    """Whether the last `kept` records begin in the middle of a line."""
    before = file[: len(file) - min(kept, len(file))]
    return bool(before) and not before[-1].text.endswith(b"\n")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '["a",["b"],["c"]]', '["a",5,null]', "[[]]"])
def test_what_is_no_position(text: str) -> None:
    with pytest.raises(InvalidInput, match="no position"):
        LogPosition.parse(text)
