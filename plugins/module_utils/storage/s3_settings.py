"""Which bucket of which S3 service, as the caller and the environment say it.

Credentials are not among the settings: they come from where every AWS client of this process
finds them (variables, a profile, a role), and go nowhere else.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any, Final

from ..core.errors import InvalidInput

VARIABLES: Final = {
    "object_store": "C8S_STORAGE_BUCKET",
    "object_store_endpoint": "C8S_STORAGE_ENDPOINT",
    "object_store_region": "C8S_STORAGE_REGION",
    "object_store_addressing": "C8S_STORAGE_ADDRESSING",
    "object_store_ca_cert": "C8S_STORAGE_CA_CERT",
}
ADDRESSINGS: Final = ("auto", "path", "virtual")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/-]*")


@dataclasses.dataclass(frozen=True, slots=True)
class S3Settings:
    """`prefix` is empty or ends with `/`; what else is empty is left to the AWS client.

    `addressing`: whether the bucket is in the path or in the host of addresses, or `auto`.
    `ca_cert`: a file with the authorities to trust.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    addressing: str = "auto"
    ca_cert: str = ""

    def __str__(self) -> str:
        where = f" at {self.endpoint}" if self.endpoint else ""
        return f"s3://{self.bucket}/{self.prefix}{where}"


def s3_settings(options: Mapping[str, Any], environment: Mapping[str, str]) -> S3Settings | None:
    """Out of plain options, and the variables behind them; None where no bucket is named.

    Raises InvalidInput for what cannot be right.
    """
    given = {
        name: str(options.get(name) or environment.get(variable) or "")
        for name, variable in VARIABLES.items()
    }
    if not given["object_store"]:
        return None
    bucket, prefix = _place(given["object_store"])
    addressing = given["object_store_addressing"] or "auto"
    if addressing not in ADDRESSINGS:
        raise InvalidInput(
            f"object_store_addressing: {addressing!r} is none of {', '.join(ADDRESSINGS)}"
        )
    ca_cert = given["object_store_ca_cert"] or environment.get("AWS_CA_BUNDLE", "")
    if ca_cert and not pathlib.Path(ca_cert).expanduser().is_file():
        raise InvalidInput(f"object_store_ca_cert: there is no file {ca_cert!r} on this host")
    return S3Settings(
        bucket,
        prefix,
        _endpoint(given["object_store_endpoint"]),
        given["object_store_region"],
        addressing,
        str(pathlib.Path(ca_cert).expanduser()) if ca_cert else "",
    )


def _place(text: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`, of which the scheme may be left out."""
    scheme, separator, rest = text.partition("://")
    if separator and scheme != "s3":
        raise InvalidInput(f"object_store: {text!r} is no s3://BUCKET/PREFIX")
    bucket, _slash, prefix = (rest if separator else text).partition("/")
    prefix = prefix.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise InvalidInput(f"object_store: {bucket!r} cannot be the name of a bucket")
    odd = any(part in ("", ".", "..") for part in prefix.split("/")) if prefix else False
    if odd or not _PREFIX.fullmatch(prefix):
        raise InvalidInput(f"object_store: {prefix!r} cannot be a prefix of keys")
    return bucket, f"{prefix}/" if prefix else ""


def _endpoint(text: str) -> str:
    if not text:
        return ""
    parts = urllib.parse.urlsplit(text)
    if parts.username or parts.password:
        raise InvalidInput(
            "object_store_endpoint: credentials do not belong there; set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise InvalidInput(f"object_store_endpoint: {text!r} is no http:// or https:// address")
    return text.rstrip("/")
