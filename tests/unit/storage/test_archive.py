"""Archives that somebody else may have written."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput, Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.storage.archive import (
    members as members_of,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage.archive import (
    pack,
    packed_size,
    unpack,
    write,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage.selection import select


def archive(*members: tarfile.TarInfo) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as written:
        for member in members:
            written.addfile(member, io.BytesIO(b"x" * member.size))
    stream.seek(0)
    return stream


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0):
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


@pytest.mark.parametrize(
    "members",
    [
        [member("../out", size=1)],
        [member("a/../../out", size=1)],
        [member("link", tarfile.SYMTYPE, "../.."), member("link/out", size=1)],
        [member("link", tarfile.SYMTYPE, "/etc")],
        [member("hard", tarfile.LNKTYPE, "../outside")],
        [member("device", tarfile.CHRTYPE)],
        [member("pipe", tarfile.FIFOTYPE)],
    ],
    ids=lambda members: members[-1].name,
)
def test_members_that_lead_out_are_refused(tmp_path: Path, members: list[tarfile.TarInfo]):
    (tmp_path / "outside").write_text("mine")
    inner = tmp_path / "deep" / "inner"
    inner.mkdir(parents=True)
    with pytest.raises(InvalidInput, match="archive"):
        unpack(archive(*members), inner)
    assert {path.name for path in tmp_path.iterdir()} == {"outside", "deep"}
    assert {path.name for path in inner.parent.iterdir()} == {"inner"}


def test_more_than_is_allowed_is_refused(tmp_path: Path):
    with pytest.raises(InvalidInput, match="more than is allowed"):
        unpack(archive(member("a", size=60), member("b", size=60)), tmp_path, size_limit=100)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b" + b"\0" * 100])
def test_what_is_no_archive_is_told(tmp_path: Path, content: bytes):
    with pytest.raises(InvalidInput, match="archive is damaged"):
        unpack(io.BytesIO(content), tmp_path)


def test_a_cut_archive_is_told(tmp_path: Path):
    whole = archive(member("a", size=5000)).getvalue()
    with pytest.raises(InvalidInput, match="archive is damaged"):
        unpack(io.BytesIO(whole[:2000]), tmp_path)


def test_files_and_links_come_back_as_they_were(tmp_path: Path):
    origin, copy = tmp_path / "origin", tmp_path / "copy"
    (origin / "d").mkdir(parents=True)
    copy.mkdir()
    (origin / "d" / "program").write_bytes(b"\0\xff")
    (origin / "d" / "program").chmod(0o755)
    (origin / "link").symlink_to("d/program")
    stream = io.BytesIO()
    assert pack(origin, [Path("d/program"), Path("link")], stream) == 2
    stream.seek(0)
    assert unpack(stream, copy) == 2
    assert (copy / "link").read_bytes() == b"\0\xff"
    assert (copy / "d" / "program").stat().st_mode & 0o777 == 0o755


def test_the_size_of_an_archive_is_known_before_it_is_written(tmp_path: Path):
    for number, size in enumerate([0, 1, 511, 512, 513, 9000, 70_000]):
        folder = tmp_path / ("deep" * number)
        folder.mkdir(exist_ok=True)
        (folder / f"{'name' * (1 + 12 * (number % 5))}-\u00e4").write_bytes(b"x" * size)
        found = members_of(tmp_path, select(tmp_path, ["*"]))
        written = io.BytesIO()
        write(tmp_path, found, written)
        assert len(written.getvalue()) == packed_size(found)


def test_a_file_that_grows_or_shrinks_while_it_is_packed(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 1000)
    found = members_of(tmp_path, [Path("a")])
    path.write_bytes(b"x" * 2000)
    written = io.BytesIO()
    write(tmp_path, found, written)
    assert len(written.getvalue()) == packed_size(found)
    path.write_bytes(b"x" * 10)
    with pytest.raises(Unavailable, match="changed"):
        write(tmp_path, found, io.BytesIO())


def test_a_file_that_goes_while_it_is_packed(tmp_path: Path):
    for name in ("stays", "goes"):
        (tmp_path / name).write_bytes(b"content")
    found = members_of(tmp_path, [Path("stays"), Path("goes"), Path("gone")])
    assert [member.name for member in found] == ["stays", "goes"]
    (tmp_path / "goes").unlink()
    with pytest.raises(Unavailable, match="has changed"):
        write(tmp_path, found, io.BytesIO())
