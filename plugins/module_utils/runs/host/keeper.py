"""Keeps the processes of one step together: a program between the driver and the step.

All that a step starts descends from the keeper and, since the keeper is a subreaper (prctl(2),
Linux), stays below it whatever it does to get away: leave its group, become a daemon, empty its
environment. So the keeper needs no mark to know what to kill: until it has no child any more, it
kills its children. It does so when the step's own process has ended, and when the driver has,
which closes the keeper's standard input however it ends. Elsewhere than on Linux only the step's
process group is ended.

The program is started once, as `python -I -S -c SOURCE`, and uses the standard library alone. Its
standard input is a socket; with each byte come the descriptors of a keeper's input, output and
error output, and it forks one. It ends with the driver.

Input of a keeper: a line with the length of the order, the order (`encode`), then one byte for each
signal. Error output: where the step's output goes. Output: a line `begun PROCESS` or `refused WHY`,
and `ended CODE`, negative for a signal.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import io
import os
import select
import signal
import socket
import sys
import time

TERMINATE, KILL = b"t", b"k"

_PR_SET_CHILD_SUBREAPER = 36
_KILL_SECONDS = 10.0
_LOOK_SECONDS = 0.002
# How often it reaps what was orphaned; without news of its child's end, also how often it asks.
_REAP_SECONDS, _ASK_SECONDS = 1.0, 0.02


def encode(folder: str, arguments: list[str], environment: dict[str, str]) -> bytes:
    """The order to start a step; ValueError for what no process can be given."""
    texts = [folder, str(len(arguments)), *arguments]
    texts += (f"{name}={value}" for name, value in environment.items())
    if any("\0" in text for text in texts):
        raise ValueError("an argument or a variable holds a zero byte")
    order = b"\0".join(os.fsencode(text) for text in texts)
    return b"%d\n" % len(order) + order


def _read_order() -> tuple[str, list[bytes], dict[bytes, bytes]]:
    with open(0, "rb", closefd=False, buffering=0) as stream:
        # One byte at a time: what follows the line is not for this reader.
        line = b""
        while not line.endswith(b"\n"):
            line += _more(stream, 1)
        content = b""
        while missing := int(line) - len(content):
            content += _more(stream, missing)
    folder, count, *texts = content.split(b"\0")
    arguments, variables = texts[: int(count)], texts[int(count) :]
    environment = {name: value for name, _equals, value in (v.partition(b"=") for v in variables)}
    return os.fsdecode(folder), arguments, environment


def _more(stream: io.FileIO, size: int) -> bytes:
    content = stream.read(size)
    if not content:
        raise BrokenPipeError(errno.EPIPE, "the driver has gone")
    return content


def _tell(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # The driver may have gone.
        os.write(1, line.encode() + b"\n")


def _become_subreaper() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


class _Family:
    """The step's own process, a leader of a group, and all that descends from it."""

    def __init__(self, process: int, whole: bool) -> None:
        self._process = process
        self._whole = whole
        self.status: int | None = None

    def signal(self, number: int) -> None:
        """Send to the step's process group."""
        with contextlib.suppress(OSError):  # None of it may be left, or may be ours.
            os.killpg(self._process, number)

    def reap(self) -> bool:
        """Take what has ended; False where there is no child any more."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if process == 0:
                return True
            if process == self._process:
                self.status = os.waitstatus_to_exitcode(status)

    def end(self) -> None:
        """Kill until nothing is left: orphans come up as children when their parents are gone."""
        deadline = time.monotonic() + _KILL_SECONDS
        if not self._whole or self.status is None:
            self.signal(signal.SIGKILL)
        while self.reap() and time.monotonic() < deadline:
            for child in _children() if self._whole else ():
                with contextlib.suppress(OSError):  # It may be another user's.
                    os.kill(child, signal.SIGKILL)
            time.sleep(_LOOK_SECONDS)


def _children() -> list[int]:
    """The children of this process, which are its alone to reap: none of them is another's."""
    try:
        with open("/proc/thread-self/children", encoding="ascii") as stream:
            return [int(word) for word in stream.read().split()]
    except OSError:
        return [process for process in _processes() if _parent(process) == os.getpid()]


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _parent(process: int) -> int:
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as stream:
            return int(stream.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _start() -> int:
    folder, arguments, environment = _read_order()
    os.chdir(folder)
    return os.posix_spawn(
        arguments[0],
        arguments,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, 2, 1),
        ],
        setpgroup=0,
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
    )


def _wait(family: _Family, process: int) -> None:
    """Pass signals on until the step's own process or the driver has ended."""
    poller = select.poll()
    poller.register(0, select.POLLIN)
    seconds = _ASK_SECONDS
    with contextlib.suppress(AttributeError, OSError):  # An older kernel has none, or another one.
        poller.register(os.pidfd_open(process), select.POLLIN)
        seconds = _REAP_SECONDS
    while family.reap() and family.status is None:
        ready = [descriptor for descriptor, _event in poller.poll(seconds * 1000)]
        if 0 in ready:
            wishes = os.read(0, 64)
            if not wishes:
                return
            if TERMINATE in wishes:
                family.signal(signal.SIGTERM)
            if KILL in wishes:
                family.signal(signal.SIGKILL)


def keep() -> None:
    """Start a step, and see it and all that it has started to their end."""
    whole = _become_subreaper()
    try:
        process = _start()
    except OSError as error:
        _tell(f"refused {error.strerror}")
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)  # The output ends with the step.
    _tell(f"begun {process}")
    family = _Family(process, whole)
    _wait(family, process)
    family.end()
    if family.status is not None:
        _tell(f"ended {family.status}")


def serve() -> None:
    """Fork a keeper for each byte on the socket, until that is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for keepers: they tell.
    driver = socket.socket(fileno=0)
    while True:
        wish, descriptors, _flags, _address = socket.recv_fds(driver, 1, 3)
        if not wish:
            return
        if os.fork() == 0:
            _become_keeper(descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _become_keeper(descriptors: list[int]) -> None:
    """Be what was forked: with these three descriptors alone, and never to come back."""
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for place, descriptor in enumerate(descriptors):
            os.dup2(descriptor, place)
        os.closerange(3, max(descriptors) + 1)
        keep()
    finally:
        os._exit(0)


if __name__ == "__main__":
    serve()
