"""Secrets as real encoders write them, within other text."""

from __future__ import annotations

import base64
import html
import json
import pprint
import random
import re
import shlex
import string
import textwrap
import urllib.parse
from collections.abc import Callable
from xml.etree import ElementTree
from xml.sax import saxutils

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.masking.forms import LEAST, all_forms
from ansible_collections.c8s.ci.plugins.module_utils.masking.masker import MARKER, Secrets
from hypothesis import example, given, settings
from hypothesis import strategies as st

M = MARKER.encode()

CHARACTERS = string.ascii_letters + string.digits + string.punctuation + " \x1b\xe9\u4e16\U0001f600"
passwords = st.text(st.sampled_from(CHARACTERS), min_size=8, max_size=20).filter(
    lambda text: text == text.strip()
)
HARD = """p<a>&s's"w/o\\r+d=`%~(!)*;:@$,?#[]"""

KEY = "-----BEGIN KEY-----\n{}\n-----END KEY-----\n".format(
    "\n".join([base64.b64encode(bytes(range(n, n + 48))).decode() for n in range(9)] + ["AbC="])
)


def html_escapes_of_go(text: str) -> str:
    table = {"&": "&amp;", "'": "&#39;", "<": "&lt;", ">": "&gt;", '"': "&#34;"}
    return "".join(table.get(character, character) for character in text)


def json_with(escaped: str, upper: bool = False, **options: bool) -> Callable[[str], str]:
    def dump(text: str) -> str:
        dumped = json.dumps(text, **options)[1:-1]  # type: ignore[arg-type]
        for character in escaped:
            code = f"{ord(character):04X}" if upper else f"{ord(character):04x}"
            dumped = dumped.replace(character, f"\\u{code}")
        return dumped

    return dump


def attribute(text: str) -> str:
    element = ElementTree.Element("e", {"a": text})
    return ElementTree.tostring(element).decode()[len('<e a="') : -len('" />')]


def element(text: str) -> str:
    parent = ElementTree.Element("e")
    parent.text = text
    return ElementTree.tostring(parent).decode()[len("<e>") : -len("</e>")]


ENCODERS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "json, unicode": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json of Go": json_with("<>&", ensure_ascii=False),
    "json of Rails": json_with("<>&"),
    "json of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json of Gson": json_with("<>&='", ensure_ascii=False),
    "json for scripts": json_with("<>/", upper=True, ensure_ascii=False),
    "json of PHP for pages": lambda text: json_with("<>&'")(text).replace("/", "\\/"),
    "json in json": lambda text: json.dumps(json.dumps({"key": text}))[13:-4],
    "html": html.escape,
    "html, no quotes": lambda text: html.escape(text, quote=False),
    "html of Go": html_escapes_of_go,
    "xml": saxutils.escape,
    "xml, element": element,
    "xml, attribute": attribute,
    "url, all": lambda text: urllib.parse.quote(text, safe=""),
    "url, path": urllib.parse.quote,
    "url, query": urllib.parse.quote_plus,
    "url, component": lambda text: urllib.parse.quote(text, safe="~!*'()"),
    "url, JavaScript's encodeURI": lambda text: urllib.parse.quote(text, safe="~!*'();,/?:@&=+$#"),
    "url, lower case": lambda text: re.sub(
        "%..", lambda match: match[0].lower(), urllib.parse.quote(text, safe="~")
    ),
    "url, every byte": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "python": lambda text: repr(text)[1:-1],
    "python, ascii": lambda text: ascii(text)[1:-1],
    "python, bytes": lambda text: repr(text.encode())[2:-1],
    "python, beside other quotes": lambda text: repr(f"'\"{text}")[4:-1],
    "python, pprint": lambda text: pprint.pformat({"k": text}, width=10**6)[7:-2],
    "shlex": lambda text: shlex.quote("x y" + text)[4:-1],
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, no padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64, URL": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}


@pytest.mark.parametrize("encoder", ENCODERS)
@settings(max_examples=25)
@given(secret=passwords)
@example(secret=HARD)
@example(secret="'starts and ends'")
@example(secret='"starts and ends"')
def test_encoded(encoder: str, secret: str) -> None:
    text = ENCODERS[encoder](secret)
    assert Secrets([secret]).mask_text(f"<|{text}|>") == f"<|{MARKER}|>"


