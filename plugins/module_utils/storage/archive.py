"""Folders as tar streams, and back without trusting a single member."""

from __future__ import annotations

import pathlib
import tarfile
from collections.abc import Iterable
from typing import IO

from ..core.errors import InvalidInput

MEMBER_LIMIT = 1_000_000


def pack(root: pathlib.Path, paths: Iterable[pathlib.Path], stream: IO[bytes]) -> int:
    """Write the files (relative to `root`) as a tar to `stream`; how many there were."""
    count = 0
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path in paths:
            member = archive.gettarinfo(str(root / path), arcname=str(path))
            if member is None or not (member.isreg() or member.issym()):
                continue
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            if member.isreg():
                with open(root / path, "rb") as content:
                    archive.addfile(member, content)
            else:
                archive.addfile(member)
            count += 1
    return count


def unpack(stream: IO[bytes], root: pathlib.Path, *, size_limit: int | None = None) -> int:
    """Extract a tar below `root`; how many members there were.

    Raises InvalidInput for members that would leave `root` (absolute, `..`, links that lead out),
    that are devices, and for archives of too many or too large members.
    """
    count = size = 0
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as archive:
            for member in archive:
                count += 1
                size += member.size
                if count > MEMBER_LIMIT or (size_limit is not None and size > size_limit):
                    raise InvalidInput("the archive holds more than is allowed; it is not used")
                archive.extract(member, root, filter="data")
    except tarfile.FilterError as error:
        raise InvalidInput(f"the archive is refused: {error}") from error
    except tarfile.TarError as error:
        raise InvalidInput(f"the archive is damaged: {error}") from error
    return count
