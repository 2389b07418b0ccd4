"""What a value looks like where a program has quoted it: JSON, XML, shells, Go and Python.

Each function gives the inside of the quotes, and nothing where that is the value itself.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
_CONTROLS = frozenset(map(chr, (*range(0x20), 0x7F)))
# The ASCII characters that each kind of quoting may change.
_IN_JSON = _CONTROLS | frozenset("\"\\/<>&'=+`")
_IN_XML = frozenset("&<>\"'\t\n\r")
_IN_LITERALS = _CONTROLS | frozenset("\"\\'")
_IN_DOUBLE_QUOTES = frozenset('"\\$`!')
_IN_DOLLAR_QUOTES = _CONTROLS | frozenset("\\'")


def quoted(value: bytes) -> set[bytes]:
    """The value as any of the quoting programs print it, the value itself left out."""
    text = value.decode("utf-8", "surrogateescape")
    present = frozenset(text)
    special = present - _PLAIN
    if not special:
        return set()
    texts: set[str] = set(_shell(text, special))
    if not text.isascii() or special & _IN_JSON:
        texts.update(_json(text, special))
    if not text.isascii() or special & _IN_XML:
        texts.update(_xml(text))
    if not text.isascii() or special & _IN_LITERALS:
        texts.update(_go(text), _python(text))
    found = {quote.encode("utf-8", "surrogateescape") for quote in texts}
    if special & _IN_LITERALS or not value.isascii():
        found |= {repr(value)[2:-1].encode(), _unquoted(repr(b'"' + value)[3:-1]).encode()}
    found.discard(value)
    return found


def _replaced(text: str, replacements: Mapping[str, str]) -> str:
    return text.translate({ord(character): new for character, new in replacements.items()})


def _not_ascii(text: str, escape: Callable[[str], str]) -> str:
    """Bytes that are no text stay as they are."""
    return _NOT_ASCII.sub(
        lambda match: match[0] if "\udc80" <= match[0] <= "\udcff" else escape(match[0]), text
    )


# --- JSON ------------------------------------------------------------------------------------

# Characters that encoders write as \u00xx so that the text can stand in a page, and what they make
# of a slash.
_FOR_PAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("/", "\\/")),  # most; PHP
    ("<", ("/", "\\/")),  # templates
    ("<>", ("/", "\\/", "\\u002f", "\\u002F")),  # JavaScript's serializers, PHP
    ("<>&", ("/", "\\/")),  # Go, Rails, PHP
    ("<>&'", ("/", "\\/")),  # PHP
    ("<>&'\"", ("/", "\\/")),  # PHP
    ("<>&'=", ("/",)),  # Gson
    ("<>&'\"+`", ("/",)),  # .NET
)
# What all of them write so, with digits that have two cases.
_CASED = frozenset(map(chr, range(0x20)))


def _upper(match: re.Match[str]) -> str:
    return match[0].upper()


_JSON = {chr(point): json.dumps(chr(point))[1:-1] for point in (*range(0x20), ord('"'), ord("\\"))}
_JSON_UPPER = {
    character: re.sub("(?<=u00[01])[a-f]$", _upper, new) for character, new in _JSON.items()
}


def _json(text: str, present: frozenset[str]) -> Iterator[str]:
    plain = _replaced(text, _JSON)
    yield _replaced(plain, _JSON)  # JSON within JSON
    yield _replaced(_not_ascii(plain, functools.partial(_unicode_escape, upper=False)), _JSON)
    profiles = {
        (frozenset(characters) & present, slash if "/" in present else "/")
        for characters, slashes in _FOR_PAGES
        for slash in slashes
    }
    cases = (False, True) if present & _CASED or not text.isascii() else (False,)
    for (page, slash), upper in itertools.product(profiles, cases):
        for page_upper in (False, True) if page else (False,):
            escapes = {character: _unicode_escape(character, page_upper) for character in page}
            table = (_JSON_UPPER if upper else _JSON) | {"/": slash} | escapes
            escaped = _replaced(text, table)
            yield escaped
            yield _not_ascii(escaped, functools.partial(_unicode_escape, upper=upper))


def _unicode_escape(character: str, upper: bool) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    units = units.upper() if upper else units
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


# --- XML and HTML ----------------------------------------------------------------------------

_XML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_XML_SETS: tuple[Mapping[str, str], ...] = (
    _XML,
    {"&": "&amp;", "<": "&lt;"},
    {**_XML, '"': "&quot;"},
    {**_XML, "'": "&apos;"},
    {**_XML, '"': "&quot;", "'": "&apos;"},
    {**_XML, '"': "&quot;", "'": "&#39;"},
    {**_XML, '"': "&quot;", "'": "&#039;"},
    {**_XML, '"': "&quot;", "'": "&#x27;"},
    {**_XML, '"': "&#34;", "'": "&#39;"},
    {**_XML, '"': "&#34;", "'": "&#39;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"},
    {**_XML, '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"},
)


def _xml(text: str) -> Iterator[str]:
    for replacements in _XML_SETS:
        escaped = _replaced(text, replacements)
        yield escaped
        for form in ("&#{};", "&#x{:x};", "&#x{:X};"):
            yield _not_ascii(escaped, functools.partial(_reference, form=form))


def _reference(character: str, form: str) -> str:
    return form.format(ord(character))


# --- Shells ----------------------------------------------------------------------------------

_LETTERS = dict(zip("\a\b\t\n\v\f\r", "abtnvfr", strict=True))
_OCTAL = {character: f"\\{ord(character):03o}" for character in _CONTROLS}
_BASH = {
    **_OCTAL,
    **{character: f"\\{letter}" for character, letter in _LETTERS.items()},
    **{character: f"\\{character}" for character in "\\'"},
}
# The inside of $'...'.
_DOLLAR_QUOTES: tuple[Mapping[str, str], ...] = (
    _BASH,
    {**_BASH, "\x1b": "\\E"},  # bash
    {**_BASH, "\x1b": "\\e"},
    {**_BASH, "\x1b": "\\E", "'": "\\047"},  # mksh
    {
        **{character: f"\\C-{chr(ord(character) ^ 0x40)}" for character in _CONTROLS},
        **{character: _BASH[character] for character in "\t\n\\'"},
    },  # zsh
)
# bash's printf %q, and what it leaves to other shells and programs.
_PRINTF_Q = frozenset(" \t\"'\\|&;()<>!{}*[]?^$`,")
_BACKSLASHED = _PRINTF_Q | frozenset("~#=:@%+")


def _shell(text: str, special: frozenset[str]) -> Iterator[str]:
    if "'" in special:
        for quote in (
            text.replace("'", "'\\''"),  # bash
            text.replace("'", "'\"'\"'"),  # Python's shlex, Go's shell quoting
            re.sub("'+", lambda run: f"'\"{run[0]}\"'", text),  # busybox, dash
            re.sub("'+", lambda run: "'" + "\\'" * len(run[0]) + "'", text),  # zsh, ksh
        ):
            yield quote
            # At a word's border a shell leaves off or adds the quote that opens or closes.
            yield quote.strip("'")
    double = special & _IN_DOUBLE_QUOTES
    for escaped in (double, double - {"!"}, special & _BACKSLASHED):
        yield _backslashed(text, escaped)
    bash = re.sub("(?<=[=:])~", r"\\~", _backslashed(text, special & _PRINTF_Q))
    yield bash
    if text[0] in "~#":  # escaped at the beginning of a word
        yield "\\" + bash
    if special & _IN_DOLLAR_QUOTES or not text.isascii():
        for table in _DOLLAR_QUOTES:
            quote = _replaced(text, table)
            yield quote
            yield _octal(quote, str.isprintable)
            yield _octal(quote, str.isascii)


def _backslashed(text: str, escaped: frozenset[str]) -> str:
    return _replaced(text, {character: "\\" + character for character in escaped})


def _octal(text: str, stays: Callable[[str], bool]) -> str:
    if stays(text):
        return text
    return "".join(
        character
        if stays(character)
        else "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
        for character in text
    )


# --- Go and Python ---------------------------------------------------------------------------

_GO = {
    **{character: f"\\{letter}" for character, letter in _LETTERS.items()},
    **{character: f"\\{character}" for character in '"\\'},
}


def _go(text: str) -> Iterable[str]:
    """As %q and %+q print it."""
    if text.isascii() and text.isprintable():
        return (_replaced(text, _GO),)
    return (
        "".join(_go_character(character, str.isprintable) for character in text),
        "".join(_go_character(character, str.isascii) for character in text),
    )


def _go_character(character: str, stays: Callable[[str], bool]) -> str:
    point = ord(character)
    if character in _GO:
        return _GO[character]
    if "\udc80" <= character <= "\udcff":
        return f"\\x{point - 0xDC00:02x}"
    if point < 0x80:
        return character if character.isprintable() else f"\\x{point:02x}"
    if stays(character):
        return character
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _python(text: str) -> Iterator[str]:
    """As repr and ascii print it, alone or within something larger that needs other quotes."""
    for represent in (repr, ascii):
        # A double quote in front: then single quotes enclose, and those within are escaped.
        escaped = represent('"' + text)[2:-1]
        yield escaped
        yield _unquoted(escaped)


def _unquoted(text: str) -> str:
    """`text` with its single quotes as they are."""
    return text.replace("\\'", "'")
