"""The programs of a running instance: started, ended, halted and looked after from the host."""

from __future__ import annotations

import signal
import sys

from kube.api import Api
from kube.components import KWOK_PORT, every
from kube.errors import ClusterError
from kube.instance import Instance
from kube.namespaces import order
from kube.waiting import wait_for

KWOK_STARTS = 20


def start(instance: Instance, name: str) -> None:
    """Start the program `name`, such as kube-apiserver. It may not be ready yet on return."""
    parts = every(instance)
    if name not in parts:
        raise ClusterError(f"{instance.name} has no program {name}: it has {', '.join(parts)}")
    part = parts[name]
    order(
        instance,
        {"start": name, "argv": part.argv, "environment": part.surroundings},
    )


def send(instance: Instance, name: str, number: signal.Signals) -> None:
    """Send the program `name` a signal: SIGSTOP halts it, SIGCONT lets it go on."""
    order(instance, {"signal": int(number), "to": name})


def stop(instance: Instance, name: str, number: signal.Signals = signal.SIGTERM) -> None:
    """End the program `name` and wait until it is gone; SIGKILL after 30 s."""
    send(instance, name, number)
    try:
        wait_for(f"the end of {name}", lambda: name not in running(instance), timeout=30)
    except ClusterError:
        send(instance, name, signal.SIGKILL)
        wait_for(f"the end of {name}", lambda: name not in running(instance), timeout=10)


def running(instance: Instance) -> dict[str, int]:
    """The programs that run, and their process numbers inside the instance."""
    found: dict[str, int] = order(instance, {"status": True})["running"]
    return found


def check(instance: Instance, name: str) -> None:
    """ClusterError with the end of its log when the program `name` has ended."""
    ended = order(instance, {"status": True})["ended"]
    if name in ended:
        log = (instance.logs / f"{name}.log").read_text(errors="replace")[-3000:]
        raise ClusterError(f"{name} of {instance.name} ended with {ended[name]}:\n{log}")


def wait_api(instance: Instance, program: str = "kube-apiserver") -> None:
    """Wait until the API serves; ClusterError when its program has ended instead."""
    api = Api(instance.kubeconfig)
    wait_for("the API server", api.ready, timeout=120, alive=lambda: check(instance, program))


def start_kwok(instance: Instance) -> None:
    """Start kwok until it stays: release 0.8.0 may die at its start of a data race of its own."""
    api = Api(instance.kubeconfig).on_port(KWOK_PORT)
    for attempt in range(KWOK_STARTS):
        start(instance, "kwok")
        try:
            wait_for(
                "kwok",
                lambda: api.text("GET", "/healthz", timeout=2.0) == "ok",
                alive=lambda: check(instance, "kwok"),
            )
        except ClusterError as error:
            if "kwok" in running(instance):
                raise
            print(f"kwok's start {attempt + 1} failed: {error}", file=sys.stderr)
        else:
            return
    raise ClusterError(f"kwok does not stay up, see {instance.logs / 'kwok.log'}")
