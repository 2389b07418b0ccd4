"""The command: subjects of commits on stdin, the last version as the argument."""

from __future__ import annotations

import argparse
import sys

from nextver import BUILD
from nextver.commits import part_of_all
from nextver.version import parse


def main() -> int:
    """Print the next version; the exit code."""
    parser = argparse.ArgumentParser(prog="nextver", description=__doc__)
    parser.add_argument("last", help="the last version, like 1.2.3")
    parser.add_argument("--version", action="version", version=f"nextver {BUILD}")
    try:
        last = parse(parser.parse_args().last)
    except ValueError as error:
        parser.error(str(error))
    part = part_of_all(sys.stdin)
    print(last.raised(part) if part else last)
    return 0


if __name__ == "__main__":
    sys.exit(main())
