"""What proves to an API server who we are, and how it is renewed when it has run out."""

from __future__ import annotations

import base64
import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ..core.errors import Denied, InvalidInput, NotFound, Unavailable

# A mounted token is replaced long before it runs out; looking once a minute is what others do.
_TOKEN_FILE_SECONDS = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    """What one request carries: a header's value, and a client certificate with its key (PEM)."""

    authorization: str = dataclasses.field(default="", repr=False)
    certificate: bytes = dataclasses.field(default=b"", repr=False)


class Credentials(Protocol):
    """Where logins come from. Safe to use from many threads."""

    def current(self) -> Login:
        """The login to use now."""

    def renew(self) -> bool:
        """The current login was refused: whether there is another one now."""


@dataclasses.dataclass(frozen=True, slots=True)
class Secrets:
    """A login as it was given: text and PEM as they are, or the files that hold them."""

    token: str | Path = dataclasses.field(default="", repr=False)
    username: str = ""
    password: str = dataclasses.field(default="", repr=False)
    certificate: bytes | Path = b""
    key: bytes | Path = dataclasses.field(default=b"", repr=False)


class GivenCredentials:
    """Credentials that are written down; files among them are read again when they change."""

    def __init__(self, secrets: Secrets, clock: Callable[[], float] = time.monotonic) -> None:
        self._secrets = secrets
        self._clock = clock
        self._lock = threading.Lock()
        self._login = self._read()
        self._read_at = clock()

    def current(self) -> Login:
        """The login; a token's file is looked at once a minute."""
        with self._lock:
            old = self._clock() - self._read_at >= _TOKEN_FILE_SECONDS
            if old and isinstance(self._secrets.token, Path):
                self._login = self._read()
                self._read_at = self._clock()
            return self._login

    def renew(self) -> bool:
        """Read the files again; False when they say what they said before."""
        with self._lock:
            before = self._login
            self._login = self._read()
            self._read_at = self._clock()
            return self._login != before

    def _read(self) -> Login:
        secrets = self._secrets
        return Login(
            authorization=authorization(
                text_of(secrets.token, "the token"), secrets.username, secrets.password
            ),
            certificate=certificate_of(secrets.certificate, secrets.key),
        )


class LibraryCredentials:
    """Old-style auth providers (oidc, gcp), which the Kubernetes client library speaks.

    It costs half a second to import, so it is asked only where a kubeconfig needs it.
    """

    def __init__(self, kubeconfig: str | Mapping[str, Any], context: str, *, persist: bool) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._persist = persist
        self._lock = threading.Lock()
        self._login: Login | None = None

    def current(self) -> Login:
        """The login; Denied when the provider gives none."""
        with self._lock:
            if self._login is None:
                self._login = self._ask()
            return self._login

    def renew(self) -> bool:
        """Ask the provider again; False when it gives the same login."""
        with self._lock:
            before, self._login = self._login, self._ask()
            return self._login != before

    def _ask(self) -> Login:
        # Only here: see the class.
        from kubernetes import client, config

        library: Any = config
        answer = client.Configuration()
        try:
            if isinstance(self._kubeconfig, str):
                library.load_kube_config(
                    config_file=self._kubeconfig or None,
                    context=self._context or None,
                    client_configuration=answer,
                    persist_config=self._persist,
                )
            else:
                library.load_kube_config_from_dict(
                    dict(self._kubeconfig),
                    context=self._context or None,
                    client_configuration=answer,
                    persist_config=False,
                )
        except config.ConfigException as error:
            raise Denied(f"the kubeconfig's auth-provider gives no login: {error}") from error
        found = answer.get_api_key_with_prefix("authorization") or ""
        if not found:
            raise Denied("the kubeconfig's auth-provider gives no login: log in with it again")
        return Login(authorization=found)


def authorization(token: str, username: str, password: str) -> str:
    """The header's value for a token, or for a name and password."""
    if token:
        if not token.isascii() or any(letter.isspace() for letter in token):
            raise InvalidInput("the token holds blanks, line breaks or characters beyond ASCII")
        return f"Bearer {token}"
    if username or password:
        return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    return ""


def certificate_of(certificate: bytes | Path, key: bytes | Path) -> bytes:
    """Both PEM texts as one; the key may stand in the certificate's file."""
    first = bytes_of(certificate, "the client certificate")
    second = bytes_of(key, "the client key")
    if second and not first:
        raise InvalidInput("a client key without a client certificate")
    return first + b"\n" + second if first else b""


def text_of(source: str | Path, what: str) -> str:
    """The text itself, or what its file holds, without blanks around it."""
    if isinstance(source, Path):
        return bytes_of(source, what).decode(errors="replace").strip()
    return source


def bytes_of(source: bytes | Path, what: str) -> bytes:
    """The bytes themselves, or what their file holds; errors name the file."""
    if isinstance(source, bytes):
        return source
    try:
        return source.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"{what}: {source} does not exist") from error
    except PermissionError as error:
        raise Denied(f"{what}: {source} may not be read by this user") from error
    except OSError as error:
        raise Unavailable(f"{what}: {source} cannot be read: {error.strerror}") from error
