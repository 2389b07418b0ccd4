"""The cluster's programs, built once from the Go module proxy, one folder per pinned module."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from kube import cache
from kube.command import run
from kube.errors import ClusterError
from kube.toolchain import go

MODULES = Path(__file__).parent / "modules"
KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")
VERSION_OF = "k8s.io/component-base/version"
CONTAINERD = "github.com/containerd/containerd/v2"
GVISOR = "gvisor.dev/gvisor"
RECIPE = 1  # goes up when the same sources are to be built in another way
KWOK = "sigs.k8s.io/kwok"


@dataclass(frozen=True, slots=True)
class Program:
    """One package of a module and the file that it becomes."""

    file: str
    package: str
    version_variable: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Module:
    """A folder with go.mod and go.sum: the lock of everything that goes into its programs."""

    name: str
    requires: str
    programs: tuple[Program, ...]

    @property
    def folder(self) -> Path:
        return MODULES / self.name

    @property
    def version(self) -> str:
        """The pinned version of the module that the programs come from, such as v1.36.3."""
        if not self.requires:
            return ""
        text = (self.folder / "go.mod").read_text()
        found = re.search(rf"^\s*(?:require )?{re.escape(self.requires)} (v\S+)", text, re.M)
        if found is None:
            raise ClusterError(f"{self.folder / 'go.mod'} does not require {self.requires}")
        return found[1]

    @property
    def key(self) -> str:
        """A name that changes with the locks, the sources and this recipe."""
        digest = hashlib.sha256(f"{RECIPE} {self!r}".encode())
        for path in sorted(self.folder.iterdir()):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return f"{self.name}-{digest.hexdigest()[:16]}"


BUILT = {
    module.name: module
    for module in (
        Module(
            "kubernetes",
            "k8s.io/kubernetes",
            (Program("kubernetes", ".", f"{VERSION_OF}.gitVersion", KUBERNETES),),
        ),
        Module(
            "containerd",
            CONTAINERD,
            tuple(
                Program(name, f"{CONTAINERD}/cmd/{name}", f"{CONTAINERD}/version.Version")
                for name in ("containerd", "containerd-shim-runc-v2", "ctr")
            ),
        ),
        Module(
            "etcd", "go.etcd.io/etcd/server/v3", (Program("etcd", "go.etcd.io/etcd/server/v3"),)
        ),
        Module("pause", "", (Program("pause", "."),)),
        Module("kwok", KWOK, (Program("kwok", f"{KWOK}/cmd/kwok"),)),
        Module(
            "gvisor",
            GVISOR,
            (
                Program("runsc", f"{GVISOR}/runsc", f"{GVISOR}/runsc/version.version"),
                Program("containerd-shim-runsc-v1", f"{GVISOR}/shim"),
            ),
        ),
    )
}


def built(name: str) -> Path:
    """The folder with the programs of module `name`, built now when they are not there yet."""
    module = BUILT[name]
    return cache.made(cache.folder("programs") / module.key, lambda into: _build(module, into))


def _build(module: Module, into: Path) -> None:
    print(
        f"building {module.name} {module.version} (once per machine, minutes)",
        file=sys.stderr,
        flush=True,
    )
    if module.name == "gvisor":
        with_source = into / "source"
        _copy_gvisor(module, with_source)
        for program in module.programs:
            _compile(module, program, with_source, into)
        shutil.rmtree(with_source)
        return
    for program in module.programs:
        _compile(module, program, module.folder, into)
    if module.name == "kwok":
        _copy_stages(module, into)


def _compile(module: Module, program: Program, folder: Path, into: Path) -> None:
    flags = "-s -w"
    if program.version_variable:
        flags += f" -X {program.version_variable}={module.version}"
    if module.name == "kubernetes":
        major, minor = module.version.removeprefix("v").split(".")[:2]
        flags += f" -X {VERSION_OF}.gitMajor={major} -X {VERSION_OF}.gitMinor={minor}"
    argv = ("build", "-trimpath", "-ldflags", flags, "-o", into / program.file, program.package)
    run("nice", "-n", "5", go(), *argv, cwd=folder, env=_environment())
    for link in program.links:
        (into / link).symlink_to(program.file)


def _environment() -> dict[str, str]:
    return os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}


def _source(module: Module) -> Path:
    run(go(), "mod", "download", module.requires, cwd=module.folder, env=_environment())
    where = run(go(), "list", "-m", "-f", "{{.Dir}}", module.requires, cwd=module.folder)
    return Path(where.strip())


def _copy_stages(module: Module, into: Path) -> None:
    """kwok's own stages for nodes and for pods that start and go, which ours build on."""
    stages = _source(module) / "kustomize" / "stage"
    for name in (
        "node/fast/node-initialize.yaml",
        "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
        "pod/fast/pod-ready.yaml",
        "pod/fast/pod-delete.yaml",
    ):
        shutil.copy(stages / name, into)


def _copy_gvisor(module: Module, into: Path) -> None:
    """A copy of gVisor whose shim does not insist on an OOM score that needs CAP_SYS_RESOURCE."""
    copy = into / "gvisor"
    shutil.copytree(_source(module), copy, copy_function=shutil.copyfile)
    into.chmod(0o755)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    shim = copy / "pkg" / "shim" / "v1" / "manager.go"
    before = shim.read_text()
    after = before.replace("oomScoreMax = -999", "oomScoreMax = 0")
    if before == after:
        raise ClusterError(f"{GVISOR} {module.version} has no oomScoreMax in its shim any more")
    shim.write_text(after)
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(module.folder / name, into / name)
    run(go(), "mod", "edit", f"-replace={GVISOR}=./gvisor", cwd=into, env=_environment())
