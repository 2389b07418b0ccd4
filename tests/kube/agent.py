"""The agent's image, made of Debian packages and this checkout, as images/agent/Dockerfile does."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kube import bytecode
from kube.cluster import Cluster
from kube.images import BASE, GIT, PATH, PYTHON, WITHOUT
from kube.layer import Contents, Layer

CHECKOUT = Path(__file__).resolve().parents[2]
# A tag of this content alone: a node keeps what it once pulled of a tag.
NAME = "c8s-agent"
# Gives the pod's user a name, whichever number it has.
ACCOUNT = Contents(packages=("libnss-wrapper",), without=WITHOUT, above=BASE)
FOLDER = "opt/c8s"
PARTS = (
    ("src/c8s", f"{FOLDER}/c8s"),
    ("plugins/module_utils", f"{FOLDER}/ansible_collections/c8s/ci/plugins/module_utils"),
)


def push_agent(cluster: Cluster) -> str:
    """Give the cluster the agent's image, of the checkout as it is; what pods call it."""
    with tempfile.TemporaryDirectory() as folder:
        python = PYTHON.layer()
        layers = (
            *(BASE.layer(), python, bytecode.of_layer(python), GIT.layer(), ACCOUNT.layer()),
            _code(Path(folder)),
        )
        name = f"{NAME}:{layers[-1].digest.removeprefix('sha256:')[:16]}"
        cluster.push_image(
            f"library/{name}",
            [layer.file for layer in layers],
            entrypoint=("python3", "-m", "c8s.agent"),
            environment=(PATH, f"PYTHONPATH=/{FOLDER}", "PYTHONDONTWRITEBYTECODE=1"),
            user="10001:10001",
            folder="/workspace",
        )
    return name


def _code(folder: Path) -> Layer:
    file = folder / "code.tar"
    with tarfile.open(file, "w") as tar:
        for path, name in _files():
            tar.add(path, name, filter=_plain)
        bytecode.add(tar, ((name, path.read_bytes()) for path, name in _files()))
    return Layer.of(file)


def _files() -> Iterator[tuple[Path, str]]:
    for origin, target in PARTS:
        for path in sorted((CHECKOUT / origin).rglob("*.py")):
            yield path, f"{target}/{path.relative_to(CHECKOUT / origin)}"


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member
