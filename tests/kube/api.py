"""A few plain calls of a Kubernetes API, for the cluster's own start and tests."""

from __future__ import annotations

import base64
import copy
import http.client
import json
import socket
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from kube.errors import ClusterError


class ApiError(ClusterError):
    """The API answered, but not with success."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"the API answered {status}: {said[:1000]}")
        self.status = status


class Api:
    """The API that a kubeconfig's current context names, by client certificate or token."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"])["user"]
        self._host = urlsplit(cluster["server"])
        self._headers = {"Accept": "application/json"}
        if "token" in user:
            self._headers["Authorization"] = f"Bearer {user['token']}"
        self._tls = ssl.create_default_context()
        authority = _material(cluster, "certificate-authority", kubeconfig)
        if authority:
            self._tls.load_verify_locations(cadata=authority.decode())
        certificate = _material(user, "client-certificate", kubeconfig)
        key = _material(user, "client-key", kubeconfig)
        if certificate and key:
            with tempfile.NamedTemporaryFile() as file:
                file.write(certificate + b"\n" + key)
                file.flush()
                self._tls.load_cert_chain(file.name)

    def text(self, method: str, path: str, body: object = None, *, timeout: float = 30.0) -> str:
        """The answer's text. ApiError when it says no, OSError when it is not there."""
        connection = self.connection(timeout)
        try:
            headers = self._headers | {"Content-Type": "application/json"}
            data = None if body is None else json.dumps(body)
            connection.request(method, self._host.path.rstrip("/") + path, data, headers)
            answer = connection.getresponse()
            said = answer.read().decode(errors="replace")
        except http.client.HTTPException as error:
            raise ConnectionError(f"the API broke off: {error!r}") from error
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise ApiError(answer.status, said)
        return said

    @property
    def host(self) -> str:
        """The API server's name, as a Host header has it."""
        return str(self._host.netloc)

    def connection(self, timeout: float | None = None) -> http.client.HTTPSConnection:
        """A connection of its own, made at its first request."""
        return http.client.HTTPSConnection(
            self._host.hostname or "", self._host.port or 443, context=self._tls, timeout=timeout
        )

    def tls_socket(self) -> ssl.SSLSocket:
        """A connection for what leaves HTTP."""
        address = (self._host.hostname or "", self._host.port or 443)
        plain = socket.create_connection(address, timeout=30)
        plain.settimeout(None)
        return self._tls.wrap_socket(plain, server_hostname=self._host.hostname)

    def get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text("GET", path))
        return found

    def find(self, path: str) -> dict[str, Any] | None:
        """The object, or None while it isn't there or we may not see it yet."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status in (403, 404):
                return None
            raise

    def create(self, path: str, manifest: Mapping[str, object]) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(self.text("POST", path, manifest))
        return made

    def delete(self, path: str, *, grace_seconds: int | None = None) -> None:
        """Delete an object or all of a kind, with all that belongs to it; gone already is fine."""
        query = "propagationPolicy=Background"
        if grace_seconds is not None:
            query += f"&gracePeriodSeconds={grace_seconds}"
        try:
            self.text("DELETE", f"{path}?{query}")
        except ApiError as error:
            if error.status != 404:
                raise

    def ready(self) -> bool:
        """Whether the API serves; False while it starts. OSError while nobody listens."""
        try:
            return self.text("GET", "/readyz", timeout=2.0) == "ok"
        except ApiError:
            return False

    def on_port(self, port: int) -> Api:
        """The same login for another server at that port of the API's host."""
        other = copy.copy(self)
        other._host = urlsplit(f"https://{self._host.hostname}:{port}")
        return other


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for entry in entries:
        if entry["name"] == name:
            return entry
    raise ClusterError(f"the kubeconfig speaks of {name!r} and does not define it")


def _material(entry: Mapping[str, str], key: str, kubeconfig: Path) -> bytes | None:
    if f"{key}-data" in entry:
        return base64.b64decode(entry[f"{key}-data"])
    if key in entry:
        return (kubeconfig.parent / entry[key]).read_bytes()
    return None
