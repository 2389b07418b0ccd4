"""One call of a program of the host."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from kube.errors import ClusterError


def run(
    *argv: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input_bytes: bytes | None = None,
    timeout: float | None = None,
) -> str:
    """What the program says on stdout; ClusterError with its stderr when it fails.

    `timeout` is in seconds.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=env,
            input=input_bytes,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise ClusterError(f"{words[0]} is not installed: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{' '.join(words)} took more than {timeout} s") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()[-4000:]
        raise ClusterError(f"{' '.join(words)} ended with {done.returncode}: {said}")
    return done.stdout.decode(errors="replace")
