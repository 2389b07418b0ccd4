"""What masking promises, with both matchers."""

from __future__ import annotations

import base64
import itertools
import random
import threading
from collections.abc import Callable, Iterable, Sequence

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.masking.forms import all_forms
from ansible_collections.c8s.ci.plugins.module_utils.masking.masker import (
    MARKER,
    Masker,
    Secrets,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

Reference = Callable[..., bytes]

pytestmark = pytest.mark.parametrize("engine", ["hyperscan", "python"])

M = MARKER.encode()


def masked(secrets: Secrets, pieces: Iterable[bytes]) -> bytes:
    masker = Masker(secrets)
    output = []
    for piece in pieces:
        output.append(masker.feed(piece))
        assert masker.held < max(secrets.longest, 1)
    return b"".join([*output, masker.finish()])


def cut(text: bytes, places: Iterable[int]) -> list[bytes]:
    borders = [0, *sorted(places), len(text)]
    return [text[start:stop] for start, stop in itertools.pairwise(borders)]


# Few letters make values that overlap themselves and one another; the marker's own letters, white
# space and what shells and encoders treat specially must be among them.
ALPHABETS = [b"ab", b"abc\n", b"a \n", b"*RED", b"ACTED*", b"aB+/'\"\\\n <", bytes(range(256))]


def over(alphabet: bytes, least: int, most: int) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(alphabet), min_size=least, max_size=most).map(bytes)


