"""Docker and podman as the tests start them: real, apart from any other on this host.

Docker is a daemon with a data folder, a socket, a network namespace and cgroups of its own, which
all end with it. podman has a store of its own; its containers get no network but the loopback,
since it would set up a bridge in the namespace that the host uses.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from host_yard import alive, wait_for
from integration.engines.engine_yard import IMAGE
from kube.images import PATH, busybox

CGROUPS = Path("/sys/fs/cgroup")
INSTALLER = Path(__file__).parents[3] / "scripts" / "system-packages"


def install(*packages: str) -> None:
    """Install what is missing of PACKAGE:PROGRAM."""
    subprocess.run([INSTALLER, *packages], check=True)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder with a short path, for sockets have little room; all may pass, none may look.

    With it go the processes that name it, the mounts below it, and the cgroups of its name.
    """
    path = Path(tempfile.mkdtemp(prefix="c8s-engine-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        end_processes(path)
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for place in reversed(mounts):
            if place.startswith(f"{path}/"):
                subprocess.run(["umount", place], check=True)
        for leftover in reversed(cgroups(path)):
            leftover.rmdir()
        shutil.rmtree(path)


def cgroups(path: Path) -> list[Path]:
    """Those of the folder's name in whatever hierarchies there are, outer ones first."""
    tops = [*CGROUPS.glob(path.name), *CGROUPS.glob(f"*/{path.name}")]
    return sorted(inner for top in tops for inner in (top, *top.rglob("*/")))


def end_processes(path: Path) -> None:
    """Kill what a daemon that died has left: its helpers, and all that is in its cgroups."""

    def none_left() -> bool:
        members = [(group / "cgroup.procs").read_text() for group in cgroups(path)]
        left = {*alive(f"{path}/"), *(int(member) for member in "".join(members).split())}
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return not left

    wait_for(none_left, f"all processes of {path} have ended")


@contextlib.contextmanager
def docker(root: Path) -> Iterator[dict[str, str]]:
    """A running daemon; the variables by which its client finds it."""
    environment = {"DOCKER_HOST": f"unix://{root}/docker.sock"}
    command = [
        "dockerd", "--data-root", root / "data", "--exec-root", root / "exec",
        "--host", environment["DOCKER_HOST"], "--pidfile", root / "pid",
        "--cgroup-parent", f"/{root.name}", "--log-level", "warn",
    ]  # fmt: skip
    with open(root / "log", "wb") as log:
        daemon = subprocess.Popen(
            [
                "unshare",
                "--net",
                "--",
                "sh",
                "-c",
                'ip link set lo up && exec "$@"',
                "sh",
                *command,
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(lambda: answers(daemon, root, environment), "dockerd answers", 60)
        (root / "docker.sock").chmod(0o666)
        import_image("docker", environment)
        yield environment
    finally:
        daemon.terminate()
        daemon.wait()


def answers(daemon: subprocess.Popen[bytes], root: Path, environment: Mapping[str, str]) -> bool:
    assert daemon.poll() is None, (root / "log").read_text()
    asked = ["docker", "version", "--format", "{{.Server.Version}}"]
    own = os.environ | environment
    return not subprocess.run(asked, env=own, capture_output=True, check=False).returncode


@contextlib.contextmanager
def podman(root: Path) -> Iterator[dict[str, str]]:
    """A store of podman's; the variables by which podman finds it."""
    (root / "containers.conf").write_text(
        '[containers]\nnetns = "none"\n'
        f'[engine]\nruntime = "runc"\ntmp_dir = "{root}/tmp"\nlock_type = "file"\n'
        'cgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    )
    (root / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{root}/data"\nrunroot = "{root}/run"\n'
    )
    environment = {
        "CONTAINERS_CONF": f"{root}/containers.conf",
        "CONTAINERS_STORAGE_CONF": f"{root}/storage.conf",
    }
    import_image("podman", environment)
    try:
        yield environment
    finally:
        own = os.environ | environment
        subprocess.run(["podman", "rm", "--force", "--all"], env=own, check=True)


def import_image(engine: str, environment: Mapping[str, str]) -> None:
    """Make the image of the tests."""
    subprocess.run(
        [
            engine,
            "import",
            "--change",
            'CMD ["sh"]',
            "--change",
            f"ENV {PATH}",
            image_file(),
            IMAGE,
        ],
        env=os.environ | environment,
        check=True,
        capture_output=True,
    )


def image_file() -> Path:
    """The root folder of the image of the tests as a tar file: Debian's busybox."""
    (layer,) = busybox().layers
    return layer.file
