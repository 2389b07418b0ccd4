"""The work is linear in the text, whatever the secrets, their number, and how it is cut.

Counted, not timed: bytes that a scanner reads, and questions put to the sorted texts (each of which
takes a logarithmic number of comparisons).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.masking.lexicon import Lexicon
from ansible_collections.c8s.ci.plugins.module_utils.masking.masker import Masker, Secrets

Work = Counter[str]
Count = Callable[[Secrets, bytes, int], Work]

pytestmark = pytest.mark.parametrize("engine", ["hyperscan", "python"])


class Counting:
    """A scanner that counts what it reads and finds."""

    def __init__(self, scanner: object, work: Work) -> None:
        self._scanner, self._work = scanner, work

    def find(self, data: bytes, start: int, stop: int) -> list[tuple[int, int]]:
        hits: list[tuple[int, int]] = self._scanner.find(data, start, stop)  # type: ignore[attr-defined]
        self._work["read"] += max(0, stop - start)
        self._work["hits"] += len(hits)
        return hits


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Count:
    """`counted(secrets, text, size)`: the work of masking `text` in pieces of `size` bytes."""

    def run(secrets: Secrets, text: bytes, size: int) -> Work:
        work: Work = Counter()
        with monkeypatch.context() as patch:
            for name in ("_scanner", "_head_scanner"):
                patch.setattr(secrets.matcher, name, Counting(getattr(secrets.matcher, name), work))
            for name in ("longest_at", "is_begun_by"):
                patch.setattr(Lexicon, name, counting(getattr(Lexicon, name), work))
            masker = Masker(secrets)
            for at in range(0, len(text), size):
                masker.feed(text[at : at + size])
                work["feeds"] += 1
            masker.finish()
        return work

    return run


def counting(method: Callable[..., object], work: Work) -> Callable[..., object]:
    def counted(*arguments: object) -> object:
        work["questions"] += 1
        return method(*arguments)

    return counted


ADVERSARIAL = {
    "all one letter, in itself": ([b"a" * 900 + b"b"], b"a" * 12_000),
    "all one letter, cut short": ([b"a" * 900 + b"b"], (b"a" * 800 + b"c") * 15),
    "nested": ([b"a" * size for size in range(6, 200)], b"a" * 12_000),
    "nested, with an end": ([b"a" * size + b"b" for size in range(6, 200)], b"a" * 12_000),
    "many suffixes": ([b"b" * size + b"a" * 9 for size in range(6, 200)], b"b" * 12_000),
    "repeated lines": ([b"abcdef\n" * 130 + b"g"], b"abcdef " * 1_700),
    "zeros": ([bytes(500) + b"b"], b"A" * 6_000 + b"00" * 3_000),
}


@pytest.mark.parametrize("size", [1, 100, 64 << 10])
@pytest.mark.parametrize("case", ADVERSARIAL)
def test_adversarial_texts(engine: str, counted: Count, case: str, size: int) -> None:
    values, text = ADVERSARIAL[case]
    if size == 1:
        text = text[:1_500]
    work = counted(Secrets(values, engine=engine), text, size)
    # A feed looks again at what is around its border: no more bytes than a key and an anchor take.
    border = 300 * work["feeds"]
    assert work["read"] <= 3 * len(text) + border
    assert work["hits"] + work["questions"] <= 12 * len(text) + border


def test_twice_the_text_is_twice_the_work(engine: str, counted: Count) -> None:
    for values, text in ADVERSARIAL.values():
        secrets = Secrets(values, engine=engine)
        once, twice = (counted(secrets, text * times, 4096) for times in (1, 2))
        for kind in ("read", "hits", "questions"):
            assert twice[kind] <= 2.2 * once[kind] + 1000


def test_the_number_of_secrets_does_not_count(engine: str, counted: Count) -> None:
    dice = random.Random(5)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    values = ["".join(dice.choices(letters, k=30)) for number in range(2000)]
    words = "Downloading the wheel from a cache and running tests in parallel".split()
    text = " ".join(dice.choice(words) for number in range(5_000)).encode()
    text += b"\n".join(value.encode() for value in values[:10])
    few, many = (
        counted(Secrets(values[:count], engine=engine), text, 8192) for count in (10, 2000)
    )
    assert many["read"] <= 3 * few["read"]
    assert many["hits"] + many["questions"] <= 3 * (few["hits"] + few["questions"]) + 500


def test_a_held_beginning_is_not_scanned_again_and_again(engine: str, counted: Count) -> None:
    key = bytes(range(97, 123)) * 200
    work = counted(Secrets([key + b"!"], engine=engine, encoded=False), key, 1)
    assert work["read"] <= 8 * len(key) + 200
    assert work["questions"] <= 2 * len(key)