@st.composite
def secrets_and_text(draw: st.DrawFn) -> tuple[list[bytes], bytes]:
    """A few values, related to each other, and a text made of pieces of their forms."""
    alphabet = draw(st.sampled_from(ALPHABETS))
    values = draw(st.lists(over(alphabet, 6, 24), min_size=1, max_size=3))
    relative = st.sampled_from(values).flatmap(
        lambda value: st.sampled_from(
            [value + value, value + b"xy", value[1:] + b"z", b"w" + value]
        )
    )
    values += draw(st.lists(relative, max_size=2))
    if draw(st.booleans()):
        lines = draw(st.lists(over(alphabet, 1, 9), min_size=2, max_size=4))
        values.append(b"\n".join(lines) + b"\nlast-line")
    forms = all_forms(values)
    pool = sorted(forms.literals | forms.spaced | forms.wrapped)
    filler = over(alphabet, 0, 12)
    form = st.sampled_from(pool)
    piece = st.one_of(
        filler,
        form,
        form.map(lambda text: text[: len(text) // 2]),
        form.map(lambda text: text[len(text) // 3 :]),
        form.map(lambda text: text.replace(b" ", b"\r\n\t ")),
        form.map(lambda text: text[:9] + b"\n   " + text[9:]),
        st.sampled_from([M, M[:-2], M[3:], b" ", b"\n", b"\r"]),
    )
    return values, b"".join(draw(st.lists(piece, max_size=6)))


@given(case=secrets_and_text(), case_insensitive=st.booleans(), dice=st.randoms())
@example(
    case=([b"REDACTED", b"***RED", b"ACTED***"], b"x" + M + b"y***RED" + M[3:]),
    case_insensitive=False,
    dice=random.Random(1),
)
def test_equals_the_reference_however_the_text_is_cut(
    engine: str,
    reference: Reference,
    case: tuple[list[bytes], bytes],
    case_insensitive: bool,
    dice: random.Random,
) -> None:
    values, text = case
    forms = all_forms(values)
    secrets = Secrets(values, engine=engine, case_insensitive=case_insensitive)
    expected = reference(
        forms.lowered() if case_insensitive else forms, text, case_insensitive=case_insensitive
    )
    assert secrets.mask(text) == expected
    assert masked(secrets, cut(text, range(1, len(text)))) == expected
    places = [dice.randint(0, len(text)) for number in range(dice.randint(0, 9))]
    assert masked(secrets, cut(text, places)) == expected


@pytest.mark.parametrize(
    ("values", "text"),
    [
        pytest.param([b"aabaab"], b"aabaabaab aabaaabaab", id="self-overlapping"),
        pytest.param([b"aaaaaa"], b"baaaaaaaab aaaaa", id="all one letter"),
        pytest.param([b"abcdef", b"defghi"], b"abcdefghi abcdef-defghi", id="overlapping"),
        pytest.param([b"abcdef", b"ghijkl"], b"xabcdefghijklx", id="touching"),
        pytest.param([b"abcdef", b"abcdefgh"], b"abcdefg abcdefgh", id="prefix"),
        pytest.param([b"cdefgh", b"abcdefgh"], b"bcdefgh abcdefgh", id="suffix"),
        pytest.param([b"bcdefg", b"abcdefgh"], b"abcdefg bcdefgh abcdefgh", id="infix"),
        pytest.param([b"REDACTED", b"***RED"], b"a" + M + b"***RED", id="the marker's letters"),
        pytest.param([b"ACTED***abcd"], M + b"abcd" + M, id="out of a marker"),
        pytest.param([b"abcd***"], b"xabcd" + M, id="into a marker"),
        pytest.param([b"-- KEY\nabcdef\n12"], b"-- KEY\r\n  abcdef\r\n\t12\n", id="indented"),
        pytest.param([b"secret word"], b"eHNlY3Jl\r\n\tdCB3b3Jkc2Vj", id="cut base64"),
    ],
)
def test_all_pairs_of_cuts(
    engine: str, reference: Reference, values: list[bytes], text: bytes
) -> None:
    secrets = Secrets(values, engine=engine)
    expected = reference(all_forms(values), text)
    assert M in expected
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1):
            assert masked(secrets, cut(text, [first, second])) == expected


@given(
    values=st.lists(over(b"ABCDEF012", 6, 12), min_size=1, max_size=4),
    data=st.data(),
)
def test_no_fragment_of_a_secret_is_left(
    engine: str, values: list[bytes], data: st.DataObject
) -> None:
    """Where the secrets' letters are in nothing else, none of them is left."""
    piece = st.one_of(over(b"xyz \n", 0, 9), st.sampled_from(values))
    text = b"".join(data.draw(st.lists(piece, max_size=8)))
    output = masked(Secrets(values, engine=engine), [text]).replace(M, b"|")
    assert not set(output) & set(b"ABCDEF012")


@settings(max_examples=30)
@given(case=secrets_and_text())
def test_no_form_is_in_the_output(engine: str, case: tuple[list[bytes], bytes]) -> None:
    values, text = case
    secrets = Secrets(values, marker="[gone]", engine=engine)
    output = secrets.mask(text)
    forms = all_forms(values)
    if not secrets.marker_can_meet:
        assert [
            form for form in forms.literals | forms.wrapped | forms.spaced if form in output
        ] == []


@given(st.binary(max_size=300), st.lists(st.binary(min_size=9, max_size=30), max_size=3))
def test_text_without_secrets_is_the_same_to_the_byte(
    engine: str, text: bytes, values: list[bytes]
) -> None:
    values = [b"\xff\xfe" + value + b"\xfe\xff" for value in values]
    text = text.replace(b"\xfe", b"")
    assert masked(Secrets(values, encoded=False, engine=engine), cut(text, [7, 50])) == text


def test_an_untouched_piece_is_not_copied(engine: str) -> None:
    masker = Masker(["hunter22"], engine=engine)
    piece = b"nothing to see in this line, move along.\n"
    assert masker.feed(piece) is piece


@given(st.lists(st.sampled_from([M, b"REDACTED", b"***RED", b"x", b"supersecret"]), max_size=6))
def test_masking_twice_changes_nothing(engine: str, pieces: list[bytes]) -> None:
    secrets = Secrets(["REDACTED", "supersecret", "red-hot"], engine=engine)
    once = secrets.mask(b"".join(pieces))
    assert secrets.mask(once) == once


@pytest.mark.parametrize("text", [M, M + M, b"a" + M + b"REDACTED***", b"***REDACTED" + M])
def test_a_marker_in_the_text_is_never_altered(engine: str, text: bytes) -> None:
    secrets = Secrets(["REDACTED", "***RED", "ACTED***", "RED-hot"], engine=engine)
    output = secrets.mask(text)
    assert output.count(M) >= text.count(M)
    assert b"******REDACTED***ACTED" not in output
    assert masked(secrets, cut(text, range(len(text)))) == output


def test_what_could_be_a_secret_is_held_back_and_nothing_else(engine: str) -> None:
    masker = Masker(["correct-horse"], engine=engine)
    assert masker.feed(b"pass: correct-hors") == b"pass: "
    assert masker.held == len(b"correct-hors")
    assert masker.feed(b"") == b""
    assert masker.feed(b"ing around\n") == b"correct-horsing around\n"
    assert masker.held == 0
    assert masker.feed(b"a prompt without an end: ") == b"a prompt without an end: "


def test_the_longest_form_is_found_when_it_is_cut(engine: str) -> None:
    value = b"correct-horse-battery-staple"
    secrets = Secrets([value], encoded=False, engine=engine)
    for at in range(len(value) + 1):
        assert masked(secrets, [value[:at], value[at:]]) == M


def test_what_begins_within_a_match_does_not_hide_it(engine: str) -> None:
    """The first byte is settled long before the piece by which the cut text is recognised."""
    secret = bytes(range(40, 100))
    encoded = base64.b64encode(secret)
    text = encoded[:12] + b"\n" + b" " * 60 + encoded[12:]
    masker = Masker([secret, text[1:] + b"and more"], engine=engine)
    assert masker.feed(text) == M
    assert masker.finish() == b""


def test_the_end_of_a_line_is_not_held_back(engine: str) -> None:
    """A base64 text might go on in the next line, but a reader wants to see this one."""
    masker = Masker(["correct-horse-battery", "x" * 30], engine=engine)
    for line in (b"Y\n", b"Downloading\r\n", b"dGhpcw==\n", b"Zm9vYmFy\n"):
        assert masker.feed(line) == line


def test_a_beginning_at_the_end_of_the_text_is_flushed(engine: str) -> None:
    masker = Masker(["correct-horse"], engine=engine)
    masker.feed(b"correct-")
    assert masker.finish() == b"correct-"


def test_a_finished_masker_begins_anew(engine: str) -> None:
    masker = Masker(["abcdefgh"], engine=engine)
    assert masker.feed(b"abcdefgh") + masker.finish() == M
    assert masker.feed(b"efgh abcdefgh") + masker.finish() == b"efgh " + M
    assert masker.finish() == b""


def test_matches_are_counted(engine: str) -> None:
    masker = Masker({"a": "abcdefgh", "b": "ghijkl***R"}, engine=engine)
    masker.feed(b"abcdefgh abcdefghijkl***R abcdefghabcdefgh " + M)
    masker.finish()
    assert masker.matches == 3


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_can_be_fed(engine: str, kind: Callable[[bytes], bytes]) -> None:
    masker = Masker(["hunter22"], engine=engine)
    assert masker.feed(kind(b"my hunter22.")) == b"my " + M + b"."


def test_nothing_to_mask(engine: str) -> None:
    masker = Masker([], engine=engine)
    assert masker.feed(b"text") == b"text"
    assert masker.finish() == b""


@pytest.mark.parametrize(
    ("marker", "expected"),
    [("[x]", b"a [x] b"), (b"", b"a  b"), ("\N{BLACK SQUARE}", "a \N{BLACK SQUARE} b".encode())],
)
def test_another_marker(engine: str, marker: str | bytes, expected: bytes) -> None:
    assert Secrets(["hunter22"], marker=marker, engine=engine).mask(b"a hunter22 b") == expected
    masker = Masker(["hunter22"], marker, engine=engine)
    assert masker.feed(b"a hunter22 b") + masker.finish() == expected


def test_case_counts_unless_it_is_said_not_to(engine: str) -> None:
    text = b"HUNTER22 hunter22 HuNtEr22"
    assert Secrets(["hunter22"], engine=engine).mask(text) == b"HUNTER22 " + M + b" HuNtEr22"
    blind = Secrets(["hunter22"], case_insensitive=True, engine=engine)
    assert blind.mask(text) == b" ".join([M] * 3)


def test_texts_are_masked_as_texts(engine: str) -> None:
    secrets = Secrets({"t": "p\u00e4sswort"}, engine=engine)
    assert secrets.mask_text("my p\u00e4sswort!") == f"my {MARKER}!"
    assert secrets.mask_text("a lone \ud800 and a byte \udcff") == "a lone \ud800 and a byte \udcff"
    assert secrets.mask_text("\udcffp\u00e4sswort") == f"\udcff{MARKER}"


def test_bytes_that_are_no_text(engine: str) -> None:
    value = bytes([0, 255, 0, 128, 10, 0, 0, 254])
    assert Secrets([value], engine=engine).mask(b"\0" + value + b"\0") == b"\0" + M + b"\0"


@pytest.mark.parametrize("value", ["", "short", b"12345", "\N{SNOWMAN}"])
def test_a_short_value_is_refused_by_name(engine: str, value: str | bytes) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Masker({"good": "long enough", "PIN": value}, engine=engine)
    assert "'PIN'" in str(refusal.value)
    assert "good" not in str(refusal.value)
    shown = value.decode() if isinstance(value, bytes) else value
    assert not shown or shown not in str(refusal.value).replace("shorter", "")


def test_all_refusals_come_at_once_and_show_no_value(engine: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Masker(["tiny1", "long enough", "tiny2", 123456], engine=engine)  # type: ignore[list-item]
    assert len(refusal.value.problems) == 3
    assert all(f"secret {index} " in str(refusal.value) for index in (0, 2, 3))
    assert not any(value in str(refusal.value) for value in ("tiny", "123456", "long enough"))


@pytest.mark.parametrize("bare", ["a bare value", b"a bare value"])
def test_a_bare_value_is_refused(engine: str, bare: str | bytes) -> None:
    with pytest.raises(InvalidInput, match="one bare value"):
        Masker(bare, engine=engine)  # type: ignore[arg-type]


def test_six_bytes_are_enough(engine: str) -> None:
    assert Secrets(["\N{SNOWMAN}\N{SNOWMAN}"], engine=engine).mask_text("\N{SNOWMAN}" * 2) == MARKER


def test_no_representation_shows_a_value(engine: str) -> None:
    secrets = Secrets({"token": "hunter22"}, engine=engine)
    masker = Masker(secrets)
    masker.feed(b"hunter2")
    for thing in (secrets, masker, secrets.matcher, all_forms([b"hunter22"])):
        assert "hunter" not in repr(thing)


def test_threads_share_compiled_secrets(engine: str) -> None:
    secrets = Secrets([f"secret-number-{n:03}" for n in range(50)], engine=engine)
    text = b"".join(b"line %d secret-number-%03d end\n" % (n, n % 50) for n in range(2000))
    expected = secrets.mask(text)
    results: list[bytes] = []

    def run(seed: int) -> None:
        dice = random.Random(seed)
        results.append(masked(secrets, cut(text, dice.sample(range(len(text)), 200))))

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 6


@settings(max_examples=8)
@given(dice=st.randoms(use_true_random=False))
def test_many_secrets_in_a_long_text(
    engine: str, reference: Reference, dice: random.Random
) -> None:
    """Long keys, many of them, across pieces of every size."""
    values = [dice.randbytes(dice.randint(6, 80)) for number in range(6)]
    forms = all_forms(values)
    pool: Sequence[bytes] = sorted(forms.literals | forms.wrapped)
    text = b"".join(dice.choice(pool) + dice.randbytes(dice.randint(0, 9)) for number in range(9))
    secrets = Secrets(values, engine=engine)
    expected = reference(forms, text)
    places = [dice.randint(0, len(text)) for number in range(dice.randint(0, 30))]
    assert masked(secrets, cut(text, places)) == expected
