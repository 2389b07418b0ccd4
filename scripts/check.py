"""Runs one check, shows what it printed when it failed, and writes its result as JUnit XML.

usage: check.py FOLDER NAME COMMAND...
"""

from __future__ import annotations

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path


def result(name: str, seconds: float, failure: str | None) -> ET.ElementTree[ET.Element]:
    """The JUnit document of one test case."""
    suite = ET.Element("testsuite", name="lint", tests="1", failures=str(int(failure is not None)))
    case = ET.SubElement(suite, "testcase", classname="lint", name=name, time=f"{seconds:.3f}")
    if failure is not None:
        ET.SubElement(case, "failure", message="failed").text = "".join(
            letter for letter in failure if letter.isprintable() or letter in "\n\t"
        )
    return ET.ElementTree(suite)


def main(folder: str, name: str, *command: str) -> int:
    started = time.monotonic()
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    seconds = time.monotonic() - started
    output = done.stdout.decode(errors="replace")
    failed = done.returncode != 0
    print(f"{'FAILED' if failed else 'passed'}  {name}  ({seconds:.1f} s)")
    if failed:
        print(output.rstrip())
        print(f"  exit status {done.returncode} of: {' '.join(command)}", flush=True)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    document = result(name, seconds, output if failed else None)
    document.write(target / f"{name}.xml", encoding="utf-8", xml_declaration=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
