"""The cluster as a test sees it."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from kube import archive, cache, kind, namespaces, processes, teardown
from kube.api import Api
from kube.command import run
from kube.errors import ClusterError, Unsupported
from kube.images import Image
from kube.instance import Instance, Size, recorded
from kube.layer import Layer
from kube.node import up
from kube.registry import Registry
from kube.settings import CONTAINERD_SOCKET

NAMED = "C8S_TEST_KUBECONFIG"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kubernetes API and, where it is one of our own, the machine behind it.

    `host_address` is the address at which pods reach servers that listen on this host.
    `instance` is None for a cluster that C8S_TEST_KUBECONFIG names.
    """

    kubeconfig: Path
    host_address: str
    instance: Instance | None

    @classmethod
    def of(cls, instance: Instance) -> Cluster:
        address = kind.host_address() if instance.maker == "kind" else instance.host_address
        return cls(instance.kubeconfig, address, instance)

    def api(self) -> Api:
        """Plain calls of its API as its administrator."""
        return Api(self.kubeconfig)

    @property
    def sandboxed(self) -> bool:
        """Whether RuntimeClass gvisor is gVisor here; else it is runc under that name."""
        return self.instance is not None and self.instance.sandboxed

    @property
    def audit_log(self) -> Path:
        """The log of all writes: one JSON object (audit.k8s.io/v1 Event) per line."""
        instance = self._own()
        if not instance.audit:
            raise Unsupported(f"{instance.name} has no audit log: start it with --audit")
        return instance.audit_log

    @property
    def pod_logs(self) -> Path:
        """The folder with the log files of all containers, as the kubelet keeps them."""
        return self._own().folder / "pod-logs"

    def push_image(
        self,
        name: str,
        layers: Sequence[Path],
        *,
        command: Sequence[str] = (),
        entrypoint: Sequence[str] = (),
        environment: Sequence[str] | None = None,
        user: str = "",
        folder: str = "",
    ) -> None:
        """Give the cluster an image made of root folders as uncompressed tar files, lowest first.

        `name` is `repository:tag` less its registry: `library/busybox:latest` is what a pod calls
        `busybox`, `team/tool:1` is `team/tool:1` on Docker Hub and on every other registry.
        `environment` is a list of NAME=value; without it PATH is set.
        """
        image = Image(
            tuple(Layer.of(layer) for layer in layers),
            command=tuple(command),
            entrypoint=tuple(entrypoint),
            user=user,
            folder=folder,
        )
        if environment is not None:
            image = replace(image, environment=tuple(environment))
        self._push(name, image)

    def push_archive(self, name: str, file: Path) -> None:
        """Give the cluster the image in `file`, as `docker save` writes one."""
        with tempfile.TemporaryDirectory() as folder:
            self._push(name, archive.read(file, Path(folder)))

    def _push(self, name: str, image: Image) -> None:
        instance = self._any_instance()
        if instance.maker == "kind":
            kind.load(instance, name, image)
        else:
            Registry(instance.registry).push(name, image)

    def start(self, program: str) -> None:
        """Start a program of the node that was stopped, such as kubelet."""
        processes.start(self._own(), program)

    def stop(self, program: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End a program of the node: etcd, kube-apiserver, kubelet, containerd, ..."""
        processes.stop(self._own(), program, number)

    def restart(self, program: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End a program and start it anew; the API serves again on return."""
        instance = self._own()
        processes.stop(instance, program, number)
        if program == "kwok":
            processes.start_kwok(instance)
        else:
            processes.start(instance, program)
        processes.wait_api(instance)

    @contextmanager
    def halted(self, program: str) -> Iterator[None]:
        """Within this context the program stands still, alive and silent."""
        instance = self._own()
        processes.send(instance, program, signal.SIGSTOP)
        try:
            yield
        finally:
            processes.send(instance, program, signal.SIGCONT)

    def programs(self) -> dict[str, int]:
        """What runs on the node, and each one's process number inside its namespaces."""
        return processes.running(self._own())

    def inside(self, *argv: str, timeout: float = 60.0) -> str:
        """What a command says that runs on the node, as root. `timeout` is in seconds."""
        return run(*namespaces.entered(self._own(), *argv), timeout=timeout)

    def ctr(self, *arguments: str) -> str:
        """What containerd's own client says of the pods' containers: `ctr("tasks", "list")`."""
        program = "/run/c8s/bin/ctr"
        return self.inside(program, "-a", CONTAINERD_SOCKET, "-n", "k8s.io", *arguments)

    def _own(self) -> Instance:
        instance = self._any_instance()
        if instance.maker != "own":
            raise Unsupported(f"a cluster made by {instance.maker} keeps its programs to itself")
        return instance

    def _any_instance(self) -> Instance:
        if self.instance is None:
            raise Unsupported(f"the cluster that {NAMED} names is not ours to change")
        return self.instance


def named() -> Cluster | None:
    """The cluster that C8S_TEST_KUBECONFIG names, if it does."""
    path = os.environ.get(NAMED)
    if not path:
        return None
    kubeconfig = Path(path).resolve()
    if not kubeconfig.is_file():
        raise ClusterError(f"{NAMED} names {path}, and that is no file")
    address = os.environ.get("C8S_TEST_HOST_ADDRESS") or _address_towards(kubeconfig)
    return Cluster(kubeconfig, address, None)


def _address_towards(kubeconfig: Path) -> str:
    """This host's address on the way to the API server, where pods are likely to reach it."""
    config = yaml.safe_load(kubeconfig.read_text())
    server = urlsplit(config["clusters"][0]["cluster"]["server"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((server.hostname, server.port or 443))
        return str(probe.getsockname()[0])


@contextmanager
def used(size: Size, name: str, *, audit: bool = False) -> Iterator[Cluster]:
    """The cluster `name`, running for as long as anybody is in here.

    Who asked for it by `make cluster` keeps it; else the last one to leave stops it, also when
    several test processes came in at the same time.
    """
    found = named() if size == "full" and not audit else None
    if found is not None:
        yield found
        return
    with cache.locked(f"users-{name}", shared=True):
        yield Cluster.of(up(name, size, kept=False, audit=audit))
    release(name)


def release(name: str) -> bool:
    """Stop the cluster `name` unless it is kept or in use; whether it was stopped."""
    with (cache.folder("locks") / f"users-{name}").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if any(instance.name == name and instance.kept for instance in recorded()):
            return False
        return teardown.down(name)


def release_all() -> list[str]:
    """Stop all that no one keeps and no one uses: what killed test runs have left."""
    return [instance.name for instance in list(recorded()) if release(instance.name)]
