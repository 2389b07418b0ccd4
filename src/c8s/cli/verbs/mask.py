"""`c8s mask`: take secrets out of whatever flows through."""

from __future__ import annotations

import json
import os
import pathlib
import sys
from typing import Annotated

import typer
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput

from ..secrets_file import read_secret

EXAMPLES = """\
  make deploy 2>&1 | c8s mask --secrets-file ~/.secrets
  c8s mask --secrets-file <(pass show ci) < old.log > clean.log
"""

_READ_SIZE = 256 * 1024


def mask(
    secrets_file: Annotated[
        pathlib.Path,
        typer.Option(
            "--secrets-file", metavar="FILE", help="One value on each line, or a JSON list of them"
        ),
    ],
) -> None:
    """Copy stdin to stdout, with secrets replaced by ***REDACTED***.

    Finds each value as it is and as it is usually encoded (base64, hex, JSON, URL
    and shell quoting), also where it arrives in pieces. Everything else passes as
    it is, at once but for what may still become part of a secret.
    """
    from ansible_collections.c8s.ci.plugins.module_utils.masking.masker import Masker

    masker = Masker(_values(secrets_file))
    source, target = sys.stdin.fileno(), sys.stdout.buffer
    try:
        while piece := os.read(source, _READ_SIZE):
            target.write(masker.feed(piece))
            target.flush()
    finally:
        # Also when interrupted: what is held back is masked by now, or was no secret.
        target.write(masker.finish())
        target.flush()


def _values(file: pathlib.Path) -> dict[str, bytes]:
    """The values by what messages call them."""
    content = read_secret(file)
    if content.strip().startswith(b"[") and content.strip().endswith(b"]"):
        return _listed(content, file)
    lines = [line.rstrip(b"\r") for line in content.split(b"\n")]
    values = {f"line {number} of {file}": line for number, line in enumerate(lines, 1) if line}
    if not values:
        raise InvalidInput(f"{file} holds no value, so nothing would be masked")
    return values


def _listed(content: bytes, file: pathlib.Path) -> dict[str, bytes]:
    try:
        values = json.loads(content)
    except ValueError:
        raise InvalidInput(
            f"{file} begins and ends as a JSON list and is none; write a value in brackets as"
            ' ["[value]"]'
        ) from None
    wrong = [number for number, value in enumerate(values, 1) if not isinstance(value, str)]
    if wrong:
        raise InvalidInput(f"{file}: item {wrong[0]} is no text; put it in quotes")
    return {
        f"item {number} of {file}": value.encode(errors="surrogatepass")
        for number, value in enumerate(values, 1)
    }
