"""Images: made of packages and files, written, read and pushed."""

from __future__ import annotations

import secrets
import tarfile
from pathlib import Path

import pytest

from kube import archive, images
from kube.cluster import Cluster
from kube.debian import tools
from kube.errors import ClusterError
from kube.images import Image
from kube.jobs import job, run
from kube.layer import Contents, Layer


def test_a_shipped_image_holds_each_path_once_on_a_merged_usr() -> None:
    for name, image in images.shipped().items():
        for layer in image.layers:
            with tarfile.open(layer.file) as tar:
                members = tar.getmembers()
            paths = [member.name for member in members]
            assert len(paths) == len(set(paths)), name
            assert not [each.name for each in members if each.name == "bin" and not each.issym()]
            assert not [path for path in paths if path.startswith(("bin/", "lib/", "sbin/"))]
            assert Layer.of(layer.file) == layer


def test_a_layer_is_made_once_and_changes_its_name_with_its_contents() -> None:
    contents = Contents(
        files=(("etc/greeting", "hello\n", 0o640),), links=(("hi", "etc/greeting"),)
    )
    layer = contents.layer()
    assert contents.layer() == layer
    with tarfile.open(layer.file) as tar:
        greeting = tar.getmember("etc/greeting")
        assert (greeting.mode, greeting.size, tar.getmember("hi").linkname) == (
            *(0o640, 6),
            "etc/greeting",
        )
    other = Contents(files=(("etc/greeting", "bye\n", 0o640),))
    assert other.layer().file != layer.file


def test_an_image_is_read_as_it_was_written(tmp_path: Path) -> None:
    layer = Contents(files=(("etc/greeting", "hello\n", 0o644),)).layer()
    image = Image((layer, layer), ("a",), ("b",), ("C=d",), "7:8", "/e")
    archive.write(tmp_path / "image.tar", "some/name:1", image)
    found = archive.read(tmp_path / "image.tar", tmp_path)
    assert found.configuration() == image.configuration()


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "image.tar", "w"):
        pass
    with pytest.raises(ClusterError, match=r"has no manifest\.json"):
        archive.read(tmp_path / "image.tar", tmp_path)


def test_layers_of_ones_own_run(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    script = tmp_path / "hello"
    script.write_text("#!/bin/busybox sh\necho hello from $WHO as $(busybox id -u)\n")
    script.chmod(0o755)
    layer = tmp_path / "layer.tar"
    with tarfile.open(layer, "w") as tar:
        tar.add(script, "hello")
        tar.add(tools() / "bin" / "busybox", "bin/busybox")
    cluster.push_image(
        f"own/{namespace}:1",
        [layer],
        entrypoint=["/hello"],
        environment=["WHO=inside", "PATH=/bin"],
        user="1234",
    )
    done = run(cluster.api(), namespace, job("own", f"own/{namespace}:1", None))
    assert done.log() == "hello from inside as 1234\n"


def test_an_archive_of_ones_own_runs(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    busybox = images.shipped()["library/busybox:latest"]
    greeting = Contents(files=(("etc/greeting", secrets.token_hex(8), 0o644),))
    image = Image((*busybox.layers, greeting.layer()), command=("cat", "/etc/greeting"))
    archive.write(tmp_path / "image.tar", "any/name:1", image)
    cluster.push_archive(f"kept/{namespace}:1", tmp_path / "image.tar")
    name = f"registry.example.com/kept/{namespace}:1"
    done = run(cluster.api(), namespace, job("archived", name, None))
    assert done.log() == greeting.files[0][1]


def test_an_image_without_a_tag_is_refused(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match="repository:tag"):
        cluster.push_image("host:5000/name", [])
