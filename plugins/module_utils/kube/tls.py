"""The TLS side of a connection: whom we trust and what we show."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

from ..core.errors import InvalidInput
from .endpoint import Endpoint
from .login import Login, bytes_of


def tls_context(endpoint: Endpoint, login: Login) -> ssl.SSLContext:
    """A context that checks the server as the endpoint says and shows the login's certificate.

    Raises InvalidInput when the authority, the certificate or its key is not readable as such.
    """
    authority = bytes_of(endpoint.authority, "the certificate authority (ca_cert)")
    try:
        context = ssl.create_default_context(cadata=_text(authority) if authority else None)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidInput(
            f"the certificate authority (ca_cert) holds no PEM certificate: {error}"
        ) from error
    # A lone certificate given as authority is trusted as it is, as Go's and OpenSSL's tools do.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if not endpoint.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if login.certificate:
        _show(context, login.certificate)
    return context


def _text(authority: bytes) -> str:
    return authority.decode("ascii", errors="replace")


def _show(context: ssl.SSLContext, certificate: bytes) -> None:
    # OpenSSL's Python face reads a key from a file alone: one of ours, for that moment.
    descriptor, name = tempfile.mkstemp(prefix="c8s-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(certificate)
        context.load_cert_chain(name)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidInput(
            f"the client certificate or its key cannot be used: {error.args[-1]}"
        ) from error
    finally:
        Path(name).unlink()
