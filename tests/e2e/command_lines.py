"""Every command line that appears on this host while a test looks."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class CommandLines:
    """What was seen. The node of a test cluster is a part of this host: its pods are seen too."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._stopped = threading.Event()

    def look(self) -> None:
        """Look until told to stop, at each process once while its command line stays the same."""
        while not self._stopped.wait(0.005):
            for entry in os.listdir("/proc"):
                if entry.isdigit():
                    try:
                        self.seen.add(Path("/proc", entry, "cmdline").read_bytes())
                    except (FileNotFoundError, ProcessLookupError):
                        continue  # It has ended.

    def stop(self) -> None:
        self._stopped.set()


@contextmanager
def watched() -> Iterator[CommandLines]:
    """Look at all command lines in here."""
    lines = CommandLines()
    thread = threading.Thread(target=lines.look)
    thread.start()
    try:
        yield lines
    finally:
        lines.stop()
        thread.join()
