"""Credential plugins: asked once, asked again when they run out, and clear when they fail."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    Denied,
    InvalidInput,
    NotFound,
    Unavailable,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.plugin_login import (
    PluginCredentials,
    plugin_of,
)

VERSION = "client.authentication.k8s.io/v1"


def plugin(folder: Path, script: str, **entry: Any) -> PluginCredentials:
    """Credentials from a plugin that is this shell script."""
    program = folder / "login"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    cluster = {"server": "https://c", "certificate-authority": "/ca"}
    entry = {"command": "./login", "apiVersion": VERSION, **entry}
    return PluginCredentials(plugin_of(entry, cluster, folder), os.environ, now=lambda: 1000.0)


def answer(**status: str) -> str:
    content = {"apiVersion": VERSION, "kind": "ExecCredential", "status": status}
    return f"echo x >>\"$0.calls\"; echo '{json.dumps(content)}'"


def calls(folder: Path) -> int:
    return len((folder / "login.calls").read_text().split())


def test_a_token_is_kept_until_it_runs_out(tmp_path: Path) -> None:
    late = "1970-01-01T00:20:00Z"
    credentials = plugin(tmp_path, answer(token="abc", expirationTimestamp=late))
    assert credentials.current().authorization == "Bearer abc"
    credentials.current()
    assert calls(tmp_path) == 1


def test_a_token_about_to_run_out_is_asked_for_again(tmp_path: Path) -> None:
    soon = "1970-01-01T00:17:00+00:00"
    credentials = plugin(tmp_path, answer(token="abc", expirationTimestamp=soon))
    credentials.current()
    credentials.current()
    assert calls(tmp_path) == 2


def test_renewing_tells_whether_anything_changed(tmp_path: Path) -> None:
    credentials = plugin(tmp_path, answer(token="abc"))
    credentials.current()
    assert not credentials.renew()
    plugin(tmp_path, answer(token="new"))
    assert credentials.renew()
    assert credentials.current().authorization == "Bearer new"


def test_a_certificate(tmp_path: Path) -> None:
    credentials = plugin(tmp_path, answer(clientCertificateData="C", clientKeyData="K"))
    assert credentials.current().certificate == b"C\nK"
    assert credentials.current().authorization == ""


def test_what_the_plugin_is_told(tmp_path: Path) -> None:
    script = 'echo "$KUBERNETES_EXEC_INFO" >info; echo "$1 $FOO" >args; ' + answer(token="t")
    credentials = plugin(
        tmp_path,
        f"cd {tmp_path}; {script}",
        args=["hello"],
        env=[{"name": "FOO", "value": "bar"}],
        provideClusterInfo=True,
    )
    credentials.current()
    info = json.loads((tmp_path / "info").read_text())
    assert info["spec"] == {"interactive": False, "cluster": {"server": "https://c"}}
    assert (tmp_path / "args").read_text() == "hello bar\n"


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ("echo no session >&2; exit 3", Denied, "ended with status 3: no session"),
        ("echo hello", Unavailable, "its answer is no JSON"),
        ("echo '{}'", Unavailable, "no ExecCredential"),
        (answer(), Denied, "neither a token nor a certificate"),
        (answer(token="t", expirationTimestamp="soon"), Unavailable, "no moment to expire at"),
    ],
)
def test_failures_name_the_plugin(
    tmp_path: Path, script: str, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=rf"the credential plugin .*login.*{words}"):
        plugin(tmp_path, script).current()


def test_a_plugin_that_is_not_installed(tmp_path: Path) -> None:
    entry = {"command": "no-such-login", "installHint": "install it from there"}
    credentials = PluginCredentials(plugin_of(entry, {}, tmp_path), os.environ)
    with pytest.raises(
        NotFound, match=r"(?s)no-such-login is not installed.*install it from there"
    ):
        credentials.current()


def test_a_plugin_that_has_to_ask_a_person(tmp_path: Path) -> None:
    with pytest.raises(Denied, match="there is no terminal"):
        plugin(tmp_path, answer(token="t"), interactiveMode="Always").current()


def test_a_plugin_without_a_command(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="without a command"):
        plugin_of({}, {}, tmp_path)
