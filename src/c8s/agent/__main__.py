"""`python -m c8s.agent VERB`: the entry point of the agent's image.

clone           fill the working folder as the JSON in C8S_CLONE says
await DOOR [WORDS]
                end when something is in the file DOOR, which the driver opens; until then run what
                the file WORDS asks for (see `words`)
keep DOOR [WORDS]
                the same, and outlive TERM, so that results can be fetched
pack DIR KIND   write a tar of the files that the JSON globs on stdin name, to stdout
unpack DIR      extract the tar on stdin
upload DIR KIND write such a tar to a signed address (stdin: JSON with paths, address and
                authorities); print how many members it has, without any of which nothing is done
download DIR    extract the tar at a signed address
listen FILE     keep in FILE what `await` and `keep` find beside DOOR: a signed address where words
                come, too (stdin: JSON with address and authorities)
digest DIR      print the digest of the files that the JSON globs on stdin name

KIND is `all`, `texts`, or `files` for what is no text. What may work later ends with 75.
What only some verbs need is imported by these: every step of a run waits for its clone.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import sys
import time
from collections.abc import Callable

from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    C8sError,
    InvalidInput,
    Unavailable,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage import archive, selection

from .clone import clone_into

TERMINATION_LOG = pathlib.Path("/dev/termination-log")
READ_SIZE = 1 << 20
LATER = 75
_LOOK_SECONDS = 0.02


def main(arguments: list[str]) -> int:
    verbs: dict[str, Callable[..., None]] = {
        "clone": clone,
        "await": await_door,
        "keep": keep,
        "pack": pack,
        "unpack": unpack,
        "upload": upload,
        "download": download,
        "digest": digest,
        "listen": listen,
    }
    verb, *rest = arguments or [""]
    try:
        if verb not in verbs:
            raise InvalidInput(f"{verb!r} is no verb of the agent; there are {', '.join(verbs)}")
        verbs[verb](*rest)
    except C8sError as error:
        sys.stderr.write(f"{error}\n")
        if TERMINATION_LOG.exists():
            TERMINATION_LOG.write_text(str(error))
        return LATER if isinstance(error, Unavailable) else 1
    return 0


def clone() -> None:
    clone_into(pathlib.Path.cwd(), json.loads(os.environ["C8S_CLONE"]))


def await_door(door: str, words: str = "") -> None:
    path = pathlib.Path(door)
    heed = None
    if words:
        from .words import Words

        heed = Words(pathlib.Path(words), path.with_name("listen")).heed
    while not (path.exists() and path.stat().st_size):
        if heed is not None:
            heed()
        time.sleep(_LOOK_SECONDS)


def keep(door: str, words: str = "") -> None:
    """The kubelet sends TERM once the step has ended, even before this program can hear it; what
    the step left may not be fetched by then. Only the file ends it, or the grace period."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    await_door(door, words)


def pack(folder: str, kind: str) -> None:
    root = pathlib.Path(folder)
    archive.pack(root, _selected(root, json.load(sys.stdin), kind), sys.stdout.buffer)


def upload(folder: str, kind: str) -> None:
    from . import transfer

    root, wanted = pathlib.Path(folder), json.load(sys.stdin)
    found = archive.members(root, _selected(root, wanted["paths"], kind))
    if found:
        transfer.upload(root, found, wanted)
    sys.stdout.write(f"{len(found)}\n")


def download(folder: str) -> None:
    from . import transfer

    transfer.download(pathlib.Path(folder), json.load(sys.stdin))


def _selected(root: pathlib.Path, globs: list[str], kind: str) -> list[pathlib.Path]:
    """What the globs name, of one kind."""
    paths = selection.select(root, globs)
    if kind == "all":
        return paths
    return [path for path in paths if archive.is_text(root / path) is (kind == "texts")]


def unpack(folder: str) -> None:
    try:
        archive.unpack(sys.stdin.buffer, pathlib.Path(folder), links_out=True)
    finally:
        while sys.stdin.buffer.read(READ_SIZE):
            pass  # The API tells how a command ended only once its input was taken.


def listen(file: str) -> None:
    draft = pathlib.Path(f"{file}.draft")
    draft.write_text(json.dumps(json.load(sys.stdin)))
    draft.rename(file)


def digest(folder: str) -> None:
    sys.stdout.write(selection.digest(pathlib.Path(folder), json.load(sys.stdin)) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
