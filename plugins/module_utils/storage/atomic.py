"""Files that are whole or not there, whatever is killed in between."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pathlib
import secrets
from collections.abc import Iterator
from typing import IO, Any

from ..core.errors import C8sError, Denied, NotFound, Unavailable

BLOCK = 1 << 20
"""Bytes that are read at one time."""


@contextlib.contextmanager
def explained(path: pathlib.Path) -> Iterator[None]:
    """Turn what the file system says into an error that names the place and what to do."""
    try:
        yield
    except OSError as error:
        raise file_error(error, path) from error


def file_error(error: OSError, path: pathlib.Path) -> C8sError:
    """The error of the tree for what the file system said of `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable(f"no space is left for {path}; make room there and call again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Denied(f"{path} may not be written ({error.strerror}); choose another store")
    if error.errno == errno.ENOENT:
        return NotFound(f"{path} does not exist")
    return Unavailable(f"{path}: {error.strerror or error}")


def write(path: pathlib.Path, content: bytes, *, durable: bool = True) -> None:
    """Replace the file in one move; `durable`: have it on the disk before returning.

    Without that a killed process still leaves the file whole, and only a power cut may bring
    back the one before.
    """
    with explained(path):
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with _opened(draft) as stream:
                stream.write(content)
                if durable:
                    stream.flush()
                    os.fsync(stream.fileno())
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise


def create(path: pathlib.Path, content: bytes) -> bool:
    """Make the file with all of its content; False, and nothing done, where it exists."""
    with explained(path):
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with _opened(draft) as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.link(draft, path)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
    return True


def _opened(draft: pathlib.Path) -> IO[bytes]:
    """A new file; most often its folder is there already."""
    try:
        return open(draft, "xb")
    except FileNotFoundError:
        draft.parent.mkdir(parents=True, exist_ok=True)
        return open(draft, "xb")


def read_json(path: pathlib.Path) -> Any:
    """The value in the file; NotFound without one, Unavailable where it is no JSON."""
    with explained(path):
        content = path.read_bytes()
    try:
        return json.loads(content)
    except ValueError as error:
        raise Unavailable(f"{path} is damaged: {error}") from error


def to_json(value: Any) -> bytes:
    """As stores write it: in one line, which the encoder does many times faster."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
