"""Texts found where their white space differs."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.masking.fold import (
    FIRST_PIECE,
    NEXT_PIECE,
    RUN_LIMIT,
    Fold,
    spaced_fold,
    wrapped_fold,
)

TEXT = base64.b64encode(bytes(range(96)))


def end(fold: Fold, data: bytes, start: int = 0) -> int:
    folded = fold.fold(data, 0, len(data))
    return fold.end_of_text(folded, folded.place(start))


def lives(fold: Fold, data: bytes) -> bool:
    return fold.may_end_later(fold.fold(data, 0, len(data)), 0)


@pytest.mark.parametrize("gap", [b" ", b"\n", b"\r\n\t", b" " * RUN_LIMIT, b"\x0b\x0c"])
def test_any_white_space_counts_as_a_space(gap: bytes) -> None:
    fold = spaced_fold([b"first second third"])
    data = b"first" + gap + b"second" + gap + b"third"
    assert end(fold, data + b" more") == len(data)
    assert end(fold, b"\n\n<" + data, 3) == 3 + len(data)
    assert len(data) <= fold.longest
    assert fold.may_begin(data, 0)


@pytest.mark.parametrize("gap", [b"", b" " * (RUN_LIMIT + 1), b"-", b" \xa0"])
def test_what_is_no_gap(gap: bytes) -> None:
    fold = spaced_fold([b"first second"])
    assert end(fold, b"first" + gap + b"second") == 0
    assert not lives(fold, b"first" + gap + b"s")


def test_what_may_still_become_a_spaced_text() -> None:
    fold = spaced_fold([b"first second"])
    for beginning in (b"f", b"first", b"first\r", b"first \n  ", b"first" + b" " * RUN_LIMIT):
        assert lives(fold, beginning)
        assert fold.may_begin(beginning, 0)
    assert not lives(fold, b"first second")
    assert not fold.may_begin(b"first thing", 0)


def test_what_begins_a_spaced_text_is_told_by_its_first_bytes() -> None:
    fold = spaced_fold([b"first " + b"word " * 100 + b"last"])
    assert fold.may_begin(b"first " + b"word   " * 100, 0)
    assert not fold.may_begin(b"first " + b"word   " * 4 + b"other", 0)


@pytest.mark.parametrize("cut", [b"\n", b"\r\n", b"\n    ", b"\r\n" + b"\t" * RUN_LIMIT])
@pytest.mark.parametrize("first", [FIRST_PIECE, 20, 64])
def test_a_cut_counts_as_nothing(cut: bytes, first: int) -> None:
    fold = wrapped_fold([TEXT])
    rest = TEXT[first:]
    data = TEXT[:first] + cut + rest[:NEXT_PIECE] + cut + rest[NEXT_PIECE:]
    assert end(fold, data) == len(data)
    assert len(data) <= fold.longest
    for stop in range(1, len(data)):
        assert lives(fold, data[:stop])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TEXT[: FIRST_PIECE - 1] + b"\n" + TEXT[FIRST_PIECE - 1 :], id="first piece"),
        pytest.param(TEXT[:60] + b"\n" + TEXT[60:99] + b"\n" + TEXT[99:], id="next piece"),
        pytest.param(TEXT[:60] + b"\n\n" + TEXT[60:], id="blank line"),
        pytest.param(TEXT[:60] + b" " + TEXT[60:], id="no line end"),
        pytest.param(TEXT[:60] + b"\r" + TEXT[60:], id="half a line end"),
        pytest.param(TEXT[:60] + b"\n" + b" " * (RUN_LIMIT + 1) + TEXT[60:], id="indented too far"),
    ],
)
def test_what_is_no_cut(data: bytes) -> None:
    fold = wrapped_fold([TEXT])
    assert end(fold, data) == 0
    assert not lives(fold, data[:-1])


def test_a_shorter_text_is_found_before_a_cut_that_comes_too_early() -> None:
    fold = wrapped_fold([TEXT, TEXT[:70]])
    assert end(fold, TEXT[:60] + b"\n" + TEXT[60:80] + b"\n" + TEXT[80:]) == 71


def test_nothing_to_find() -> None:
    assert not spaced_fold([])
    assert not wrapped_fold([])
    assert wrapped_fold([]).longest == spaced_fold([]).longest == 0
