"""The folder outside the checkout that keeps what is expensive to make."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def root() -> Path:
    """The cache's folder: $C8S_CACHE, else c8s below $XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("C8S_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "c8s"


def folder(*parts: str) -> Path:
    """A folder of the test cluster in the cache, made when missing."""
    path = root().joinpath("kube", *parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def locked(name: str, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock `name` among all processes that use this cache; it ends with the process."""
    with (folder("locks") / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


def made(path: Path, make: Callable[[Path], None]) -> Path:
    """`path`, filled by `make` when it isn't there yet: all of it or nothing, once at a time.

    `make` gets an empty folder beside `path` that takes its place when `make` has returned.
    """
    if path.exists():
        return path
    with locked(f"make-{path.parent.name}-{path.name}"):
        if not path.exists():
            part = path.with_name(f".{path.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            try:
                make(part)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
            part.rename(path)
    return path
