"""One image layer: a tar file made of Debian packages and of files of our own."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from kube import cache, debian

# Part of each layer's key, as it was when this process began.
MAKER = Path(__file__).read_bytes()
# Left out of every image: nothing in a test reads it.
UNREAD = ("usr/share/doc/", "usr/share/man/", "usr/share/locale/", "usr/share/lintian/")
# What Debian's own scripts would have made into links on a merged /usr.
MERGED = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")


@dataclass(frozen=True, slots=True)
class Layer:
    """A tar file and the digest that names it, such as `sha256:...`."""

    file: Path
    digest: str

    @classmethod
    def of(cls, file: Path) -> Layer:
        """The layer that an uncompressed tar file of a root folder is."""
        with file.open("rb") as stream:
            return cls(file, f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}")

    @classmethod
    def of_program(cls, program: Path) -> Layer:
        """The layer that holds one static program at the root."""

        def make(into: Path) -> None:
            with tarfile.open(into / "layer.tar", "w") as tar:
                tar.add(program, program.name, filter=_plain)

        folder = cache.made(cache.folder("layers") / program.parent.name, make)
        return cls.of(folder / "layer.tar")


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a layer. Packages come with all they depend on, less `without`."""

    packages: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    files: tuple[tuple[str, str, int], ...] = ()  # path, text, mode
    links: tuple[tuple[str, str], ...] = ()  # path, target
    folders: tuple[str, ...] = ()
    alone: bool = False  # the packages without what they depend on
    above: Contents | None = None  # the layer below: its packages are not packed again

    def layer(self) -> Layer:
        """The layer, made in the cache when it isn't there yet."""
        recipe = json.dumps(asdict(self), sort_keys=True).encode() + MAKER
        key = hashlib.sha256(recipe).hexdigest()[:16]
        folder = cache.made(cache.folder("layers") / key, self._make)
        return Layer(folder / "layer.tar", (folder / "digest").read_text())

    def _make(self, into: Path) -> None:
        file = into / "layer.tar"
        with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as tar:
            root = _Root(tar)
            for name in self.folders:
                root.folder(name)
            # Ours first: what a package brings of the same name stays out.
            for name, text, mode in self.files:
                root.file(name, text.encode(), mode)
            for name, target in self.links:
                root.link(name, target)
            for deb in self._debs():
                with debian.unpacked(deb) as tree:
                    root.tree(tree)
        (into / "digest").write_text(Layer.of(file).digest)

    def _debs(self) -> Iterable[Path]:
        if not self.packages:
            return ()
        debs = debian.closure(self.packages, self.without)
        if self.alone:
            return [deb for deb in debs if deb.name.split("_")[0] in self.packages]
        below = set(self.above._debs()) if self.above else set()
        return [deb for deb in debs if deb not in below]


class _Root:
    """A root folder on its way into a tar: merged /usr, every path once."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._seen: set[str] = set()
        self._certificates: list[bytes] = []

    def folder(self, name: str) -> None:
        self._parents(f"{name}/x")
        self._tar_folder(name, 0o1777 if name in ("tmp", "var/tmp") else 0o755)

    def file(self, name: str, data: bytes, mode: int) -> None:
        self._parents(name)
        self._seen.add(name)
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), mode
        self._tar.addfile(member, io.BytesIO(data))

    def link(self, name: str, target: str) -> None:
        self._parents(name)
        self._seen.add(name)
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, target, 0o777
        self._tar.addfile(member)

    def tree(self, tree: tarfile.TarFile) -> None:
        """Add a package. Its root certificates are also gathered into the one bundle."""
        for member in tree:
            name = _merged(member.name.removeprefix("./"))
            if name in (".", *MERGED) or f"{name}/".startswith(UNREAD):
                continue
            if member.isdir():
                self._parents(f"{name}/x")
                continue
            data = tree.extractfile(member) if member.isreg() else None
            if name.startswith("usr/share/ca-certificates/") and data is not None:
                self._certificates.append(data.read())
                continue
            if name in self._seen:
                continue
            self._seen.add(name)
            self._parents(name)
            member.name, member.uname, member.gname = name, "", ""
            if member.islnk():
                member.linkname = _merged(member.linkname.removeprefix("./"))
            self._tar.addfile(member, data)
        if self._certificates:
            self.file("etc/ssl/certs/ca-certificates.crt", b"".join(self._certificates), 0o644)
            self._certificates.clear()

    def _parents(self, name: str) -> None:
        parts = name.split("/")[:-1]
        for end in range(1, len(parts) + 1):
            parent = "/".join(parts[:end])
            if parent not in self._seen:
                self._tar_folder(parent, 0o755)

    def _tar_folder(self, name: str, mode: int) -> None:
        if name in self._seen or name in MERGED:
            return
        self._seen.add(name)
        member = tarfile.TarInfo(name)
        member.type, member.mode = tarfile.DIRTYPE, mode
        self._tar.addfile(member)


def _merged(name: str) -> str:
    return f"usr/{name}" if name.split("/")[0] in MERGED else name


def merged_links(
    names: Sequence[str] = ("bin", "sbin", "lib", "lib64"),
) -> tuple[tuple[str, str], ...]:
    """The links of a merged /usr, for the lowest layer of an image."""
    return tuple((name, f"usr/{name}") for name in names)
