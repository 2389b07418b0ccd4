"""The images that ordinary pipelines name, made on the spot from Debian packages."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from kube import programs
from kube.command import run
from kube.debian import tools
from kube.layer import Contents, Layer, merged_links

# Any registry that an image names is served by the one of the cluster.
PAUSE = "test.local/pause:1"
# Scripts of packages never run in these roots, and no image here needs perl.
WITHOUT = (
    *("adduser", "debconf", "dpkg", "init-system-helpers", "passwd", "sysvinit-utils", "usrmerge"),
    *("libpam-modules", "libpam-modules-bin", "libpam0g", "libsemanage-common", "libsemanage2"),
    *("libsepol2", "libdb5.3", "libgdbm6", "libgdbm-compat4", "libaudit1", "libaudit-common"),
    *("perl", "perl-base", "perl-modules-5.36", "libperl5.36", "liberror-perl"),
    *("libfile-find-rule-perl", "libnumber-compare-perl", "libtext-glob-perl", "git-man"),
)
ACCOUNTS = (
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n",
        0o644,
    ),
    ("etc/group", "root:x:0:\nnogroup:x:65534:\n", 0o644),
    ("etc/nsswitch.conf", "hosts: files dns\n", 0o644),
)
FOLDERS = ("tmp", "var/tmp", "root", "home", "proc", "sys", "dev", "run", "mnt", "opt")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# The shell and the tools that every Debian image brings.
BASE = Contents(
    packages=(
        *("base-files", "bash", "ca-certificates", "coreutils", "dash", "findutils", "grep"),
        *("gzip", "media-types", "netbase", "procps", "sed", "tar", "tzdata"),
    ),
    without=WITHOUT,
    files=ACCOUNTS,
    links=(*merged_links(), ("usr/bin/sh", "dash")),
    folders=FOLDERS,
)
PYTHON = Contents(
    packages=("python3.11", "python3-pip-whl", "python3.11-venv"),
    without=(*WITHOUT, "python3-lib2to3", "python3-distutils"),
    files=(
        (
            "usr/local/bin/pip",
            "#!/bin/sh\n# pip as its wheel holds it.\n"
            "exec env PYTHONPATH=$(echo /usr/share/python-wheels/pip-*.whl) "
            'python3 -m pip "$@"\n',
            0o755,
        ),
    ),
    links=(
        *(("usr/local/bin/" + name, "/usr/bin/python3.11") for name in ("python", "python3")),
        ("usr/local/bin/pip3", "pip"),
    ),
    above=BASE,
)
GIT = Contents(
    packages=("git", "openssh-client"),
    without=WITHOUT,
    above=BASE,
)


@dataclass(frozen=True, slots=True)
class Image:
    """Layers, lowest first, and how a container of them starts."""

    layers: tuple[Layer, ...]
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    environment: tuple[str, ...] = (PATH,)
    user: str = ""
    folder: str = ""

    def configuration(self) -> dict[str, object]:
        """The image's configuration as OCI has it."""
        start: dict[str, object] = {"Env": list(self.environment)}
        if self.command:
            start["Cmd"] = list(self.command)
        if self.entrypoint:
            start["Entrypoint"] = list(self.entrypoint)
        if self.user:
            start["User"] = self.user
        if self.folder:
            start["WorkingDir"] = self.folder
        return {
            "architecture": architecture(),
            "os": "linux",
            "config": start,
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in self.layers]},
            "history": [{"created_by": "tests/kube"}] * len(self.layers),
        }


def architecture() -> str:
    """This machine's architecture, as images and Go name it."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def shipped() -> dict[str, Image]:
    """Every image that a cluster has from the start, by the names that files use."""
    # As the real one, which is made for building things: with git.
    python = Image((BASE.layer(), PYTHON.layer(), GIT.layer()), command=("python3",))
    git = Image((BASE.layer(), GIT.layer()), entrypoint=("git",), folder="/git")
    return {
        "pause:1": _pause(),
        "library/busybox:latest": busybox(),
        "library/python:3.11": python,
        "alpine/git:latest": git,
    }


def busybox() -> Image:
    """Every program of busybox, and nothing else."""
    applets = run(tools() / "bin" / "busybox", "--list").split()
    contents = Contents(
        packages=("busybox-static",),
        alone=True,
        files=ACCOUNTS,
        links=(
            *merged_links(("bin", "sbin")),
            *((f"usr/bin/{name}", "busybox") for name in applets if name != "busybox"),
        ),
        folders=(*FOLDERS, "usr/sbin"),
    )
    return Image((contents.layer(),), command=("sh",))


def _pause() -> Image:
    folder = programs.built("pause")
    layer = Layer.of_program(folder / "pause")
    return Image((layer,), entrypoint=("/pause",))
