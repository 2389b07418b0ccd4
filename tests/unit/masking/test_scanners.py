"""Both scanners report every place of every key, and the choice between them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.masking.hyperscan_scanner import (
    HyperscanScanner,
)
from ansible_collections.c8s.ci.plugins.module_utils.masking.masker import Secrets
from ansible_collections.c8s.ci.plugins.module_utils.masking.pair_scanner import PairScanner
from ansible_collections.c8s.ci.plugins.module_utils.masking.scanner import (
    Engine,
    Scanner,
    scanner,
)
from hypothesis import example, given
from hypothesis import strategies as st

Maker = Callable[[Sequence[bytes]], Scanner]

both = pytest.mark.parametrize("make", [HyperscanScanner, PairScanner])

letters = st.sampled_from(
    [b"a", b"b", b"\0", b"\xff", b"\xd8", b"\xdc\x00", b"\n", b"]", b"\\", b"^-"]
)


def some(least: int, most: int) -> st.SearchStrategy[bytes]:
    return st.lists(letters, min_size=least, max_size=most).map(b"".join)


def without_prefixes(keys: list[bytes]) -> list[bytes]:
    return [
        key
        for key in dict.fromkeys(keys)
        if not any(other != key and key.startswith(other) for other in keys)
    ]


@both
@given(keys=st.lists(some(6, 9), max_size=8).map(without_prefixes), data=st.data())
@example(keys=[b"aaaaaa"], data=None)
def test_every_place_of_every_key(
    make: Maker, keys: list[bytes], data: st.DataObject | None
) -> None:
    text = b"x" + b"a" * 19 + b"xaaaaa"
    start, stop = 0, len(text)
    if data is not None:
        pieces = st.lists(st.one_of(some(0, 5), st.sampled_from([*keys, b""])), max_size=8)
        text = b"".join(data.draw(pieces))
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, len(text)))
    expected = [
        (place, index)
        for place in range(start, stop)
        for index, key in enumerate(keys)
        if text[place:stop].startswith(key)
    ]
    assert sorted(make(keys).find(text, start, stop)) == sorted(expected)


@both
def test_thousands_of_keys(make: Maker) -> None:
    keys = [b"key-%05d-%05d" % (n, n * 7919 % 100_000) for n in range(3000)]
    text = b"..".join(keys[::7])
    hits = sorted(make(keys).find(text, 0, len(text)))
    assert [keys[index] for place, index in hits] == keys[::7]


def test_the_native_one_is_taken_where_it_is_installed() -> None:
    assert isinstance(scanner([b"abcdef"]), HyperscanScanner)
    assert isinstance(scanner([b"abcdef"], Engine.PYTHON), PairScanner)


def test_without_the_native_one_the_plain_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    assert isinstance(scanner([b"abcdef"]), PairScanner)
    assert Secrets(["hunter22"]).mask(b"<hunter22>") == b"<***REDACTED***>"
    with pytest.raises(Unavailable, match="install the Python package hyperscan"):
        scanner([b"abcdef"], Engine.HYPERSCAN)
