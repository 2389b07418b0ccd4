"""Objects as files below a folder of this host."""

from __future__ import annotations

import os
import pathlib
import secrets
import shutil
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from ..core.errors import InvalidInput
from . import atomic
from .objects import READ_SIZE, Access, StoredObject


class FileObjects:
    """The object store of those who have none; see `objects.Objects`."""

    authorities = ""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root.expanduser().absolute()

    def check(self) -> None:
        """A folder is made when first written to."""

    def url(self, key: str) -> str:
        return self._path(key).as_uri()

    def key(self, url: str) -> str | None:
        parts = urllib.parse.urlsplit(url)
        path = pathlib.Path(urllib.parse.unquote(parts.path))
        if parts.scheme != "file" or not path.is_relative_to(self.root):
            return None
        return str(path.relative_to(self.root))

    def put(self, key: str, content: bytes) -> None:
        atomic.write(self._path(key), content, durable=False)

    def put_file(self, key: str, file: BinaryIO) -> None:
        path = self._path(key)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with atomic.explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                file.seek(0)
                with open(draft, "xb") as stream:
                    shutil.copyfileobj(file, stream, READ_SIZE)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)

    def get(self, key: str) -> bytes:
        with atomic.explained(self._path(key)):
            return self._path(key).read_bytes()

    def read(self, key: str, start: int = 0) -> Iterator[bytes]:
        path = self._path(key)
        with atomic.explained(path), open(path, "rb") as stream:
            stream.seek(start)
            while content := stream.read(READ_SIZE):
                yield content

    def size(self, key: str) -> int | None:
        path = self._path(key)
        return path.stat().st_size if path.is_file() else None

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        folder = self.root / os.path.dirname(prefix)
        paths = [path for path in folder.rglob("*") if path.is_file()]
        found = {str(path.relative_to(self.root)): path for path in paths}
        for key in sorted(found):
            if key.startswith(prefix) and not found[key].name.startswith("."):
                yield StoredObject(key, found[key].stat().st_size)

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            with atomic.explained(self._path(key)):
                self._path(key).unlink(missing_ok=True)

    def signed(self, access: Access, key: str, seconds: int) -> str | None:
        return None

    def _path(self, key: str) -> pathlib.Path:
        if not key or key.startswith("/") or ".." in pathlib.PurePosixPath(key).parts:
            raise InvalidInput(f"{key[:80]!r} cannot be the key of an object")
        return self.root / key
