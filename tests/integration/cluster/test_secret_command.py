"""`c8s secret create` and `c8s get secrets` on a real API server."""

from __future__ import annotations

import base64
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.kube.kinds import SECRET
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources

from integration.cluster.conftest import PROGRAM, Command
from kube.accounts import kubeconfig_with_rights
from kube.cluster import Cluster

VALUE = "hunter2-very-secret"


def values(client: Client, namespace: str, name: str) -> dict[str, str]:
    data = Resources(client).get(SECRET, name, namespace)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def test_values_from_everywhere_and_none_is_shown(
    c8s: Command, control: Client, control_namespace: str
) -> None:
    (c8s.folder / "known-hosts").write_text("git.example.com ssh-ed25519 AAAA\n")
    done = c8s(
        "secret", "create", "deploy", "-n", control_namespace,
        "--from-stdin", "TOKEN", "--from-env", "USER_KEY", "--from-env", "OTHER=USER_KEY",
        "--from-file", "known-hosts", "--from-file", "HOSTS=known-hosts",
        stdin=f"{VALUE}\n".encode(), USER_KEY="from the environment",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert values(control, control_namespace, "deploy") == {
        "TOKEN": VALUE,
        "USER_KEY": "from the environment",
        "OTHER": "from the environment",
        "known-hosts": "git.example.com ssh-ed25519 AAAA",
        "HOSTS": "git.example.com ssh-ed25519 AAAA",
    }
    assert "  - {secretRef: deploy, key: TOKEN}\n" in done.out
    assert "  - {secretRef: deploy, key: known-hosts, envVar: KNOWN_HOSTS}\n" in done.out
    assert "'known-hosts' cannot be the name of a variable" in done.err
    for value in (VALUE, "from the environment", "AAAA"):
        assert value not in done.out + done.err
    again = c8s(
        "secret", "create", "deploy", "-n", control_namespace,
        "--from-stdin", "TOKEN", "-o", "json", stdin=VALUE.encode(),
    )  # fmt: skip
    told = json.loads(again.out)
    assert (told["changed"], told["keys"]) == (
        False,
        ["HOSTS", "OTHER", "TOKEN", "USER_KEY", "known-hosts"],
    )


def test_a_literal_works_and_warns(c8s: Command, control: Client, control_namespace: str) -> None:
    place = ("-n", control_namespace)
    done = c8s("secret", "create", "deploy", *place, "--from-literal", f"TOKEN={VALUE}=x")
    assert done.code == 0
    assert "warning: --from-literal is seen by everybody" in done.err
    assert values(control, control_namespace, "deploy") == {"TOKEN": f"{VALUE}=x"}
    done = c8s("secret", "create", "deploy", *place, "--from-literal", f"B={VALUE}", "--purge")
    assert "added B; removed TOKEN" in done.err
    assert values(control, control_namespace, "deploy") == {"B": VALUE}


def test_a_prompt_shows_nothing(c8s: Command, control: Client, control_namespace: str) -> None:
    ours, theirs = pty.openpty()
    words = ["secret", "create", "deploy", "-n", control_namespace, "--from-prompt", "TOKEN"]
    with subprocess.Popen(
        [PROGRAM, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=c8s.environment,
        cwd=c8s.folder,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    ) as process:
        os.close(theirs)
        shown = b""
        while b"Value of TOKEN: " not in shown:
            shown += os.read(ours, 4096)
        os.write(ours, f"{VALUE}\n".encode())
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:  # So Linux says that the other end is closed.
            os.close(ours)
        assert process.wait(60) == 0, shown.decode()
    assert VALUE not in shown.decode()
    assert values(control, control_namespace, "deploy") == {"TOKEN": VALUE}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "say where its values come from"),
        (("--from-prompt", "A"), 2, "there is no terminal to ask on"),
        (("--from-literal", VALUE), 2, "number 1 is not of the form KEY=VALUE"),
        (("--from-literal", "A=tiny"), 2, "value of key 'A' is shorter than 6 bytes"),
        (("--from-env", "A=NOT_SET"), 2, "has no variable 'NOT_SET'"),
        (("--from-file", "A=b", "--from-file", "A=c"), 2, "key 'A' is given twice"),
        (("--from-env", "A=HOME", "--context", "gone"), 2, "contexts has no 'gone'"),
        (("--from-env", "A=HOME", "--kubeconfig", "gone"), 3, "there is no kubeconfig gone"),
    ],
)
def test_what_cannot_be_is_said(
    c8s: Command, control_namespace: str, words: tuple[str, ...], code: int, said: str
) -> None:
    done = c8s("secret", "create", "deploy", "-n", control_namespace, *words)
    assert (done.code, done.out) == (code, "")
    assert said in " ".join(done.err.split())
    assert VALUE not in done.err


def test_who_may_not_is_told(
    c8s: Command, control_plane: Cluster, control_namespace: str, tmp_path: Path
) -> None:
    path = kubeconfig_with_rights(control_plane, control_namespace, "nobody", [], tmp_path / "k")
    user = c8s.with_kubeconfig(path)
    done = user("secret", "create", "deploy", "--from-env", "HOME")
    assert done.code == 4
    assert 'cannot get resource "secrets"' in done.err
    assert user("get", "secrets").code == 4


def test_names_and_keys_are_listed(c8s: Command, control: Client, control_namespace: str) -> None:
    place = ("-n", control_namespace)
    assert "No secrets found" in c8s("get", "secrets", *place).err
    for name in ("b", "a"):
        assert not c8s("secret", "create", name, *place, "--from-stdin", "K", stdin=b"1234567").code
    theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"}}
    Resources(control).create(theirs, control_namespace)
    assert c8s("get", "secrets", *place, "-o", "name").out == "a\nb\n"
    listed = c8s("get", "secrets", *place).out.splitlines()
    assert [line.split()[:2] for line in listed] == [["NAME", "KEYS"], ["a", "K"], ["b", "K"]]
    found = json.loads(c8s("get", "secrets", "theirs", *place, "-o", "json").out)
    assert (found["managed"], found["keys"]) == (False, [])
    everything = json.loads(c8s("get", "secrets", *place, "-o", "json").out)
    assert [secret["name"] for secret in everything["items"]] == ["a", "b"]
    assert c8s("get", "secrets", "gone", *place).code == 3
