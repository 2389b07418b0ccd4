"""Chunked bodies, cut anywhere."""

from __future__ import annotations

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.kube.chunked import Dechunker
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.binary(min_size=1, max_size=60)), st.integers(1, 90), st.booleans())
def test_the_content_whatever_the_pieces(chunks: list[bytes], size: int, extended: bool) -> None:
    extension = b";x=y" if extended else b""
    wire = b"".join(b"%x%s\r\n%s\r\n" % (len(one), extension, one) for one in chunks) + b"0\r\n\r\n"
    reader, got = Dechunker(), []
    for begin in range(0, len(wire), size):
        assert not reader.ended
        got.append(reader.feed(wire[begin : begin + size]))
        if reader.ended:
            break
    assert b"".join(got) == b"".join(chunks)
    assert reader.ended


@given(st.lists(st.binary(min_size=1, max_size=60)), st.data())
def test_a_cut_gives_what_had_come(chunks: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in chunks)
    cut = data.draw(st.integers(0, len(wire)))
    reader = Dechunker()
    assert b"".join(chunks).startswith(reader.feed(wire[:cut]))
    assert not reader.ended


@pytest.mark.parametrize("wire", [b"hello\r\n", b"-3\r\nabc", b"x" * 5000])
def test_what_is_not_chunked(wire: bytes) -> None:
    with pytest.raises(ValueError, match=r"a chunk has|invalid literal"):
        Dechunker().feed(wire)
