"""The command: `cluster up|down|status`."""

from __future__ import annotations

import argparse
import sys

from kube.errors import ClusterError
from kube.node import up
from kube.teardown import down, down_all


def main() -> int:
    parser = argparse.ArgumentParser(prog="cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up")
    start.add_argument("--size", choices=("full", "control"), default="full")
    start.add_argument("--name")
    start.add_argument("--audit", action="store_true")
    stop = commands.add_parser("down")
    stop.add_argument("--name", action="append", default=[])
    stop.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    try:
        if arguments.command == "up":
            instance = up(arguments.name or arguments.size, arguments.size, audit=arguments.audit)
            print(instance.kubeconfig)
        elif arguments.all:
            print(*down_all())
        else:
            for name in arguments.name:
                down(name)
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
