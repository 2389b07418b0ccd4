"""Run every benchmark side by side and keep the tables: `make bench`.

A benchmark is a module of this folder with `table() -> str`, a Markdown table of medians with
their spread, always beside a peer or a raw baseline of the same run. Give names to measure only
those anew; what is known of the others stays.
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
INTRODUCTION = (
    "Medians of at least five runs with their spread where nothing else is said; peers ran in the"
    " same call. A shared machine: a load above its cores means that others worked on it meanwhile."
    " Read ratios, not absolute times. `make bench` writes this file."
)
TOOLS = ("bare_jobs", "run", "timing")


def main(wanted: list[str]) -> int:
    names = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in TOOLS)
    unknown = [name for name in wanted if name not in names]
    if unknown:
        sys.stderr.write(f"no benchmark is named {unknown[0]!r}; there are {', '.join(names)}\n")
        return 2
    sections = _kept()
    for name in wanted or names:
        module = importlib.import_module(name)
        title = (module.__doc__ or name).strip().splitlines()[0].rstrip(".")
        print(f"{title} ...", flush=True)
        before = os.getloadavg()[0]
        table = module.table().strip()
        print(table, flush=True)
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        load = f"load average {before:.1f} before and {os.getloadavg()[0]:.1f} after it"
        measured = f"{today}, {_machine()}, {load}"
        sections[title] = f"{measured}\n\n{table}"
        # At once: what comes after it may fail.
        _keep(sections)
    print(f"kept in {RESULTS.name}")
    return 0


def _keep(sections: dict[str, str]) -> None:
    texts = [f"## {title}\n\n{text}\n" for title, text in sorted(sections.items())]
    RESULTS.write_text(f"# Measured\n\n{INTRODUCTION}\n\n" + "\n".join(texts))


def _kept() -> dict[str, str]:
    """The sections that there are, by title."""
    parts = RESULTS.read_text().split("\n## ")[1:] if RESULTS.exists() else []
    return {title: text.strip() for title, _gap, text in (part.partition("\n") for part in parts)}


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
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux"
        f" {platform.release().split('-')[0]}, Python {platform.python_version()}"
    )


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.exit(main(sys.argv[1:]))
