"""An image as one file, in the form of `docker save`."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

from kube.errors import ClusterError
from kube.images import Image
from kube.layer import Layer


def write(file: Path, name: str, image: Image) -> None:
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


def read(file: Path, into: Path) -> Image:
    """The one image in `file`; its layers are unpacked into the folder `into`."""
    with tarfile.open(file) as tar:
        manifests = _load(tar, "manifest.json", file)
        if len(manifests) != 1:
            raise ClusterError(f"{file} holds {len(manifests)} images, and one is needed")
        start: dict[str, Any] = _load(tar, manifests[0]["Config"], file).get("config") or {}
        layers = []
        for number, name in enumerate(manifests[0]["Layers"]):
            layer = into / f"{number}.tar"
            source = tar.extractfile(name)
            if source is None:
                raise ClusterError(f"{file}: layer {name} is no file")
            with source, layer.open("wb") as target:
                shutil.copyfileobj(source, target)
            layers.append(Layer.of(layer))
    return Image(
        tuple(layers),
        command=tuple(start.get("Cmd") or ()),
        entrypoint=tuple(start.get("Entrypoint") or ()),
        environment=tuple(start.get("Env") or ()),
        user=start.get("User") or "",
        folder=start.get("WorkingDir") or "",
    )


def _load(tar: tarfile.TarFile, name: str, file: Path) -> Any:
    try:
        source = tar.extractfile(name)
    except KeyError:
        source = None
    if source is None:
        raise ClusterError(f"{file} is no image as `docker save` writes it: it has no {name}")
    with source:
        return json.load(source)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
