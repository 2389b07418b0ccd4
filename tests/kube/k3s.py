"""An instance made by an installed k3s, in namespaces of its own like those of our own build."""

from __future__ import annotations

import json
import shutil

import yaml

from kube import namespaces, own, processes, settings, teardown
from kube.api import Api
from kube.errors import ClusterError
from kube.instance import NODE, Instance
from kube.waiting import wait_for


def start(instance: Instance) -> None:
    """Bring it up; its RuntimeClass gvisor is runc, since k3s comes without gVisor."""
    program = shutil.which("k3s")
    if program is None:
        raise ClusterError("k3s is not installed")
    (instance.folder / "bin").mkdir()
    (instance.folder / "bin" / "k3s").symlink_to(program)
    own.link_tools(instance)
    settings.write(instance)
    mirror = {"endpoint": [f"http://{instance.registry}"]}
    (instance.folder / "registries.yaml").write_text(
        json.dumps({"mirrors": {"docker.io": mirror, "*": mirror}})
    )
    teardown.make_cgroup(instance)
    namespaces.start(instance)
    processes.start(instance, "registry")
    processes.start(instance, "k3s")
    own.fill_registry(instance)
    written = instance.folder / "k3s.yaml"
    wait_for(
        "k3s's kubeconfig",
        lambda: written.exists() and written.stat().st_size > 0,
        timeout=120,
        alive=lambda: processes.check(instance, "k3s"),
    )
    config = yaml.safe_load(written.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://{instance.node_address}:6443"
    instance.kubeconfig.touch(mode=0o600)
    instance.kubeconfig.write_text(yaml.safe_dump(config))
    processes.wait_api(instance, "k3s")
    api = Api(instance.kubeconfig)
    wait_for("the node", lambda: own.ready(api, NODE), timeout=120)
    api.create("/apis/node.k8s.io/v1/runtimeclasses", own.runtime_class("runc"))
    own.wait_account(api, "default")
