"""Starting an instance from the programs that were built for it."""

from __future__ import annotations

import sys
from pathlib import Path

from kube import certificates, namespaces, processes, programs, settings, stages, teardown
from kube.api import Api
from kube.components import every
from kube.debian import tools
from kube.errors import ClusterError
from kube.images import architecture, shipped
from kube.instance import FAKE_NODE, NODE, Instance, Size
from kube.registry import Registry
from kube.waiting import wait_for

# The order of the start; what waits for the API comes after it.
BEFORE_API = ("etcd", "kube-apiserver", "containerd", "registry")
AFTER_API = ("kube-controller-manager", "kube-scheduler", "kubelet")


def build(size: Size) -> tuple[Path, ...]:
    """The folders with all programs that this size needs, built when missing.

    Where gVisor can't be built its folder is left out, with a warning.
    """
    if size == "control":
        return tuple(programs.built(name) for name in ("kubernetes", "etcd", "kwok"))
    built = [programs.built(name) for name in ("kubernetes", "containerd", "etcd", "pause")]
    tools()
    shipped()
    try:
        built.append(programs.built("gvisor"))
    except ClusterError as error:
        print(f"no gVisor, RuntimeClass gvisor will be runc: {error}", file=sys.stderr)
    return tuple(built)


def start(instance: Instance, built: tuple[Path, ...]) -> None:
    """Bring the instance up; on return its node is ready and its API has all defaults."""
    _link_programs(instance, built)
    certificates.make(instance)
    settings.write(instance)
    if instance.size == "full":
        teardown.make_cgroup(instance)
    else:
        stages.write(instance, built[-1])
    namespaces.start(instance)
    parts = every(instance)
    for name in BEFORE_API:
        if name in parts:
            processes.start(instance, name)
    if instance.size == "full":
        fill_registry(instance)
    processes.wait_api(instance)
    for name in AFTER_API:
        if name in parts:
            processes.start(instance, name)
    api = Api(instance.kubeconfig)
    if instance.size == "full":
        wait_for(
            "the node",
            lambda: ready(api, NODE),
            alive=lambda: processes.check(instance, "kubelet"),
        )
        handler = "runsc" if instance.sandboxed else "runc"
        api.create("/apis/node.k8s.io/v1/runtimeclasses", runtime_class(handler))
    else:
        processes.start_kwok(instance)
        api.create("/api/v1/nodes", _fake_node())
        wait_for("the fake node", lambda: ready(api, FAKE_NODE))
    wait_account(api, "default")


def _link_programs(instance: Instance, built: tuple[Path, ...]) -> None:
    folder = instance.folder / "bin"
    folder.mkdir()
    for part in built:
        for file in part.iterdir():
            (folder / file.name).symlink_to(file)
    if instance.size == "full":
        link_tools(instance)


def link_tools(instance: Instance) -> None:
    """Give the instance the registry, runc and the CNI plugins of Debian's packages."""
    folder, debian = instance.folder / "bin", tools()
    (folder / "runc").symlink_to(debian / "usr" / "sbin" / "runc")
    (folder / "docker-registry").symlink_to(debian / "usr" / "bin" / "docker-registry")
    (instance.folder / "cni-bin").symlink_to(debian / "usr" / "lib" / "cni")
    library = next((debian / "usr" / "lib").rglob("libseccomp.so.2"))
    (instance.folder / "lib").symlink_to(library.parent)


def fill_registry(instance: Instance) -> None:
    """Push every image that ordinary files name."""
    registry = Registry(instance.registry)
    wait_for("the registry", registry.answers, alive=lambda: processes.check(instance, "registry"))
    for name, image in shipped().items():
        registry.push(name, image)


def ready(api: Api, name: str) -> bool:
    """Whether the node is there, ready, and open to pods."""
    node = api.find(f"/api/v1/nodes/{name}")
    if node is None:
        return False
    states = {state["type"]: state["status"] for state in node["status"].get("conditions", [])}
    return states.get("Ready") == "True" and not node["spec"].get("taints")


def wait_account(api: Api, namespace: str) -> None:
    """Wait until pods can be made in a namespace: its default service account is there.

    Where the API server was just away its controllers may have to begin anew first.
    """
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    what = f"the default service account of {namespace}"
    wait_for(what, lambda: api.find(path), timeout=180)


def runtime_class(handler: str) -> dict[str, object]:
    """The RuntimeClass gvisor."""
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "gvisor"},
        "handler": handler,
    }


def _fake_node() -> dict[str, object]:
    room = {"cpu": "10000", "memory": "100Ti", "pods": "100000"}
    labels = {
        "kubernetes.io/hostname": FAKE_NODE,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture(),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": FAKE_NODE, "labels": labels},
        "status": {"capacity": room, "allocatable": room},
    }
