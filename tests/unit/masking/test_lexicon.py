"""Which of many texts begins at a place, and what may come to begin there."""

from __future__ import annotations

from ansible_collections.c8s.ci.plugins.module_utils.masking.lexicon import Lexicon
from hypothesis import example, given
from hypothesis import strategies as st

texts = st.lists(st.sampled_from(b"ab"), min_size=1, max_size=12).map(bytes)
data = st.lists(st.sampled_from(b"abc"), max_size=20).map(bytes)


@given(known=st.lists(texts, max_size=30), data=data, start=st.integers(0, 20))
@example(known=[b"a" * size for size in range(1, 60)], data=b"a" * 20, start=0)
@example(known=[b"a" * size for size in range(1, 60)], data=b"a" * 19 + b"c", start=0)
@example(known=[b"a" * size for size in range(1, 60)], data=b"a" * 20 + b"c", start=7)
@example(known=[b"a" * size + b"b" for size in range(1, 60)], data=b"a" * 19 + b"b", start=3)
@example(known=[b"a" * size for size in range(1, 60, 7)] + [b"aab"], data=b"aabaa", start=0)
def test_the_longest_at_a_place(known: list[bytes], data: bytes, start: int) -> None:
    lengths = [len(text) for text in known if data.startswith(text, start)]
    assert Lexicon(known).longest_at(data, start) == max(lengths, default=0)
    for stop in range(start, len(data)):
        assert Lexicon(known).longest_at(data, start, stop) == max(
            (length for length in lengths if start + length <= stop), default=0
        )


@given(known=st.lists(texts, max_size=30), tail=data)
def test_what_a_tail_begins(known: list[bytes], tail: bytes) -> None:
    expected = any(text.startswith(tail) and text != tail for text in known)
    assert Lexicon(known).is_begun_by(tail) == expected


def test_nothing_known() -> None:
    lexicon = Lexicon([])
    assert not lexicon
    assert lexicon.longest == 0
    assert lexicon.longest_at(b"text", 0) == 0
    assert not lexicon.is_begun_by(b"")
