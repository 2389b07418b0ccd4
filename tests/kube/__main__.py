"""The test cluster's command: a real Kubernetes on this machine, gone without a trace when stopped.

C8S_TEST_KUBECONFIG names another cluster to use instead; else kind or k3s makes one where they are
installed; else it is built once from the Go module proxy (minutes) and started in namespaces of
its own (seconds). It needs root. C8S_TEST_CLUSTER=NAME gives its clusters names of their own.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from kube import own, processes
from kube.cluster import Cluster, named, release_all
from kube.errors import ClusterError, NotUp
from kube.instance import Size, load, names, recorded, usual_name
from kube.namespaces import entered
from kube.node import maker, running, up
from kube.teardown import down


def main() -> int:
    arguments = _parser().parse_args()
    try:
        arguments.act(arguments)
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cluster", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, act: object, about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(act=act)
        return made

    def name_option(to: argparse.ArgumentParser) -> None:
        to.add_argument(
            "--name",
            default=usual_name("full"),
            help="the instance (default: that of the full size)",
        )

    one = command("up", _up, "start a cluster; the last line is the path of its kubeconfig")
    one.add_argument("--size", choices=("full", "control"), default="full")
    one.add_argument("--name", help="the instance (default: the size)")
    one.add_argument("--audit", action="store_true", help="log every write, see status")
    one = command("down", _down, "stop clusters, and leave nothing of them")
    one.add_argument("--name", action="append", help="may be repeated")
    one.add_argument("--all", action="store_true", help="all of this host, used or not")
    one = command("status", _status, "say what is up")
    one.add_argument("--name", action="append", help="of these alone; may be repeated")
    one = command("build", _build, "build what clusters need, without starting one")
    one.add_argument("--size", choices=("full", "control"), help="of this size (default: all)")
    one = command("push", _push, "give a cluster an image")
    name_option(one)
    one.add_argument("image", help="repository:tag, such as team/tool:1")
    one.add_argument("files", nargs="+", type=Path, help="root folders as tar files, lowest first")
    one.add_argument("--archive", action="store_true", help="one file of `docker save` instead")
    one.add_argument("--entrypoint", nargs="+", default=[])
    one.add_argument("--env", action="append", help="NAME=value; may be repeated")
    one.add_argument("--user", default="")
    one.add_argument("--folder", default="", help="the working directory")
    one = command("signal", _signal, "send a program a signal, such as STOP, CONT, KILL")
    name_option(one)
    one.add_argument("signal", choices=[each.name.removeprefix("SIG") for each in signal.Signals])
    one.add_argument("program")
    one = command("restart", _restart, "end a program, such as kube-apiserver, and start it anew")
    name_option(one)
    one.add_argument("program")
    one = command("run", _run, "run a command on the node, a shell when none is given")
    name_option(one)
    one.add_argument("words", nargs=argparse.REMAINDER, metavar="WORD")
    return parser


def _up(arguments: argparse.Namespace) -> None:
    given = named() if arguments.size == "full" else None
    if given is None:
        name = arguments.name or usual_name(arguments.size)
        given = Cluster.of(up(name, arguments.size, audit=arguments.audit))
    print(given.kubeconfig)


def _down(arguments: argparse.Namespace) -> None:
    chosen = arguments.name or [usual_name("full"), usual_name("control")]
    for name in names() if arguments.all else chosen:
        if down(name):
            print(f"stopped {name}")
    for name in release_all():
        print(f"stopped {name}, left over")


def _status(arguments: argparse.Namespace) -> None:
    for instance in recorded():
        if arguments.name and instance.name not in arguments.name:
            continue
        cluster = Cluster.of(instance)
        print(f"{instance.name}: {'up' if running(instance.name) else 'NOT HEALTHY'}")
        print(f"  kubeconfig    {cluster.kubeconfig}")
        print(f"  made by       {instance.maker}, size {instance.size}")
        print(f"  host for pods {cluster.host_address}")
        print(f"  logs          {instance.logs}")
        if instance.audit:
            print(f"  audit log     {instance.audit_log}")
        if instance.maker == "own":
            print(f"  programs      {', '.join(sorted(_programs(cluster)))}")


def _programs(cluster: Cluster) -> dict[str, int]:
    try:
        return cluster.programs()
    except OSError:  # nobody takes orders: it is dead, and the first line has said so
        return {}


def _build(arguments: argparse.Namespace) -> None:
    sizes: tuple[Size, ...] = (arguments.size,) if arguments.size else ("full", "control")
    for size in sizes:
        if maker(size) == "own" and not (size == "full" and named()):
            own.build(size)


def _push(arguments: argparse.Namespace) -> None:
    cluster = _cluster(arguments)
    if arguments.archive:
        for file in arguments.files:
            cluster.push_archive(arguments.image, file)
        return
    cluster.push_image(
        arguments.image,
        arguments.files,
        entrypoint=arguments.entrypoint,
        environment=arguments.env,
        user=arguments.user,
        folder=arguments.folder,
    )


def _signal(arguments: argparse.Namespace) -> None:
    processes.send(
        load(arguments.name), arguments.program, signal.Signals[f"SIG{arguments.signal}"]
    )


def _restart(arguments: argparse.Namespace) -> None:
    _cluster(arguments).restart(arguments.program)


def _run(arguments: argparse.Namespace) -> None:
    given = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    words = entered(load(arguments.name), *given)
    os.execvp(words[0], words)


def _cluster(arguments: argparse.Namespace) -> Cluster:
    found = running(arguments.name)
    if found is None:
        raise NotUp(f"the test cluster {arguments.name} is not up: run `make cluster`")
    return Cluster.of(found)


if __name__ == "__main__":
    sys.exit(main())
