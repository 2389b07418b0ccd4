"""What a value looks like in base64, in hexadecimal and percent-encoded."""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Iterator

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Encoded:
    """An encoded value as it stands within longer encoded text, of which it is the `core`.

    `wholes` are the core with what the encoding adds where the value is the last that is encoded.
    """

    core: bytes
    wholes: tuple[bytes, ...] = ()


def base64_encoded(value: bytes) -> Iterator[Encoded]:
    """The value in base64 behind any number of other bytes, in the common and the URL alphabet.

    What stands in front decides how the bits are grouped, in one of three ways. Characters that
    also hold bits of a neighbour are left off the core.
    """
    for before in range(3):
        text = base64.b64encode(bytes(before) + value).rstrip(b"=")
        size = before + len(value)
        first, stop = (8 * before + 5) // 6, 8 * size // 6
        wholes: tuple[bytes, ...] = ()
        if size % 3:
            wholes = (text[first:], text[first:] + b"=" * (3 - size % 3))
        encoded = Encoded(text[first:stop], wholes)
        yield encoded
        if b"+" in text or b"/" in text:
            yield Encoded(
                encoded.core.translate(_URL_SAFE),
                tuple(whole.translate(_URL_SAFE) for whole in wholes),
            )


def hex_encoded(value: bytes) -> Iterator[Encoded]:
    """The value in hexadecimal digits of both cases."""
    text = value.hex().encode()
    yield Encoded(text)
    yield Encoded(text.upper())


_ALWAYS_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
# What else the encoders in use leave as it is.
_ALSO_PLAIN = tuple(
    frozenset(characters)
    for characters in (
        b"",  # Java, PHP urlencode
        b"*",  # browsers: forms
        b"~",  # curl, Go: queries, Python quote_plus
        b"~/",  # Python quote
        b"~!*'()",  # JavaScript encodeURIComponent
        b"~!*'();,/?:@&=+$#",  # JavaScript encodeURI
        b"~$&+:=@",  # Go: path segments
        b"~$&+,/:;=@",  # Go: paths
        b"~$&+,;=",  # Go: user and password
        b"~!$&'()*+,;=",  # the standard: user and password
        b"~!$&'()*+,;=:@",  # the standard: path segments
        b"~!$&'()*+,;=:@/?",  # the standard: paths and queries
    )
)


class _Replacements(dict[bytes, bytes]):
    """What stands for each single byte, as `re.sub` asks for it."""

    def __call__(self, match: re.Match[bytes]) -> bytes:
        return self[match[0]]


def percent_encoded(value: bytes) -> set[bytes]:
    """The value as URLs and forms hold it, by every encoder in use; not as it is."""
    present = frozenset(value)
    texts: set[bytes] = set()
    # All bytes escaped is what a program does that keeps no list.
    escaped_sets = {present, *(present - _ALWAYS_PLAIN - plain for plain in _ALSO_PLAIN)}
    for escaped in escaped_sets - {frozenset()}:
        escapable = re.compile(b"[%s]" % b"".join(b"\\x%02x" % byte for byte in escaped))
        for digits in (b"%%%02X", b"%%%02x"):
            for space in (digits % 32, b"+"):
                table = {bytes((byte,)): digits % byte for byte in escaped} | {b" ": space}
                texts.add(escapable.sub(_Replacements(table), value))
    texts.discard(value)
    return texts
