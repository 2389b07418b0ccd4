"""Archives to and from addresses that the driver has signed, straight from the pod.

An address is as good as a password for its one object: it comes on the standard input, and is in
no message.
"""

from __future__ import annotations

import http.client
import pathlib
import re
import ssl
import tarfile
import urllib.parse
from collections.abc import Sequence
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    C8sError,
    Denied,
    InvalidInput,
    NotFound,
    Unavailable,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage import archive

SILENCE_SECONDS = 120.0
_ANSWER_LIMIT = 64 * 1024
_CONTENT_LIMIT = 1024 * 1024
_CODE = re.compile(rb"<Code>([A-Za-z0-9._-]{1,80})</Code>")


def upload(root: pathlib.Path, found: Sequence[tarfile.TarInfo], wanted: dict[str, Any]) -> None:
    """Write an archive of these files below `root` to the address.

    Raises Unavailable where it may work later, else Denied or InvalidInput.
    """
    with _Connection(wanted) as store:
        try:
            store.ask("PUT", archive.packed_size(found))
            archive.write(root, found, store)
        except OSError:
            store.broken = True  # It may have said why before it hung up.
        answer = store.answer()
        answer.read(_ANSWER_LIMIT)


def download(root: pathlib.Path, wanted: dict[str, Any]) -> None:
    """Unpack the archive at the address below `root`. Raises as `upload` does, or NotFound."""
    with _Connection(wanted) as store:
        store.ask("GET")
        answer = store.answer()
        try:
            try:
                archive.unpack(answer, root, links_out=True)
            finally:
                while answer.read(_ANSWER_LIMIT):
                    pass
        except (OSError, http.client.HTTPException) as error:
            raise store.fault(error) from None
        except InvalidInput as error:
            if answer.length:  # The server hung up in the middle.
                raise Unavailable(f"{store} broke off") from error
            raise


def content(wanted: dict[str, Any]) -> bytes:
    """What is at the address, where that is not much. Raises as `download` does."""
    with _Connection(wanted) as store:
        store.ask("GET")
        answer = store.answer()
        try:
            return answer.read(_CONTENT_LIMIT)
        except (OSError, http.client.HTTPException) as error:
            raise store.fault(error) from None


class _Connection:
    """A connection to the server of a signed address, for one request."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        parts = urllib.parse.urlsplit(wanted["address"])
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput("what was signed is no address of http or https")
        self.broken = False
        self._name = f"the object store at {parts.netloc}"
        self._target = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
        self._http: http.client.HTTPConnection
        if parts.scheme == "http":
            self._http = http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=SILENCE_SECONDS
            )
        else:
            trust = ssl.create_default_context()
            if wanted.get("authorities"):
                trust.load_verify_locations(cadata=wanted["authorities"])
            self._http = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=SILENCE_SECONDS, context=trust
            )

    def __str__(self) -> str:
        return self._name

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def ask(self, method: str, size: int | None = None) -> None:
        """Begin a request; with `size`, so many bytes are to be written then."""
        try:
            self._http.connect()
            self._http.putrequest(method, self._target, skip_accept_encoding=True)
            if size is not None:
                self._http.putheader("Content-Length", str(size))
            self._http.endheaders()
        except (OSError, http.client.HTTPException) as error:
            raise self.fault(error) from None

    def write(self, content: bytes, /) -> int:
        self._http.send(content)
        return len(content)

    def answer(self) -> http.client.HTTPResponse:
        """What the server says, where it did what it was asked."""
        try:
            answer = self._http.getresponse()
            if answer.status < 300:
                if self.broken:
                    raise Unavailable(f"{self} broke off")
                return answer
            found = _CODE.search(answer.read(_ANSWER_LIMIT))
        except (OSError, http.client.HTTPException) as error:
            raise self.fault(error) from None
        code = f" {found[1].decode()}" if found else ""
        said = f"{self} answered {answer.status}{code}"
        if answer.status >= 500 or answer.status in (408, 429):
            raise Unavailable(said)
        if answer.status == 404:
            raise NotFound(said)
        raise Denied(said)

    def fault(self, error: Exception) -> C8sError:
        """What is to be told of a broken connection."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return Denied(
                f"the certificate of {self} is not trusted here; name its authority by"
                " object_store_ca_cert"
            )
        return Unavailable(f"{self} cannot be reached: {getattr(error, 'strerror', '') or error}")
