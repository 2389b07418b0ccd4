"""The clone of a step's pod, with credentials that only it ever sees."""

from __future__ import annotations

import os
import pathlib
import pwd
import shlex
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Denied, Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.forges import checkout
from ansible_collections.c8s.ci.plugins.module_utils.forges.repository import (
    Repository,
    check_commit,
    repository,
)

CREDENTIALS = pathlib.Path("/credentials")
AUTHORITIES = pathlib.Path("/authorities/ca.crt")
SYSTEM_AUTHORITIES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
PRIVATE = pathlib.Path("/tmp/c8s-clone")
# The volume belongs to root and its group; git would not trust a folder for that.
TRUSTING = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}


def clone_into(workspace: pathlib.Path, wanted: dict[str, Any]) -> None:
    """Fill `workspace` (an empty folder) as `wanted` says.

    The credentials lie in a folder of this container's own temporary file system while git runs;
    git asks for them by programs, so that they are on no command line. Raises C8sError.
    """
    source = repository(wanted["repository"], allow_file=False)
    PRIVATE.mkdir(mode=0o700, exist_ok=True)
    try:
        environment = {**TRUSTING, **credentials(), **authorities()}
        _clone(checkout.Git(environment, transports="https:ssh"), source, workspace, wanted)
    finally:
        for left in PRIVATE.iterdir():
            left.unlink()
        PRIVATE.rmdir()


def _clone(
    git: checkout.Git, source: Repository, workspace: pathlib.Path, wanted: dict[str, Any]
) -> None:
    what = checkout.Wanted(
        check_commit(wanted["commit"]),
        wanted.get("depth", 0),
        wanted.get("submodules", False),
        wanted.get("lfs", False),
        tuple(wanted.get("paths", ())),
    )
    try:
        checkout.clone(git, source, workspace, what)
    except Unavailable as error:
        if "terminal prompts disabled" not in str(error):
            raise
        raise Denied(
            f"{source.url} asks for credentials and there are none; put `username` and `password`,"
            " or `token`, into a Secret of this namespace and name it as the clone secret"
        ) from error


def credentials() -> dict[str, str]:
    """The environment that makes git use what the mounted secret holds."""
    if _read("ssh-key"):
        return _ssh()
    password = _read("token") or _read("password")
    if not password:
        return {}
    answer = PRIVATE / "askpass"
    user = _read("username") or "x-access-token"
    answer.write_text(
        "#!/bin/sh\n"
        f'case "$1" in Username*) printf %s {shlex.quote(user)};;'
        f" *) printf %s {shlex.quote(password)};; esac\n"
    )
    answer.chmod(0o700)
    return {"GIT_ASKPASS": str(answer)}


def _ssh() -> dict[str, str]:
    key, hosts = PRIVATE / "key", PRIVATE / "known_hosts"
    key.touch(mode=0o600)
    key.write_text(_read("ssh-key").rstrip("\n") + "\n")
    hosts.write_text(_read("known-hosts"))
    options = [
        "ssh", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
        "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={hosts}",
    ]  # fmt: skip
    return {"GIT_SSH_COMMAND": shlex.join(options), **_account()}


def _account() -> dict[str, str]:
    """The environment that gives this process's user a name: ssh runs for no one without."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        accounts = PRIVATE / "passwd"
        accounts.write_text(f"c8s:x:{os.getuid()}:{os.getgid()}::/tmp:/bin/sh\n")
        return {
            "LD_PRELOAD": "libnss_wrapper.so",
            "NSS_WRAPPER_PASSWD": str(accounts),
            "NSS_WRAPPER_GROUP": "/etc/group",
        }
    return {}


def authorities() -> dict[str, str]:
    """The environment that makes git trust a private authority beside the usual ones."""
    if not AUTHORITIES.exists():
        return {}
    usual = SYSTEM_AUTHORITIES.read_bytes() if SYSTEM_AUTHORITIES.exists() else b""
    both = PRIVATE / "authorities.crt"
    both.write_bytes(usual + b"\n" + AUTHORITIES.read_bytes())
    return {"GIT_SSL_CAINFO": str(both), "SSL_CERT_FILE": os.fspath(both)}


def _read(key: str) -> str:
    """A value of the mounted secret, without the line end that editors leave."""
    path = CREDENTIALS / key
    return path.read_text().strip() if path.exists() else ""
