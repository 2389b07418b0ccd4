"""An image as one file, in the form that `docker save` writes."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from kube.images import Image


def write_archive(file: Path, name: str, image: Image) -> None:
    """Write `image` under the name `name`, such as docker.io/library/busybox:latest."""
    configuration = json.dumps(image.configuration()).encode()
    configuration_name = f"{hashlib.sha256(configuration).hexdigest()}.json"
    layers = [f"{layer.digest.removeprefix('sha256:')}.tar" for layer in image.layers]
    manifest = [{"Config": configuration_name, "RepoTags": [name], "Layers": layers}]
    with tarfile.open(file, "w") as tar:
        for layer, layer_name in zip(image.layers, layers, strict=True):
            tar.add(layer.file, layer_name)
        _add(tar, configuration_name, configuration)
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
