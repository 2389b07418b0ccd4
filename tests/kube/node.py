"""Bringing an instance up, by whatever this machine has to make one."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from kube import cache, k3s, kind, namespaces, own, teardown
from kube.api import Api
from kube.debian import install
from kube.errors import ClusterError, NotUp
from kube.instance import INDEXES, Instance, Maker, Size, checked, load, recorded
from kube.waiting import wait_for

PATIENCE = 30.0  # seconds; a busy machine may keep a healthy API from answering for a while
# Set to keep what a failed start has left, to look at it.
AUTOPSY = "C8S_CLUSTER_AUTOPSY"


def up(name: str, size: Size, *, kept: bool = True, audit: bool = False) -> Instance:
    """The instance `name`, running; started now when it isn't.

    Returns at once when it is up and healthy. What is left of a dead one is cleared first.
    ClusterError when it is up in another size, or without the audit log that is asked for.
    """
    with cache.locked(f"cluster-{checked(name)}"):
        found = running(name, patience=PATIENCE)
        if found is not None:
            if found.size != size or (audit and not found.audit):
                raise ClusterError(
                    f"the cluster {name} is up already, size {found.size}, "
                    f"{'with' if found.audit else 'without'} audit log: "
                    "stop it first, or use another name"
                )
            if kept and not found.kept:
                found = replace(found, kept=True)
                found.save()
            return found
        teardown.down(name)
        wanted = Instance(name, size, 0, kept, audit, maker(size))
        try:
            return _start(wanted)
        except BaseException:
            if AUTOPSY not in os.environ:
                teardown.down(name)
            raise


def maker(size: Size) -> Maker:
    """What makes a cluster here: kind or k3s where installed; kwok needs our own build."""
    if size == "full" and shutil.which("kind"):
        return "kind"
    if size == "full" and shutil.which("k3s") and os.geteuid() == 0:
        return "k3s"
    return "own"


def running(name: str, *, patience: float = 0.0) -> Instance | None:
    """The instance if it is up and its API answers, within `patience` seconds."""
    try:
        instance = load(name)
        api = Api(instance.kubeconfig)
    except (NotUp, FileNotFoundError):
        return None

    def answers() -> bool:
        if instance.maker != "kind" and namespaces.first_process(name) is None:
            raise NotUp(f"the test cluster {name} has died")
        return api.ready()

    try:
        wait_for(f"the API server of {name}", answers, timeout=patience)
    except ClusterError:
        return None
    return instance


def _start(wanted: Instance) -> Instance:
    if wanted.maker == "kind":
        wanted.save()
        kind.start(wanted)
        return wanted
    if os.geteuid() != 0:
        raise ClusterError(
            "a test cluster needs root here: become root, install kind, or name a cluster in "
            "C8S_TEST_KUBECONFIG"
        )
    install("iproute2", "util-linux")
    if wanted.maker == "k3s":
        instance = _claimed(wanted)
        k3s.start(instance)
        return instance
    built: tuple[Path, ...] = own.build(wanted.size)
    sandboxed = any(part.name.startswith("gvisor-") for part in built)
    instance = _claimed(replace(wanted, sandboxed=sandboxed))
    own.start(instance, built)
    return instance


def _claimed(wanted: Instance) -> Instance:
    """The instance with addresses that no other one has, on record."""
    with cache.locked("addresses"):
        taken = {instance.index for instance in recorded()}
        for index in INDEXES:
            instance = replace(wanted, index=index)
            if index not in taken and namespaces.claim_link(instance):
                instance.save()
                return instance
    raise ClusterError(f"all {len(INDEXES)} address ranges are taken: run `make cluster-stop`")
