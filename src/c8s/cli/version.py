"""Which version this is, said without loading anything else."""

from __future__ import annotations

PROGRAM = "c8s"


def say_version() -> int:
    """Print the version of the package; it is that of the collection."""
    from importlib import metadata

    print(f"{PROGRAM} {metadata.version('c8s-ci')}")  # noqa: T201
    return 0
