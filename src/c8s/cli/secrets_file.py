"""Secret values out of a file, also out of one that ansible-vault has encrypted."""

from __future__ import annotations

import dataclasses
import getpass
import os
import pathlib
import re
import sys
from collections.abc import Mapping
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    InvalidInput,
    NotFound,
    Problem,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage.input_file import input_file

PASSWORD_FILE_VARIABLE = "ANSIBLE_VAULT_PASSWORD_FILE"
_ENCRYPTED = b"$ANSIBLE_VAULT;"
_ENCRYPTED_VALUE = re.compile(rb":\s*!vault\b")


def secret_values(
    file: pathlib.Path | None, password_file: pathlib.Path | None
) -> Mapping[str, Mapping[str, str]]:
    """Secret name -> key -> value; nothing without a file.

    Raises NotFound, Denied, or InvalidInput, none of which shows a value.
    """
    from ansible_collections.c8s.ci.plugins.module_utils.runs.secrets import (
        NO_SECRETS,
        secrets_from,
    )

    if file is None:
        return NO_SECRETS
    content = read_secret(file)
    if content.lstrip().startswith(_ENCRYPTED):
        content = _decrypted(content.strip(), file, password_file)
    elif _ENCRYPTED_VALUE.search(content):
        raise InvalidInput(
            f"{file} holds single values that are encrypted; encrypt the whole file instead, with"
            " 'ansible-vault encrypt'"
        )
    return secrets_from(_parsed(content, str(file)), str(file))


def read_secret(file: pathlib.Path) -> bytes:
    """The bytes of a file that holds secrets; `-` is stdin."""
    return sys.stdin.buffer.read() if str(file) == "-" else input_file(file)


def _parsed(content: bytes, file: str) -> Any:
    """JSON is YAML here. A number or `true` is the text that was written."""
    from ansible_collections.c8s.ci.plugins.module_utils.core.yaml import parse

    try:
        source = parse(content, file)
    except InvalidInput as error:
        raise InvalidInput(*map(_discreet, error.problems)) from None
    if source.problems:
        raise InvalidInput(*map(_discreet, source.problems))
    return source.root


def _discreet(problem: Problem) -> Problem:
    """Only the place of it: what could not be read may be part of a secret."""
    message = "this is no YAML or JSON that can be read"
    return dataclasses.replace(problem, message=message, path="")


def _decrypted(content: bytes, file: pathlib.Path, password_file: pathlib.Path | None) -> bytes:
    from ansible.errors import AnsibleError
    from ansible.parsing.vault import VaultLib

    try:
        vault = VaultLib([("default", _vault_secret(file, password_file))])
        decrypted: bytes = vault.decrypt(content)
    except AnsibleError as error:
        raise InvalidInput(f"{file} cannot be decrypted: {error}") from error
    return decrypted


def _vault_secret(file: pathlib.Path, password_file: pathlib.Path | None) -> Any:
    """The vault's password: out of a file or a program, else asked for."""
    from ansible.parsing.dataloader import DataLoader
    from ansible.parsing.vault import VaultSecret, get_file_vault_secret

    place = password_file or os.environ.get(PASSWORD_FILE_VARIABLE)
    if place:
        path = pathlib.Path(place).expanduser()
        if not path.exists():
            raise NotFound(f"there is no file {str(path)!r} with the vault's password")
        secret = get_file_vault_secret(str(path), loader=DataLoader())
        secret.load()
        return secret
    if not sys.stdin.isatty():
        raise InvalidInput(
            f"{file} is encrypted; give --vault-password-file or set {PASSWORD_FILE_VARIABLE}"
        )
    return VaultSecret(getpass.getpass(f"Vault password for {file}: ").encode())
