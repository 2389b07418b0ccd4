"""What Python makes of its sources at the first start, put into an image beside them."""

from __future__ import annotations

import importlib.util
import io
import py_compile
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from kube import cache
from kube.layer import Layer

VERSION = (3, 11)
"""The Python of the images. Where the tests run on another one its programs start slower."""
_MEMBERS = ("usr/lib/python3.11/", "usr/lib/python3/")


def of_layer(below: Layer) -> Layer:
    """The bytecode of the standard library and the packages in a layer, made once."""

    def make(into: Path) -> None:
        with tarfile.open(below.file) as sources, tarfile.open(into / "layer.tar", "w") as tar:
            wanted = (
                (member.name, stream.read())
                for member in sources
                if member.isreg() and member.name.endswith(".py")
                if member.name.startswith(_MEMBERS)
                if (stream := sources.extractfile(member)) is not None
            )
            add(tar, wanted)

    digest = below.digest.removeprefix("sha256:")[:16]
    name = f"bytecode-{sys.implementation.cache_tag}-{digest}"
    return Layer.of(cache.made(cache.folder("layers") / name, make) / "layer.tar")


def add(tar: tarfile.TarFile, sources: Iterable[tuple[str, bytes]]) -> None:
    """Add the bytecode of these sources, by their paths in the image."""
    if sys.version_info[:2] != VERSION:
        return
    with tempfile.TemporaryDirectory() as folder:
        source, compiled = Path(folder, "source.py"), Path(folder, "compiled")
        for name, content in sources:
            source.write_bytes(content)
            try:
                py_compile.compile(
                    str(source),
                    str(compiled),
                    dfile=f"/{name}",
                    doraise=True,
                    # No times are compared: an image has none that mean anything.
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )
            except py_compile.PyCompileError:
                continue  # The library ships some on purpose that are no Python.
            data = compiled.read_bytes()
            member = tarfile.TarInfo(importlib.util.cache_from_source(name))
            member.size, member.mode = len(data), 0o644
            tar.addfile(member, io.BytesIO(data))
