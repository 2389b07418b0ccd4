"""Logins from a credential plugin: the program that a kubeconfig's `exec` names (EKS, GKE, ...).

The Kubernetes client library can run these too, but takes half a second to import, keeps no
answer until it runs out, waits without a limit, and knows no client certificates.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import Denied, InvalidInput, NotFound, Unavailable
from .login import Login

# A browser may open and a person may have to type; a program alone has no such excuse.
_PERSON_SECONDS = 300.0
_PROGRAM_SECONDS = 60.0
_API_VERSION = "client.authentication.k8s.io/v1"
# Renewed this long before it runs out, so that no request is on its way with a dead token.
_EARLY_SECONDS = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Plugin:
    """The kubeconfig's `exec`, with the cluster it is for (given to it when it asks)."""

    command: str
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    api_version: str = _API_VERSION
    interactive: str = "IfAvailable"
    hint: str = ""
    cluster: Mapping[str, Any] | None = None


def plugin_of(entry: Mapping[str, Any], cluster: Mapping[str, Any], folder: Path) -> Plugin:
    """The plugin that a kubeconfig's user names. InvalidInput when no command is in it."""
    command = str(entry.get("command") or "")
    if not command:
        raise InvalidInput("the kubeconfig's user has an exec plugin without a command")
    if "/" in command:
        command = str(folder / command)
    return Plugin(
        command=command,
        arguments=tuple(str(argument) for argument in entry.get("args") or ()),
        environment=tuple(
            (str(item["name"]), str(item.get("value", ""))) for item in entry.get("env") or ()
        ),
        api_version=str(entry.get("apiVersion") or _API_VERSION),
        interactive=str(entry.get("interactiveMode") or "IfAvailable"),
        hint=str(entry.get("installHint") or ""),
        cluster=cluster_info(cluster) if entry.get("provideClusterInfo") else None,
    )


def cluster_info(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """What a plugin is told of its cluster."""
    names = (
        "server tls-server-name insecure-skip-tls-verify certificate-authority-data "
        "proxy-url disable-compression"
    )
    info = {name: cluster[name] for name in names.split() if name in cluster}
    for extension in cluster.get("extensions") or ():
        if extension.get("name") == "client.authentication.k8s.io/exec":
            info["config"] = extension.get("extension")
    return info


class PluginCredentials:
    """Asks the plugin once, keeps its answer until it runs out or is refused."""

    def __init__(
        self,
        plugin: Plugin,
        environ: Mapping[str, str],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._plugin = plugin
        self._environ = environ
        self._now = now
        self._lock = threading.Lock()
        self._login: Login | None = None
        self._expires = 0.0

    def current(self) -> Login:
        """The login; the plugin is run when there is none yet or it is about to run out."""
        with self._lock:
            if self._login is None or self._now() > self._expires - _EARLY_SECONDS:
                self._ask()
            return self._login or Login()

    def renew(self) -> bool:
        """Run the plugin again; False when it gives the same login."""
        with self._lock:
            before = self._login
            self._ask()
            return self._login != before

    def _ask(self) -> None:
        answer = _run(self._plugin, self._environ)
        status = answer.get("status")
        if not isinstance(status, Mapping):
            raise Unavailable(f"{self._name}: its answer has no status")
        certificate = str(status.get("clientCertificateData") or "")
        key = str(status.get("clientKeyData") or "")
        token = str(status.get("token") or "")
        if not token and not certificate:
            raise Denied(f"{self._name}: it gave neither a token nor a certificate")
        self._login = Login(
            authorization=f"Bearer {token}" if token else "",
            certificate=f"{certificate}\n{key}".encode() if certificate else b"",
        )
        self._expires = _moment(str(status.get("expirationTimestamp") or ""), self._name)

    @property
    def _name(self) -> str:
        return f"the credential plugin {self._plugin.command}"


def _run(plugin: Plugin, environ: Mapping[str, str]) -> dict[str, Any]:
    person = plugin.interactive != "Never" and sys.stdin is not None and sys.stdin.isatty()
    if plugin.interactive == "Always" and not person:
        raise Denied(
            f"the credential plugin {plugin.command} has to ask a person, and there is no terminal"
        )
    spec: dict[str, Any] = {"interactive": person}
    if plugin.cluster is not None:
        spec["cluster"] = plugin.cluster
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    name = f"the credential plugin {plugin.command}"
    try:
        done = subprocess.run(
            [plugin.command, *plugin.arguments],
            check=False,
            stdin=None if person else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if person else subprocess.PIPE,
            timeout=_PERSON_SECONDS if person else _PROGRAM_SECONDS,
            env={
                **environ,
                **dict(plugin.environment),
                "KUBERNETES_EXEC_INFO": json.dumps(info),
            },
        )
    except FileNotFoundError as error:
        hint = f"\n{plugin.hint}" if plugin.hint else ""
        raise NotFound(f"{name} is not installed, and the kubeconfig needs it{hint}") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{name} gave no answer in {error.timeout:.0f} seconds") from error
    except OSError as error:
        raise Unavailable(f"{name} cannot be run: {os.strerror(error.errno or 0)}") from error
    if done.returncode:
        said = " ".join((done.stderr or b"").decode(errors="replace").split())[-500:]
        raise Denied(f"{name} ended with status {done.returncode}: {said or 'no message'}")
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        raise Unavailable(f"{name}: its answer is no JSON: {error}") from error
    if not isinstance(answer, dict) or answer.get("apiVersion") != plugin.api_version:
        raise Unavailable(f"{name}: its answer is no ExecCredential of {plugin.api_version}")
    return answer


def _moment(text: str, name: str) -> float:
    """The expiry in seconds since 1970; what never runs out does so at infinity."""
    if not text:
        return float("inf")
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise Unavailable(f"{name}: {text!r} is no moment to expire at") from error
