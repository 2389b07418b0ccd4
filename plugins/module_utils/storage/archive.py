"""Folders as tar streams, and back without trusting a single member."""

from __future__ import annotations

import io
import os
import pathlib
import shutil
import tarfile
from collections.abc import Iterable
from typing import IO, Protocol, cast

from ..core.errors import InvalidInput, Unavailable

_TEXT_SAMPLE = 8192
MEMBER_LIMIT = 1_000_000


class Writable(Protocol):
    """Where an archive goes, from its beginning to its end."""

    def write(self, content: bytes, /) -> int: ...


def pack(root: pathlib.Path, paths: Iterable[pathlib.Path], stream: Writable) -> int:
    """Write the files (relative to `root`) as a tar to `stream`; how many there were."""
    found = members(root, paths)
    write(root, found, stream)
    return len(found)


def members(root: pathlib.Path, paths: Iterable[pathlib.Path]) -> list[tarfile.TarInfo]:
    """What an archive of these files (relative to `root`) holds: files and links, nothing else."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(), mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in paths:
            try:
                member = archive.gettarinfo(str(root / path), arcname=str(path))
            except FileNotFoundError:
                continue  # It has gone since it was found.
            if member is not None and member.islnk():  # a second name of a file: pack it again
                member.type, member.linkname = tarfile.REGTYPE, ""
                member.size = (root / path).stat().st_size
            if member is None or not (member.isreg() or member.issym()):
                continue
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            found.append(member)
    return found


def packed_size(found: Iterable[tarfile.TarInfo]) -> int:
    """How many bytes `write` gives for them, whatever is in the files by then."""
    size = 2 * tarfile.BLOCKSIZE
    for member in found:
        size += len(member.tobuf(tarfile.PAX_FORMAT, tarfile.ENCODING, "surrogateescape"))
        size += -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE if member.isreg() else 0
    return -(-size // tarfile.RECORDSIZE) * tarfile.RECORDSIZE


def write(root: pathlib.Path, found: Iterable[tarfile.TarInfo], stream: Writable) -> None:
    """Write an archive of these to `stream`, of each file as many bytes as it had.

    Raises Unavailable where a file has become shorter meanwhile, or has gone.
    """
    try:
        with tarfile.open(
            fileobj=cast(IO[bytes], stream), mode="w|", format=tarfile.PAX_FORMAT
        ) as archive:
            for member in found:
                if member.isreg():
                    with open(root / member.name, "rb") as content:
                        archive.addfile(member, content)
                else:
                    archive.addfile(member)
    except OSError as error:
        if "end of data" not in str(error) and not isinstance(error, FileNotFoundError):
            raise
        raise Unavailable(f"a file below {root} has changed while it was packed") from error


def is_text(path: pathlib.Path) -> bool:
    """Whether a file holds text, as far as its beginning tells; no link does."""
    if path.is_symlink() or not path.is_file():
        return False
    with open(path, "rb") as stream:
        return b"\0" not in stream.read(_TEXT_SAMPLE)


def unpack(
    stream: IO[bytes],
    root: pathlib.Path,
    *,
    size_limit: int | None = None,
    links_out: bool = False,
) -> int:
    """Extract a tar below `root`; how many members there were.

    Raises InvalidInput for members that would leave `root` (absolute, `..`, through a link), that
    are devices or hard links, and for archives of too many or too large members. Links that point
    out of `root` are refused too, unless `links_out`: in a sandbox they are harmless, and a cached
    environment needs them.
    """
    count = size = 0
    real_root = os.path.realpath(root)
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as archive:
            for member in archive:
                count += 1
                size += member.size
                if count > MEMBER_LIMIT or (size_limit is not None and size > size_limit):
                    raise InvalidInput("the archive holds more than is allowed; it is not used")
                place = _place(member, real_root, links_out=links_out)
                _extract(archive, member, place)
    except tarfile.TarError as error:
        raise InvalidInput(f"the archive is damaged: {error}") from error
    return count


def _place(member: tarfile.TarInfo, real_root: str, *, links_out: bool) -> str:
    """Where a member goes; InvalidInput where that is not truly below the root."""
    parts = pathlib.PurePosixPath(member.name).parts
    if member.name.startswith("/") or ".." in parts or "\0" in member.name:
        raise InvalidInput(f"the archive is refused: {member.name!r} leads out of its folder")
    if not (member.isreg() or member.isdir() or member.issym()):
        raise InvalidInput(f"the archive is refused: {member.name!r} is no file, folder or link")
    place = os.path.join(real_root, *parts)
    parent = os.path.dirname(place) if parts else real_root
    if not _is_below(os.path.realpath(parent), real_root):
        raise InvalidInput(f"the archive is refused: {member.name!r} goes through a link")
    target = os.path.realpath(os.path.join(parent, member.linkname)) if member.issym() else parent
    if not links_out and not _is_below(target, real_root):
        raise InvalidInput(f"the archive is refused: link {member.name!r} leads out of its folder")
    return place


def _is_below(path: str, real_root: str) -> bool:
    return path == real_root or path.startswith(real_root.rstrip(os.sep) + os.sep)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, place: str) -> None:
    if member.isdir():
        os.makedirs(place, exist_ok=True)
        return
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if os.path.lexists(place) and not (os.path.isdir(place) and not os.path.islink(place)):
        os.unlink(place)
    if member.issym():
        os.symlink(member.linkname, place)
        return
    content = archive.extractfile(member)
    if content is None:
        raise InvalidInput(f"the archive is damaged: {member.name!r} has no content")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(place, flags, 0o600), "wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
    os.chmod(place, (member.mode & 0o755) | 0o600)
    os.utime(place, (member.mtime, member.mtime))
