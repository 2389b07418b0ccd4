"""The log of an attempt as readers see it, whole or still growing, on this host or in a store."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, Protocol, cast

from ..core.errors import NotFound
from . import atomic
from .log_parts import LogParts
from .objects import Objects


class StoredLog(Protocol):
    """Every method may raise Unavailable or Denied."""

    pause: float
    """Seconds to leave between two looks at a log that grows."""

    @property
    def url(self) -> str:
        """Where it is looked for, as records name it."""

    def exists(self) -> bool:
        """Whether anything was kept of it."""

    def whole(self) -> bool:
        """Whether, by what is known here, nothing more will come."""

    def read(self, start: int = 0) -> Iterator[bytes]:
        """What it holds from byte `start` on, in pieces; nothing where it is not there."""

    def open(self) -> contextlib.AbstractContextManager[BinaryIO]:
        """It as it is now, to be read from any place. NotFound where it is not there."""


class FileLog:
    """A log in a file."""

    pause = 0.0

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    @property
    def url(self) -> str:
        return self.path.absolute().as_uri()

    def exists(self) -> bool:
        return self.path.exists()

    def whole(self) -> bool:
        """The record of its run, written after it, knows."""
        return True

    def read(self, start: int = 0) -> Iterator[bytes]:
        if not self.path.exists():
            return
        with atomic.explained(self.path), open(self.path, "rb") as stream:
            stream.seek(start)
            while content := stream.read(atomic.BLOCK):
                yield content

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        with atomic.explained(self.path):
            stream = open(self.path, "rb")  # noqa: SIM115
        with stream:
            yield stream


class ObjectLog:
    """A log in an object store: one object once it is whole, before that its parts."""

    pause = 1.0

    def __init__(self, objects: Objects, key: str, parts: str) -> None:
        self._objects = objects
        self._key = key
        self._parts = LogParts(objects, parts)

    @property
    def url(self) -> str:
        return self._objects.url(self._key)

    def exists(self) -> bool:
        # While it becomes whole its parts go: then it is looked for once more.
        return self.whole() or bool(self._parts.starts()) or self.whole()

    def whole(self) -> bool:
        return self._objects.size(self._key) is not None

    def read(self, start: int = 0) -> Iterator[bytes]:
        for _look in range(3):
            try:
                for content in self._objects.read(self._key, start):
                    yield content
                    start += len(content)
                return
            except NotFound:
                pass  # It is not whole yet.
            begun = start
            try:
                for content in self._parts.read(start):
                    yield content
                    start += len(content)
            except NotFound:
                continue  # It became whole meanwhile.
            if start > begun:
                return

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        if not self.exists():
            raise NotFound(f"{self.url} does not exist")
        with tempfile.TemporaryFile() as stream:
            for content in self.read():
                stream.write(content)
            stream.seek(0)
            yield cast(BinaryIO, stream)
