"""Copies what git tracks, or would track, of this checkout to TREE/ansible_collections/c8s/ci.

ansible-test, ansible-lint and the builds want the collection at that place and see there only what
a clone would hold. Unchanged files are left alone, so that caches keyed on times stay good.

usage: copy_checkout.py TREE
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
KEPT = Path("tests/output")  # ansible-test keeps its environments and results there


def listed(checkout: Path) -> set[Path]:
    """The files of the checkout that are tracked or untracked and not ignored, and exist."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=checkout,
        check=True,
        capture_output=True,
    ).stdout
    paths = {Path(os.fsdecode(name)) for name in names.split(b"\0") if name}
    return {path for path in paths if os.path.lexists(checkout / path)}


def same(source: Path, target: Path) -> bool:
    if source.is_symlink() or target.is_symlink():
        return (
            source.is_symlink()
            and target.is_symlink()
            and os.readlink(source) == os.readlink(target)
        )
    return (
        target.is_file()
        and os.access(source, os.X_OK) == os.access(target, os.X_OK)
        and filecmp.cmp(source, target, shallow=True)
    )


def mirror(checkout: Path, collection: Path) -> None:
    """Make `collection` hold exactly the listed files of `checkout`."""
    wanted = listed(checkout)
    collection.mkdir(parents=True, exist_ok=True)
    for folder, folders, names in os.walk(collection, topdown=False):
        if Path(folder).relative_to(collection).is_relative_to(KEPT):
            continue
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in [*names, *links]:
            if (Path(folder) / name).relative_to(collection) not in wanted:
                (Path(folder) / name).unlink()
        if not os.listdir(folder) and Path(folder) != collection:
            os.rmdir(folder)
    for path in sorted(wanted):
        source, target = checkout / path, collection / path
        if same(source, target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


if __name__ == "__main__":
    mirror(CHECKOUT, Path(sys.argv[1]) / "ansible_collections" / "c8s" / "ci")
