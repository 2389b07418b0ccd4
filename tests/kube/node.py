"""Bringing an instance up."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kube import cache, certificates, namespaces, programs, settings, teardown
from kube.api import Api, ApiError
from kube.components import KWOK_PORT, Component, every
from kube.debian import install, tools
from kube.errors import ClusterError, NotUp
from kube.images import shipped
from kube.instance import FAKE_NODE, INDEXES, NODE, Instance, Size, checked, load, recorded
from kube.registry import Registry
from kube.stages import write_stages
from kube.waiting import wait_for

# The order of the start; what waits for the API comes after it.
BEFORE_API = ("etcd", "kube-apiserver", "containerd", "registry")
AFTER_API = ("kube-controller-manager", "kube-scheduler", "kubelet")
KWOK_STARTS = 20


def up(name: str, size: Size, *, kept: bool = True, audit: bool = False) -> Instance:
    """The instance `name`, running; started now when it isn't.

    Returns at once when it is up and healthy. What is left of a dead one is cleared first.
    """
    with cache.locked(f"cluster-{checked(name)}"):
        found = running(name)
        if found is not None:
            if found.size != size or (audit and not found.audit):
                raise ClusterError(
                    f"{name} is up as {found.size}, audit {found.audit}: stop it, or use another "
                    "name"
                )
            return found
        if os.geteuid() != 0:
            raise ClusterError("a cluster of our own needs root; or set C8S_TEST_KUBECONFIG")
        teardown.down(name)
        install("iproute2", "util-linux")
        parts = _parts(size)
        instance = _claimed(name, size, kept=kept, audit=audit)
        try:
            _start(instance, parts)
        except BaseException:
            if "C8S_CLUSTER_AUTOPSY" not in os.environ:
                teardown.down(name)
            raise
    return instance


def running(name: str) -> Instance | None:
    """The instance if it is up and its API answers."""
    try:
        instance = load(name)
        if namespaces.first_process(name) and Api(instance.kubeconfig).ready():
            return instance
    except (NotUp, OSError):
        return None
    return None


def _parts(size: Size) -> list[Path]:
    """The folders with all programs that this size needs; the longest build first."""
    names = ["kubernetes", "etcd"]
    names += ["containerd", "pause", "gvisor"] if size == "full" else ["kwok"]
    return [programs.built(name) for name in names]


def _claimed(name: str, size: Size, *, kept: bool, audit: bool) -> Instance:
    """A new instance with addresses that no other one has."""
    with cache.locked("addresses"):
        taken = {instance.index for instance in recorded()}
        for index in INDEXES:
            instance = Instance(name, size, index, kept, audit)
            if index not in taken and namespaces.claim_link(instance):
                instance.save()
                return instance
    raise ClusterError(f"all {len(INDEXES)} address ranges are taken: `make cluster-stop`")


def _start(instance: Instance, parts: list[Path]) -> None:
    _link_programs(instance, parts)
    certificates.make(instance)
    settings.write(instance)
    if instance.size == "full":
        teardown.make_cgroup(instance)
    else:
        write_stages(instance, parts[-1])
    namespaces.start(instance)
    components = every(instance)
    for name in BEFORE_API:
        if name in components:
            start(instance, components[name])
    api = Api(instance.kubeconfig)
    if instance.size == "full":
        _fill_registry(instance)
    wait_for("the API server", api.ready, alive=lambda: check(instance, "kube-apiserver"))
    for name in AFTER_API:
        if name in components:
            start(instance, components[name])
    if instance.size == "full":
        wait_for("the node", lambda: _ready(api, NODE), alive=lambda: check(instance, "kubelet"))
        api.create("/apis/node.k8s.io/v1/runtimeclasses", _gvisor())
    else:
        start_kwok(instance)
        api.create("/api/v1/nodes", _fake_node())
        wait_for("the fake node", lambda: _ready(api, FAKE_NODE))
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    wait_for("the default service account", lambda: _there(api, account))


def _link_programs(instance: Instance, parts: list[Path]) -> None:
    folder = instance.folder / "bin"
    folder.mkdir()
    for part in parts:
        for file in part.iterdir():
            (folder / file.name).symlink_to(file)
    if instance.size == "full":
        debian = tools()
        (folder / "runc").symlink_to(debian / "usr" / "sbin" / "runc")
        (folder / "docker-registry").symlink_to(debian / "usr" / "bin" / "docker-registry")
        (instance.folder / "cni-bin").symlink_to(debian / "usr" / "lib" / "cni")
        library = next((debian / "usr" / "lib").rglob("libseccomp.so.2"))
        (instance.folder / "lib").symlink_to(library.parent)


def start(instance: Instance, component: Component) -> None:
    """Start one program of the instance."""
    request = {
        "start": component.name,
        "argv": component.argv,
        "environment": component.surroundings,
    }
    namespaces.order(instance, request)


def check(instance: Instance, name: str) -> None:
    """ClusterError with the end of its log when the program `name` has ended."""
    ended = namespaces.order(instance, {"status": True})["ended"]
    if name in ended:
        log = (instance.logs / f"{name}.log").read_text(errors="replace")[-3000:]
        raise ClusterError(f"{name} of {instance.name} ended with {ended[name]}:\n{log}")


def start_kwok(instance: Instance) -> None:
    """Start kwok until it stays: release 0.8.0 may die at its start of a data race of its own."""
    component = every(instance)["kwok"]
    api = Api(instance.kubeconfig).on_port(KWOK_PORT)
    for attempt in range(KWOK_STARTS):
        start(instance, component)
        try:
            wait_for(
                "kwok",
                lambda: api.text("GET", "/healthz", timeout=2.0) == "ok",
                alive=lambda: check(instance, "kwok"),
            )
        except ClusterError as error:
            print(f"kwok start {attempt + 1}: {error}", file=sys.stderr)
        else:
            return
    raise ClusterError(f"kwok does not stay up, see {instance.logs / 'kwok.log'}")


def _fill_registry(instance: Instance) -> None:
    registry = Registry(instance.registry)
    wait_for("the registry", registry.answers, alive=lambda: check(instance, "registry"))
    for name, image in shipped().items():
        registry.push(name, image)


def _ready(api: Api, name: str) -> bool:
    """Whether the node is there, ready, and open to pods."""
    if not _there(api, f"/api/v1/nodes/{name}"):
        return False
    node = api.get(f"/api/v1/nodes/{name}")
    states = {state["type"]: state["status"] for state in node["status"].get("conditions", [])}
    return states.get("Ready") == "True" and not node["spec"].get("taints")


def _there(api: Api, path: str) -> bool:
    try:
        api.get(path)
    except ApiError as error:
        if error.status in (403, 404):
            return False
        raise
    return True


def _gvisor() -> dict[str, object]:
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "gvisor"},
        "handler": "runsc",
    }


def _fake_node() -> dict[str, object]:
    room = {"cpu": "10000", "memory": "100Ti", "pods": "100000"}
    labels = {
        "kubernetes.io/hostname": FAKE_NODE,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": FAKE_NODE, "labels": labels},
        "status": {"capacity": room, "allocatable": room},
    }
