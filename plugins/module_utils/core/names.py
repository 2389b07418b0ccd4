"""Names and labels that Kubernetes takes, made from any text."""

from __future__ import annotations

import hashlib
import re

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_LABEL_LIMIT = 63
LABEL_VALUE_LIMIT = 63
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"

_DIGEST_LENGTH = 8
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_IMAGE = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._:/@]*")
_NOT_DNS = re.compile(r"[^a-z0-9]+")
_NOT_LABEL = re.compile(r"[^A-Za-z0-9_.]+")
_NOT_VARIABLE = re.compile(r"[^A-Z0-9_]")


def is_dns_label(text: str, limit: int = DNS_LABEL_LIMIT) -> bool:
    """Whether the text is an RFC 1123 label of at most `limit` characters."""
    return len(text) <= limit and _DNS_LABEL.fullmatch(text) is not None


def is_image(text: str) -> bool:
    """Whether the text has the characters of an image's name, and none that mean something else.

    Whether there is such an image is for the engine to say.
    """
    return _IMAGE.fullmatch(text) is not None


def leaves(path: str) -> bool:
    """Whether a path may lead out of the folder to which it is relative."""
    return path[:1] in ("/", "~") or ".." in path.split("/")


def dns_label(*parts: str, limit: int = DNS_LABEL_LIMIT) -> str:
    """The parts joined by `-`, as a DNS label of at most `limit` (16 or more) characters.

    What is valid and short enough stays as it is. Anything else is made fit and gets a digest of
    the parts at its end, so that the same parts always give the same name and others another one.
    """
    if limit < 16:
        raise ValueError(f"a limit of {limit} leaves no room beside the digest")
    joined = "-".join(parts)
    if is_dns_label(joined, limit):
        return joined
    return _with_digest(_NOT_DNS.sub("-", joined.lower()), parts, limit, strip="-")


def label_value(text: str) -> str:
    """The text as a label value: itself where it is valid, else made fit, with a digest."""
    if len(text) <= LABEL_VALUE_LIMIT and _LABEL_VALUE.fullmatch(text):
        return text
    return _with_digest(_NOT_LABEL.sub("-", text), (text,), LABEL_VALUE_LIMIT, strip="-_.")


def variable_name(text: str) -> str:
    """The text as the end of an environment variable's name: `go-version` as `GO_VERSION`."""
    return _NOT_VARIABLE.sub("_", text.upper())


def _with_digest(text: str, parts: tuple[str, ...], limit: int, *, strip: str) -> str:
    digest = hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()
    digest = digest[:_DIGEST_LENGTH]
    kept = text.strip(strip)[: limit - len(digest) - 1].rstrip(strip)
    return f"{kept}-{digest}" if kept else digest
