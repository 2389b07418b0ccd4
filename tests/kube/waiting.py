"""Waiting for a named condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from kube.errors import ClusterError

T = TypeVar("T")


def wait_for(
    what: str,
    probe: Callable[[], T | None],
    *,
    timeout: float = 60.0,
    pause: float = 0.03,
    alive: Callable[[], None] | None = None,
) -> T:
    """What `probe` gives, as soon as it gives something true.

    `probe` is asked every `pause` seconds; an OSError of it means "not yet". `alive` may end the
    wait early by raising. After `timeout` seconds ClusterError names `what` was waited for.
    """
    deadline = time.monotonic() + timeout
    last: OSError | None = None
    while True:
        try:
            found = probe()
        except OSError as error:
            found, last = None, error
        if found:
            return found
        if alive is not None:
            alive()
        if time.monotonic() > deadline:
            raise ClusterError(f"{what}: not after {timeout:g} s" + (f" ({last})" if last else ""))
        time.sleep(pause)