@given(secret=passwords)
@example(secret=HARD)
def test_in_addresses_and_headers(secret: str) -> None:
    secrets = Secrets([secret])
    quoted = urllib.parse.quote(secret, safe="")
    assert (
        secrets.mask_text(f"git clone https://ci:{quoted}@git.example.com/a")
        == f"git clone https://ci:{MARKER}@git.example.com/a"
    )
    for user in ("", "u", "us", "user", "x-access-token"):
        plain = f"{user}:{secret}".encode()
        header = f"Authorization: Basic {base64.b64encode(plain).decode()}\n"
        masked = secrets.mask_text(header)
        kept = (8 * len(f"{user}:") + 5) // 6
        assert masked == header[: len("Authorization: Basic ") + kept] + MARKER + "\n"


@given(
    dice=st.randoms(use_true_random=False),
    size=st.integers(6, 60),
    before=st.integers(0, 80),
    after=st.integers(0, 80),
    alphabet=st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]),
)
def test_base64_of_something_larger(
    dice: random.Random,
    size: int,
    before: int,
    after: int,
    alphabet: Callable[[bytes], bytes],
) -> None:
    """All characters that hold the value's bits alone are gone, and at most what is next to it."""
    secret = b"<" + dice.randbytes(size - 2) + b">"
    text = alphabet(dice.randbytes(before) + secret + dice.randbytes(after))
    front, marker, rest = Secrets([secret]).mask(text).partition(M)
    assert marker == M
    assert text.startswith(front)
    assert text.endswith(rest)
    assert len(front) <= (8 * before + 5) // 6
    assert len(rest) <= len(text) - 8 * (before + size) // 6


def wrapped(text: bytes, width: int, end: bytes) -> bytes:
    return end.join(text[at : at + width] for at in range(0, len(text), width))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n    ", b"\r\n\t"])
@pytest.mark.parametrize("width", [60, 64, 76])
@pytest.mark.parametrize("size", [6, 7, 9, 12, 20, 64, 200])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, bytes.hex])
def test_cut_into_lines_at_every_place(
    encode: Callable[[bytes], bytes | str], size: int, width: int, end: bytes
) -> None:
    """At most the first characters in front of a cut are left, never six of them."""
    secret = bytes((37 * n + 11 * n * n + 200) % 256 for n in range(size))
    secrets = Secrets([secret])
    indented = size < 10 and end.strip(b"\r\n")
    for before in range(0 if not indented else width, 78):
        encoded = encode(b"\x01" * before + secret + b"\x02" * 9)
        text = encoded if isinstance(encoded, bytes) else encoded.encode()
        per_byte = len(text) / (before + size + 9)
        first, stop = int(before * per_byte) + 2, int((before + size) * per_byte) - 1
        core = text[first:stop]
        masked = secrets.mask(wrapped(text, width, end))
        left = masked.replace(end, b"")
        if indented and first // width != stop // width:
            continue
        fragments = [core[at : at + 6] for at in range(len(core) - 5)]
        assert [fragment for fragment in fragments if fragment in left] == []
        assert M in masked


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text, id="as it is"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(lambda text: text.strip(), id="trimmed"),
        pytest.param(lambda text: textwrap.indent(text, "    "), id="indented"),
        pytest.param(lambda text: textwrap.indent(text, "\t" * 9), id="indented by tabs"),
        pytest.param(lambda text: " ".join(text.split()), id="flattened"),
        pytest.param(lambda text: text.strip().replace("\n", "\n\n"), id="blank lines"),
        pytest.param(lambda text: text.strip().replace("\n", "\\n"), id="written line ends"),
        pytest.param(lambda text: text.strip().replace("\n", "\\r\\n"), id="written CRLF"),
        pytest.param(lambda text: json.dumps(text.strip()), id="JSON"),
        pytest.param(lambda text: json.dumps(json.dumps(text.strip())), id="JSON in JSON"),
        pytest.param(lambda text: repr(text.strip()), id="Python"),
        pytest.param(lambda text: urllib.parse.quote(text.strip()), id="URL"),
        pytest.param(lambda text: text.strip().encode().hex(), id="hex"),
    ],
)
@pytest.mark.parametrize("held_as", ["\n", "\r\n", "\\n"])
def test_values_of_several_lines(change: Callable[[str], str], held_as: str) -> None:
    secret = KEY.replace("\n", held_as)
    text = change(KEY)
    if text.endswith("0a") or "2d2d2d" in text:  # hexadecimal is of the bytes that are held
        text = secret.strip().encode().hex() if held_as != "\\n" else text
    masked = Secrets([secret]).mask_text(f"key: {text}|")
    kept = masked.replace(MARKER, "")
    assert masked.count(MARKER) == 1
    assert not set(kept) & set(string.ascii_letters) - set("keynr")
    assert "AbC=" not in masked


