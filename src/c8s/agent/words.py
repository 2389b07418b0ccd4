"""Commands that come as words of the pod, and answers that go into the container's log.

Where the driver may not exec it writes what is to be run into an annotation of the pod, which its
node shows here as a file. Each word is an object of JSON: `id`, `command` (a list of arguments) and
`input`. The answer is lines of JSON with the word's id: `begun`; `out` (a piece of the output,
deflated and in base64), each with its number; and the `code` that the command ended with, what it
said (`err`), and how many pieces there were.
"""

from __future__ import annotations

import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from typing import IO, Any

from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError

# As much as a node keeps as one line of a log.
PIECE = 8 * 1024
BLOCK = 256 * 1024
# A node keeps some 50 MiB of a log; whoever reads it has to keep up.
BYTES_PER_SECOND = 8 * 1024 * 1024
ERROR_LIMIT = 4 * 1024
LOOK_SECONDS = 0.25


class Words:
    """Runs what a file asks for: each word once, one after the other.

    Words come, too, from the signed address that the file `elsewhere` tells, once it is there.
    """

    def __init__(self, file: pathlib.Path, elsewhere: pathlib.Path) -> None:
        self._file = file
        self._elsewhere = elsewhere
        self._heard: set[str] = set()
        self._look_at = 0.0

    def heed(self) -> None:
        """Run what is new; returns when it has ended, or at once where there is nothing."""
        for text in (_content(self._file), self._fetched()):
            try:
                word = json.loads(text)
            except ValueError:
                continue  # There is none, or not all of it.
            if word["id"] not in self._heard:
                self._heard.add(word["id"])
                _run(word["id"], word["command"], word["input"].encode())

    def _fetched(self) -> bytes:
        """What is at the signed address, nothing where that is not to be had now."""
        if time.monotonic() < self._look_at or not (told := _content(self._elsewhere)):
            return b""
        # What only this needs is imported here: every step with files waits for this program.
        from . import transfer

        try:
            return transfer.content(json.loads(told))
        except C8sError:
            return b""
        finally:
            self._look_at = time.monotonic() + LOOK_SECONDS


def _content(file: pathlib.Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def _run(name: str, command: list[str], given: bytes) -> None:
    _say(name, begun=True)
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stderr:
        stdin.write(given)
        stdin.seek(0)
        try:
            process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr)
        except OSError as error:
            _say(name, code=127, err=str(error), pieces=0)
            return
        pieces = _pass_on(name, process)
        code = process.wait()
        stderr.seek(0)
        said = stderr.read(ERROR_LIMIT).decode(errors="replace")
    _say(name, code=128 - code if code < 0 else code, err=said, pieces=pieces)


def _pass_on(name: str, process: subprocess.Popen[bytes]) -> int:
    """Say what it writes, no faster than a reader can follow; how many pieces that takes."""
    pieces, begun = 0, time.monotonic()
    with process.stdout or tempfile.TemporaryFile() as stream:
        for piece in _deflated(stream):
            _say(name, out=base64.b64encode(piece).decode(), piece=pieces)
            pieces += 1
            ahead = pieces * PIECE / BYTES_PER_SECOND - (time.monotonic() - begun)
            if ahead > 0:
                time.sleep(ahead)
    return pieces


def _deflated(stream: IO[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(zlib.Z_BEST_SPEED)
    waiting = b""
    while block := stream.read(BLOCK):
        waiting += packer.compress(block)
        while len(waiting) >= PIECE:
            yield waiting[:PIECE]
            waiting = waiting[PIECE:]
    waiting += packer.flush()
    for begin in range(0, len(waiting), PIECE):
        yield waiting[begin : begin + PIECE]


def _say(name: str, **answer: Any) -> None:
    sys.stdout.write(json.dumps({"id": name, **answer}) + "\n")
    sys.stdout.flush()
