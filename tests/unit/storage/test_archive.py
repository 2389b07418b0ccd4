"""Folders as tar streams: what goes in comes out, and nothing leaves its folder."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.storage import archive


def packed(root: Path, *names: str) -> io.BytesIO:
    stream = io.BytesIO()
    archive.pack(root, [Path(name) for name in names], stream)
    stream.seek(0)
    return stream


def handmade(*members: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as made:
        for member, content in members:
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    stream.seek(0)
    return stream


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


def test_files_links_and_modes_survive(tmp_path: Path) -> None:
    origin, target = tmp_path / "a", tmp_path / "b"
    (origin / "deep").mkdir(parents=True)
    target.mkdir()
    (origin / "deep/tool").write_bytes(b"\0binary")
    (origin / "deep/tool").chmod(0o755)
    os.link(origin / "deep/tool", origin / "twin")
    (origin / "link").symlink_to("deep/tool")
    assert archive.unpack(packed(origin, "deep/tool", "twin", "link"), target) == 3
    assert (target / "deep/tool").read_bytes() == b"\0binary"
    assert (target / "deep/tool").stat().st_mode & 0o777 == 0o755
    assert (target / "twin").read_bytes() == b"\0binary"
    assert os.readlink(target / "link") == "deep/tool"


@pytest.mark.parametrize(
    "member",
    [
        entry("../out"),
        entry("/etc/out"),
        entry("a/../../out"),
        entry("pipe", tarfile.FIFOTYPE),
        entry("device", tarfile.CHRTYPE),
        entry("hard", tarfile.LNKTYPE, "../../etc/passwd"),
        entry("soft", tarfile.SYMTYPE, "/etc/passwd"),
        entry("soft", tarfile.SYMTYPE, "../../secret"),
    ],
)
def test_members_that_lead_out_are_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(InvalidInput):
        archive.unpack(handmade((member, b"")), root)
    assert list(root.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    trap = entry("x", tarfile.SYMTYPE, str(outside))
    with pytest.raises(InvalidInput, match="goes through a link"):
        archive.unpack(handmade((trap, b""), (entry("x/file"), b"hi")), root, links_out=True)
    assert list(outside.iterdir()) == []


def test_a_file_in_the_place_of_a_link_replaces_it(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.write_text("untouched")
    (root / "x").symlink_to(outside)
    archive.unpack(handmade((entry("x"), b"new")), root)
    assert outside.read_text() == "untouched"
    assert (root / "x").read_text() == "new"


def test_too_much_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="more than is allowed"):
        archive.unpack(handmade((entry("x"), b"12345")), tmp_path, size_limit=4)


@pytest.mark.parametrize("content", [b"no tar at all", b"\x1f\x8b broken", b""])
def test_what_is_no_archive_is_said(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InvalidInput, match="damaged"):
        archive.unpack(io.BytesIO(content), tmp_path)