def test_each_line_of_a_value_is_masked_alone() -> None:
    secrets = Secrets([KEY])
    for line in KEY.splitlines():
        expected = MARKER if len(line) >= LEAST else line
        assert secrets.mask_text(f"12:00:01 {line}\r\n") == f"12:00:01 {expected}\r\n"


def test_a_brace_on_a_line_of_its_own_is_not_masked() -> None:
    secret = '{\n  "type": "service_account",\n  "token": "abcdefghijkl"\n}\n'
    secrets = Secrets([secret])
    assert secrets.mask_text("func main() {\n}\n") == "func main() {\n}\n"
    assert secrets.mask_text(f"a\n{secret}b\n") == f"a\n{MARKER}\nb\n"
    # Indented, only what stands in front of the first word of six bytes is left.
    indented = textwrap.indent(secret, "  ")
    assert secrets.mask_text(indented) == "  {\n    " + MARKER + "\n"


def test_a_value_of_short_lines_is_masked_as_a_whole() -> None:
    secrets = Secrets(["abc\ndef\nghi\n"])
    for text in ("abc\ndef\nghi", "abc\r\ndef\r\nghi", "abc def ghi", "abc\\ndef\\nghi"):
        assert secrets.mask_text(f"<{text}>") == f"<{MARKER}>"
    for indent in ("  ", "    ", "\t"):
        indented = textwrap.indent("abc\ndef\nghi", indent)
        assert secrets.mask_text(indented) == indent + MARKER


GO_VALUE = 'a"b\\c\td\x01\xe9\u4e16\u200b\U0001f600\x7f'


@pytest.mark.parametrize(
    "text",
    [
        'a\\"b\\\\c\\td\\x01\xe9\u4e16\\u200b\U0001f600\\x7f',  # %q
        'a\\"b\\\\c\\td\\x01\\u00e9\\u4e16\\u200b\\U0001f600\\x7f',  # %+q
    ],
)
def test_as_go_quotes(text: str) -> None:
    assert Secrets([GO_VALUE]).mask_text(f'"{text}"') == f'"{MARKER}"'


def test_bytes_as_go_and_python_quote_them() -> None:
    secrets = Secrets([b"\xff\x00pass\xfeword"])
    assert secrets.mask_text('"\\xff\\x00pass\\xfeword"') == f'"{MARKER}"'


def test_json_of_dotnet() -> None:
    text = "a\\u0022b\\u0027c\\u003Cd\\u003Ee\\u0026f\\u002Bg\\u0060h\\u00E9\\\\\\n\\u001Bi"
    assert Secrets(["a\"b'c<d>e&f+g`h\xe9\\\n\x1bi"]).mask_text(f'"{text}"') == f'"{MARKER}"'


@given(st.lists(st.binary(min_size=6, max_size=30), max_size=4))
def test_every_form_is_long_enough(values: list[bytes]) -> None:
    forms = all_forms(values)
    assert all(len(text) >= LEAST for text in forms.literals | forms.spaced | forms.wrapped)
    assert all(len(anchor) >= LEAST for anchor in forms.spaced_anchors)
    assert all(len(anchor) >= LEAST for anchor, offset in forms.wrapped_anchors)


def test_about_ten_forms_a_secret() -> None:
    """Forms that a value does not need are not made: the number of patterns stays small."""
    forms = all_forms([b"ghp_0123456789abcdefghijklmnopqrstuvwxyz"])
    assert len(forms.literals) <= 3
    assert len(forms.literals | forms.wrapped) <= 40


def test_a_long_value_takes_little_room() -> None:
    value = bytes(range(256)) * 256
    forms = all_forms([value])
    assert sum(map(len, forms.literals | forms.wrapped)) < 60 * len(value)
    text = b"\0" + base64.encodebytes(b"x" + value) + value.hex().encode() + b"|" + value
    masked = Secrets([value]).mask(text)
    assert masked.count(M) == 3
    assert len(masked) < 100
