"""An instance made by an installed kind, in its own containers."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from kube import archive, own
from kube.api import Api
from kube.command import run
from kube.images import Image, shipped
from kube.instance import Instance

START_TIMEOUT = 600.0  # seconds; kind may have to pull its node image


def start(instance: Instance) -> None:
    """Bring it up; its RuntimeClass gvisor is runc, since kind comes without gVisor."""
    run(
        *("kind", "create", "cluster", "--name", instance.cgroup, "--wait", "120s"),
        *("--kubeconfig", instance.kubeconfig),
        timeout=START_TIMEOUT,
    )
    for name, image in shipped().items():
        load(instance, name, image)
    api = Api(instance.kubeconfig)
    api.create("/apis/node.k8s.io/v1/runtimeclasses", own.runtime_class("runc"))
    own.wait_account(api, "default")


def load(instance: Instance, name: str, image: Image) -> None:
    """Give the node an image; kind has no registry to push to."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image.tar"
        archive.write(file, f"docker.io/{name}", image)
        run("kind", "load", "image-archive", file, "--name", instance.cgroup)


def host_address() -> str:
    """The host as pods see it: the gateway of kind's network."""
    said = run("docker", "network", "inspect", "kind", "--format", "{{json .IPAM.Config}}")
    return next(
        str(entry["Gateway"]) for entry in json.loads(said) if "." in entry.get("Gateway", "")
    )
