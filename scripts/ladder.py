"""Climbs the ladder of tests: makes each rung, goes on when one fails, and counts at the end.

The counts come from the JUnit files that a rung leaves in RESULTS/RUNG. A rung that fails without
naming a failed test counts as one failure, and so does a rung that leaves no result at all.

usage: ladder.py RESULTS RUNG...
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )


def cases(folder: Path) -> Iterator[ET.Element]:
    for path in sorted(folder.rglob("*.xml")):
        try:
            yield from ET.parse(path).getroot().iter("testcase")
        except ET.ParseError:
            # Cut off while it was written: whatever it was about did not end well.
            broken = ET.Element("testcase")
            ET.SubElement(broken, "error")
            yield broken


def count(folder: Path) -> Count:
    """What the JUnit files under `folder` say of their test cases."""
    total = Count()
    for case in cases(folder):
        failed = case.find("failure") is not None or case.find("error") is not None
        skipped = not failed and case.find("skipped") is not None
        total += Count(int(not failed and not skipped), int(failed), int(skipped))
    return total


def judged(found: Count, status: int) -> Count:
    """The count, with a failure added where the rung failed or ran nothing without saying so."""
    silent = (status != 0 or found == Count()) and not found.failed
    return found + Count(failed=int(silent))


def climb(results: Path, rungs: list[str]) -> int:
    rows = []
    total = Count()
    for rung in rungs:
        folder = results / rung
        shutil.rmtree(folder, ignore_errors=True)
        print(f"=== {rung} ===", flush=True)
        started = time.monotonic()
        make = [os.environ.get("MAKE", "make"), "--no-print-directory", rung]
        status = subprocess.run(make, check=False).returncode
        seconds = time.monotonic() - started
        counted = judged(count(folder), status)
        rows.append((rung, counted, seconds))
        total += counted
    print(f"\n{'rung':<14}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for rung, row, seconds in rows:
        print(f"{rung:<14}{row.passed:>8}{row.failed:>8}{row.skipped:>9}{seconds:>9.0f}")
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"\n{total.passed} passed, {total.failed} failed{skipped}", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(climb(Path(sys.argv[1]), sys.argv[2:]))
