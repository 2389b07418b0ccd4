"""Logs as they are handed out: as lines in a result, or as a file."""

from __future__ import annotations

import collections
import filecmp
import os
import pathlib
import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from ...core.errors import InvalidInput
from ...storage import atomic
from .log_extract import Extract

LIMIT = 1024 * 1024


def texts(extract: Extract) -> dict[str, Any]:
    """The `lines` of a log, and whether it is `truncated` to the last 1 MiB of them."""
    kept: collections.deque[bytes] = collections.deque()
    size = 0
    truncated = False
    for line in extract.lines():
        kept.append(line[-LIMIT:])
        size += len(kept[-1])
        while size > LIMIT:
            size -= len(kept.popleft())
            truncated = True
    lines = [line.rstrip(b"\r\n").decode(errors="replace") for line in kept]
    return {"lines": lines, "truncated": truncated}


class Draft:
    """Logs written to a file in `folder`, to take the place of `target`; gone with the context.

    One log is written as it is, several of them each behind a line that names it. Raises
    InvalidInput where there cannot be a file at the target.
    """

    def __init__(self, extracts: Sequence[Extract], target: str, folder: str) -> None:
        self._extracts = extracts
        self._target = pathlib.Path(target)
        self._folder = folder
        if self._target.is_dir() or not self._target.parent.is_dir():
            raise InvalidInput(f"dest: {target!r} is a folder, or is in none that exists")
        self.path = ""
        self.size = 0

    def __enter__(self) -> Draft:
        with atomic.explained(pathlib.Path(self._folder)):
            descriptor, self.path = tempfile.mkstemp(prefix="c8s-logs-", dir=self._folder)
            with open(descriptor, "wb") as stream:
                for extract in self._extracts:
                    if len(self._extracts) > 1:
                        stream.write(f"==> {extract.run}/{extract.step} <==\n".encode())
                    stream.writelines(extract.lines())
            self.size = os.path.getsize(self.path)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        pathlib.Path(self.path).unlink(missing_ok=True)

    def differs(self) -> bool:
        """Whether the target is not there, or holds something else."""
        return not self._target.is_file() or not filecmp.cmp(self.path, self._target, shallow=False)

    def difference(self) -> dict[str, str]:
        """Both contents for a diff; of large files only the sizes."""
        return {
            "before_header": str(self._target),
            "after_header": str(self._target),
            "before": _shown(self._target),
            "after": _shown(pathlib.Path(self.path)),
        }


def _shown(path: pathlib.Path) -> str:
    if not path.is_file():
        return ""
    size = path.stat().st_size
    if size > LIMIT:
        return f"{size} bytes\n"
    return path.read_bytes().decode(errors="replace")
