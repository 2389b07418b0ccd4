"""The pipeline file that a verb is about."""

from __future__ import annotations

import pathlib
import sys

from ansible_collections.c8s.ci.plugins.module_utils.core.errors import NotFound
from ansible_collections.c8s.ci.plugins.module_utils.storage.input_file import (
    SIZE_LIMIT,
    input_file,
)

FILE_NAME = ".c8s.yaml"
DEFAULT = pathlib.Path(FILE_NAME)
STDIN = pathlib.Path("-")


def place(file: pathlib.Path) -> pathlib.Path:
    """Where the file is: a folder stands for the `.c8s.yaml` in it."""
    return file / FILE_NAME if file.is_dir() else file


def read(file: pathlib.Path) -> bytes:
    """What is in it; `-` is stdin. Raises NotFound, Denied, or InvalidInput for no file at all."""
    if file == STDIN:
        return sys.stdin.buffer.read(SIZE_LIMIT)
    if file == DEFAULT and not file.exists():
        raise NotFound(f"there is no {FILE_NAME} in {pathlib.Path.cwd()}; name the file")
    return input_file(place(file))


def label(file: pathlib.Path) -> str:
    """How messages call it."""
    return "stdin" if file == STDIN else str(place(file))
