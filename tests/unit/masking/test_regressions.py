"""Ways in which masking of logs is known to go wrong elsewhere, one test each."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.masking.masker import (
    MARKER,
    Masker,
    Secrets,
)

pytestmark = pytest.mark.parametrize("engine", ["hyperscan", "python"])

M = MARKER.encode()


def test_the_end_of_a_long_log_is_not_dropped(engine: str) -> None:
    masker = Masker(["supersecret"], engine=engine)
    line = b"compiling something at length " * 2000 + b"\n"
    length = sum(len(masker.feed(line)) for number in range(200))
    end = masker.feed(b"the last words: supersecret") + masker.finish()
    assert length == 200 * len(line) > 11_000_000
    assert end == b"the last words: " + M


def test_what_is_shown_live_is_masked_as_what_is_stored(engine: str) -> None:
    masker = Masker(["supersecret"], engine=engine)
    live = b""
    for byte in b"log in with supersecret, then supersecre":
        live += masker.feed(bytes((byte,)))
        assert b"supers" not in live
    assert live == b"log in with " + M + b", then "


@pytest.mark.parametrize("unread", [None, 0, ["supersecret"], {"value": "supersecret"}, ""])
def test_a_secret_that_was_not_read_is_an_error(engine: str, unread: object) -> None:
    """Without its value nothing may be let through as if it were masked."""
    with pytest.raises(InvalidInput, match="'registry'"):
        Masker({"registry": unread}, engine=engine)


def test_secrets_of_all_steps_old_values_and_encoded_forms_are_masked(engine: str) -> None:
    value, rotated, other = "p<ss/w\u00f6rd&1", "the-former-value", "of-another-step"
    key = "-----BEGIN KEY-----\nc2VjcmV0IG9uZQ==\n-----END KEY-----"
    secrets = Secrets([value, rotated, other, key], engine=engine)
    for text in (
        value,
        rotated,
        other,
        base64.b64encode(f"user:{value}".encode()).decode()[7:],
        urllib.parse.quote(value, safe=""),
        json.dumps(value)[1:-1],
        value.encode().hex(),
        *key.splitlines(),
    ):
        assert secrets.mask_text(f"<{text}>") == f"<{MARKER}>"


def test_a_secret_cut_at_any_offset_is_masked(engine: str) -> None:
    text = b"token=supersecret-token; again supersecret-token"
    for at in range(len(text) + 1):
        masker = Masker(["supersecret-token"], engine=engine)
        output = masker.feed(text[:at]) + masker.feed(text[at:]) + masker.finish()
        assert output == b"token=" + M + b"; again " + M


def test_the_marker_is_not_masked_again(engine: str) -> None:
    secrets = Secrets(["supersecret", "REDACTED", "red-red"], case_insensitive=True, engine=engine)
    once = secrets.mask(b"a supersecret b redacted c")
    assert once == b"a " + M + b" b " + M + b" c"
    assert secrets.mask(once) == once


@pytest.mark.parametrize("value", ["a", "red", "12345"])
def test_a_short_secret_does_not_wipe_the_log(engine: str, value: str) -> None:
    with pytest.raises(InvalidInput, match="'PIN' is shorter than 6 bytes"):
        Masker({"PIN": value}, engine=engine)


def test_another_case_is_another_word(engine: str) -> None:
    secrets = Secrets(["Production"], engine=engine)
    assert secrets.mask(b"production Production") == b"production " + M
