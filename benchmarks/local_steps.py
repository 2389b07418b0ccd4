"""A step on this host against the bare shell."""

from __future__ import annotations

import pathlib
import subprocess
import tempfile

from ansible_collections.c8s.ci.plugins.module_utils.runs.host.runs import HostRuns
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request
from timing import Times, alternate

STEPS = 20


def table() -> str:
    rows = [
        "| what | c8s | bare `sh -c` in sequence | added per step |",
        "| --- | --- | --- | --- |",
    ]
    for title, chained in (("a chain of 20 steps", True), ("20 steps side by side", False)):
        ours, bare = _measure(chained)
        added = (ours.median - bare.median) / STEPS * 1000
        rows.append(f"| {title} | {ours.shown()} | {bare.shown()} | {added:.1f} ms |")
    return "\n".join(rows)


def _measure(chained: bool) -> tuple[Times, Times]:
    text = _pipeline(chained).encode()

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            runs = HostRuns("local", pathlib.Path(folder))
            (launched,) = runs.launch(runs.orders([Request(text)]))
            if launched.run.status.phase != "Succeeded":
                raise RuntimeError(launched.run.status.message)

    def bare() -> None:
        for number in range(STEPS):
            subprocess.run(["/bin/sh", "-euc", f"echo {number}"], check=True, capture_output=True)

    first, second = alternate([ours, bare])
    return first, second


def _pipeline(chained: bool) -> str:
    lines = ["version: v1alpha1", "name: overhead", "steps:"]
    for number in range(STEPS):
        lines += [f"  - name: step-{number}", "    image: none", f"    commands: [echo {number}]"]
        if chained and number:
            lines.append(f"    dependsOn: [step-{number - 1}]")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
