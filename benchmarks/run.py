"""Run every benchmark side by side and keep the tables: `make bench`.

A benchmark is a module of this folder with `table() -> str`, a Markdown table of medians with
their spread, always beside a peer or a raw baseline of the same run. Give names to run only those.
"""

from __future__ import annotations

import datetime
import importlib
import os
import pathlib
import platform
import sys

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
TOOLS = ("bare_jobs", "run", "timing")


def main(wanted: list[str]) -> int:
    names = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in TOOLS)
    unknown = [name for name in wanted if name not in names]
    if unknown:
        sys.stderr.write(f"no benchmark is named {unknown[0]!r}; there are {', '.join(names)}\n")
        return 2
    sections = []
    for name in wanted or names:
        module = importlib.import_module(name)
        title = (module.__doc__ or name).strip().splitlines()[0].rstrip(".")
        print(f"{title} ...", flush=True)
        table = module.table()
        print(table, flush=True)
        sections.append(f"## {title}\n\n{table.strip()}\n")
    if not wanted:
        RESULTS.write_text(f"# Measured\n\n{_machine()}\n\n" + "\n".join(sections))
        print(f"kept in {RESULTS.name}")
    return 0


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = next(
        (
            line.partition(":")[2].strip()
            for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return (
        f"{today}, {os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux"
        f" {platform.release().split('-')[0]}, Python {platform.python_version()}. Medians of at"
        " least five runs with their spread; peers ran in the same call. A shared machine: read"
        " ratios, not absolute times. `make bench` writes this file."
    )


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.exit(main(sys.argv[1:]))
