"""Logs of any size: whole below the cap, head and tail above it, and a driver that stays small."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

from ansible_collections.c8s.ci.plugins.module_utils.storage.capped_log import DEFAULT_CAP

from e2e.lab import Lab

BIN = pathlib.Path(sys.executable).parent
TOKEN = "hunter2-very-secret"
LINES = 105_000
LINE = (
    "%09d the quick brown fox jumps over the lazy dog, as often as the block has lines and ends\\n"
)
# Ten megabytes of numbered lines, made beforehand, so that they come as fast as a disk gives them.
MAKE = f"""awk 'BEGIN {{ for (i = 1; i <= {LINES}; i++) printf "{LINE}", i }}' > /tmp/block"""
SAY = "for time in $(seq {times}); do cat /tmp/block; done"
STEP = {"image": "busybox", "timeout": "5m", "resources": {"cpu": "10m", "memory": "16Mi"}}
FILE = {
    "version": "v1alpha1",
    "name": "large",
    "steps": [
        {
            "name": "huge",
            "secrets": [{"secretRef": "deploy", "key": "token", "envVar": "TOKEN"}],
            "commands": [
                'echo "begins with $TOKEN"',
                MAKE,
                SAY.format(times=10),
                'echo "ends with $TOKEN"',
            ],
            **STEP,
        },
        {
            "name": "large",
            "dependsOn": ["huge"],
            "commands": [MAKE, SAY.format(times=2)],
            **STEP,
        },
    ],
}


def block() -> bytes:
    line = LINE.replace("\\n", "\n")
    return "".join(line % number for number in range(1, LINES + 1)).encode()


def test_a_hundred_megabytes_and_less(lab: Lab, tmp_path: pathlib.Path) -> None:
    lab.secret("deploy", token=TOKEN)
    (tmp_path / "large.yaml").write_text(json.dumps(FILE))
    driver = subprocess.Popen(
        [
            *(BIN / "c8s", "run", tmp_path / "large.yaml", "--executor", "kubernetes"),
            *("--namespace", lab.namespace, "--kubeconfig", lab.kubeconfig),
            *("--store", lab.store, "--name", "large-1", "--agent-image", lab.agent),
        ],
        stderr=subprocess.PIPE,
    )
    _pid, status, used = os.wait4(driver.pid, 0)
    assert driver.stderr is not None
    with driver.stderr:
        said = driver.stderr.read().decode()
    driver.returncode = os.waitstatus_to_exitcode(status)
    assert driver.returncode == 0, said
    records = lab.runs().records

    whole = b"begins with ***REDACTED***\n" + block() * 10 + b"ends with ***REDACTED***\n"
    assert len(whole) > 100_000_000 > DEFAULT_CAP
    huge = b"".join(records.stored_log("large-1", "huge", 1).read())
    assert TOKEN.encode() not in huge
    head, note, tail = re.split(rb"\n\[c8s: (\d+) bytes of output were cut here\]\n", huge)
    assert len(head) + len(tail) == DEFAULT_CAP
    assert len(head) + int(note) + len(tail) == len(whole)
    # Not by ==, which would print both where they differ.
    assert whole.startswith(head)
    assert whole.endswith(tail)

    large = b"".join(records.stored_log("large-1", "large", 1).read())
    assert len(large) == 2 * len(block()) < DEFAULT_CAP
    assert hashlib.sha256(large).digest() == hashlib.sha256(block() * 2).digest()
    # Kilobytes: Python with all that it has loaded, the tail that the cap keeps (25 MiB, twice
    # while it is written), and what the connection brings ahead: less than the log in all.
    print("RSS", used.ru_maxrss)
    assert used.ru_maxrss < 200 * 1024, used.ru_maxrss
