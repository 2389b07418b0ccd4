"""Removes the containers that a driver leaves behind when it is killed: a program beside it.

The driver keeps the other end of the warden's standard input; when the driver dies, however it
dies, the input ends and the warden removes the containers that this driver has made. Those of
another driver stay, which may have gone on with the same run already. The warden uses the standard
library alone, for it is started as `python -I -S -c SOURCE ENGINE DRIVER_ID`.

Input: `bye` when nothing is left to do.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time

DRIVER_ID_LABEL = "c8s.dev/driver-id"
BYE = b"bye"

_PASSES = 100
_LOOK_SECONDS = 0.5


def remove_containers(engine: str, driver_id: str) -> None:
    """Remove the containers of a driver until two looks in a row find none.

    The engine may still be making what the driver had asked for; and podman removes a container
    only after those that share its network.
    """
    looks_in_vain = 0
    for _attempt in range(_PASSES):
        wanted = f"label={DRIVER_ID_LABEL}={driver_id}"
        status, output = _call([engine, "ps", "--all", "--quiet", "--filter", wanted])
        containers = output.split()
        if containers:
            looks_in_vain = 0
            _call([engine, "rm", "--force", "--volumes", *containers])
            continue
        looks_in_vain += status == 0
        if looks_in_vain == 2:
            return
        time.sleep(_LOOK_SECONDS)


def _call(command: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, done.stdout.decode()


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    if sys.stdin.buffer.read() != BYE:
        remove_containers(*sys.argv[1:])
