"""The pid, mount and network namespaces that an instance lives in, seen from the host."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kube.command import run
from kube.errors import ClusterError, NotUp
from kube.instance import Instance, home
from kube.waiting import wait_for

INIT = Path(__file__).with_name("init.py")


def start(instance: Instance) -> None:
    """Make the namespaces, plug the cable in, and wait until the first process takes orders."""
    log = instance.folder / "init.log"
    with log.open("ab") as output:
        subprocess.run(
            [
                # Not our child: it outlives us, and somebody else reaps it.
                *("setsid", "--fork"),
                *("unshare", "--mount", "--pid", "--net", "--fork", "--mount-proc"),
                *("--kill-child=KILL", "--propagation", "slave", sys.executable, "-I", str(INIT)),
                *(str(instance.folder), instance.node_address),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            check=True,
        )
    began = time.monotonic()

    def alive() -> None:
        if time.monotonic() - began > 1 and not list(_processes(instance.name)):
            said = log.read_text(errors="replace")[-2000:]
            raise ClusterError(f"the namespaces of {instance.name} can't be made: {said}")

    first = wait_for(
        "the first process", lambda: _own_network(instance.name), timeout=10, alive=alive
    )
    # The cable was made with both ends on the host, to claim the addresses.
    run("ip", "link", "set", _far_end(instance), "netns", str(first), "name", "eth0")
    run("ip", "address", "add", f"{instance.host_address}/30", "dev", instance.link)
    run("ip", "link", "set", instance.link, "up")
    run("ip", "route", "add", instance.pods, "via", instance.node_address)
    wait_for(
        "the first process to take orders",
        lambda: bool(order(instance, {"status": True})),
        timeout=20,
        alive=alive,
    )


def claim_link(instance: Instance) -> bool:
    """Make the cable; False when another instance has it, and so these addresses, already."""
    words = ("ip", "link", "add", instance.link, "type", "veth", "peer", "name")
    made = subprocess.run([*words, _far_end(instance)], capture_output=True, text=True, check=False)
    if made.returncode != 0 and "exists" not in made.stderr:
        raise ClusterError(f"no network cable (ip link add): {made.stderr.strip()}; are you root?")
    if made.returncode != 0:
        return False
    # Whose it is, for whoever takes it away again.
    run("ip", "link", "set", instance.link, "alias", str(instance.folder))
    return True


def _far_end(instance: Instance) -> str:
    return f"c8s-n{instance.index}"


def first_process(name: str) -> int | None:
    """The host's number of the instance's first process, while it lives."""
    return next((pid for pid, inner in _processes(name) if inner == 1), None)


def _own_network(name: str) -> int | None:
    first = first_process(name)
    if first is None or os.readlink(f"/proc/{first}/ns/net") == os.readlink("/proc/self/ns/net"):
        return None
    return first


def kill(name: str) -> None:
    """End every process of the instance and wait until the last is gone."""
    ending = dict(_processes(name))
    for pid in ending:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    # The first process, nameless already, waits for all the others to be gone: till then they may
    # be making files.
    wait_for(
        f"the end of {name}'s processes",
        lambda: not any(map(_lives, ending)) and not list(_processes(name)),
        timeout=20,
        pause=0.005,
    )


def _lives(number: int) -> bool:
    """Whether the process is there, and no zombie."""
    try:
        status = Path("/proc", str(number), "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "\nState:\tZ" not in status


def _processes(name: str) -> Iterator[tuple[int, int]]:
    """The starter and the first process of an instance: number on the host, number inside."""
    folder = str(home() / name).encode()
    for number in os.listdir("/proc"):
        if not number.isdigit():
            continue
        process = Path("/proc", number)
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if folder not in words or not any(word.endswith(b"/init.py") for word in words):
                continue
            status = (process / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        if not facts["State"].startswith("Z"):
            yield int(number), int(facts["NSpid"].split()[-1])


def order(instance: Instance, request: Mapping[str, object]) -> dict[str, Any]:
    """Have the first process do something; its answer. OSError while it does not listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(20)
        connection.connect(str(instance.socket))
        with connection.makefile("rw") as stream:
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            line = stream.readline()
    if not line:
        raise ConnectionError(f"the first process of {instance.name} gave no answer")
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise ClusterError(f"{instance.name}: {answer['error']}")
    return answer


def entered(instance: Instance, *argv: str) -> list[str]:
    """The words of a command that runs `argv` inside the instance's namespaces."""
    first = first_process(instance.name)
    if first is None:
        raise NotUp(f"the test cluster {instance.name} is not up")
    return [*("nsenter", "--target", str(first), "--mount", "--pid", "--net", "--"), *argv]
