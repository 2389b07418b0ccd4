"""One cluster of our own: its name, its size, its addresses and its folder on the host."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from kube import cache
from kube.errors import ClusterError, NotUp

Size = Literal["full", "control"]
Maker = Literal["own", "k3s", "kind"]

# The folder as the cluster's own mount namespace sees it.
INSIDE = Path("/run/c8s")
SERVICE_ADDRESS = "10.96.0.1"
SERVICES = "10.96.0.0/16"
REGISTRY_PORT = 5000
NODE = "node1"
FAKE_NODE = "fake-0"
INDEXES = range(128)


def home() -> Path:
    """The folder of all instances that are up: one for the host, as its addresses are."""
    if os.geteuid() == 0:
        return Path("/var/lib/c8s-test-clusters")
    return cache.folder("clusters")


@dataclass(frozen=True, slots=True)
class Instance:
    """What tells one instance from all others. `index` makes its addresses its own.

    `kept` instances were asked for by name and stay until they are stopped by name; others end
    with the last test run that uses them. `sandboxed` says that its RuntimeClass gvisor is gVisor.
    """

    name: str
    size: Size
    index: int
    kept: bool
    audit: bool
    maker: Maker = "own"
    sandboxed: bool = False

    @property
    def folder(self) -> Path:
        return home() / self.name

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        return self.folder / "audit.log"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @property
    def socket(self) -> Path:
        """Where the instance's first process takes orders."""
        return self.folder / "control.sock"

    @property
    def node_address(self) -> str:
        return f"10.99.{self.index}.1"

    @property
    def host_address(self) -> str:
        """The host as pods see it."""
        return f"10.99.{self.index}.2"

    @property
    def pods(self) -> str:
        return f"10.98.{self.index}.0/24"

    @property
    def link(self) -> str:
        """The host's end of the cable."""
        return f"c8s-h{self.index}"

    @property
    def cgroup(self) -> str:
        return f"c8s-{self.name}"

    @property
    def server(self) -> str:
        return f"https://{self.node_address}"

    @property
    def registry(self) -> str:
        return f"{self.node_address}:{REGISTRY_PORT}"

    def save(self) -> None:
        """Write the record, so that whoever comes later finds the instance."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / "instance.json.part"
        part.write_text(json.dumps(asdict(self)))
        part.rename(self.folder / "instance.json")


def load(name: str) -> Instance:
    """The instance of that name; NotUp when there is no record of it."""
    path = home() / checked(name) / "instance.json"
    try:
        return Instance(**json.loads(path.read_text()))
    except FileNotFoundError as error:
        raise NotUp(f"the test cluster {name} is not up: run `make cluster`") from error
    except (ValueError, TypeError) as error:
        raise ClusterError(f"{path} is damaged: stop the cluster {name} and start anew") from error


def names() -> list[str]:
    """The names of all instances that have a folder, dead ones too."""
    return sorted(path.name for path in home().iterdir()) if home().is_dir() else []


def recorded() -> Iterator[Instance]:
    """Every instance that has a whole record."""
    for name in names():
        try:
            yield load(name)
        except ClusterError:  # cut off in the making, or damaged: `down` clears it by its name
            continue


def usual_name(size: Size) -> str:
    """The instance of that size which the Makefile and the fixtures mean.

    C8S_TEST_CLUSTER gives whoever sets it clusters of their own.
    """
    own = os.environ.get("C8S_TEST_CLUSTER")
    return checked(f"{own}-{size}" if own else size)


def checked(name: str) -> str:
    """`name`, if it can name folders, sockets and cgroups."""
    if re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", name) is None:
        raise ClusterError(f"{name!r} can't name a cluster: a-z, 0-9 and -, at most 32 characters")
    return name
