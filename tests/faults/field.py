"""Runs whose pods are played, each behind a proxy of its own that does something wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import to_record
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run

from faults.api_proxy import ApiProxy
from faults.driving import Place, check_end, order_of
from faults.fault import Asked, Fault
from faults.sightings import Sightings
from kube.cluster import Cluster
from kube.fixtures import own_namespace

TEXT = order_of(
    [
        {"name": "one", "commands": ["true"]},
        {"name": "two", "dependsOn": ["one"], "commands": ["true"]},
    ]
)
LOGS = {"one": b"played by kwok\n", "two": b"played by kwok\n"}
Judge = Callable[[Asked], Fault | None]


class Field:
    """Runs pipelines on the control plane, each in a namespace and behind a proxy of its own."""

    def __init__(self, cluster: Cluster, sightings: Sightings, folder: Path) -> None:
        self.cluster = cluster
        self.sightings = sightings
        self.folder = folder

    def drive(self, judge: Judge = lambda _asked: None) -> list[Asked]:
        """Drive the run while `judge` says what befalls its requests; it ends as it would without.

        What was asked comes back.
        """
        with ExitStack() as stack:
            place, proxy = self.place(stack)
            proxy.judge = judge
            self.check(place, to_record(place.launch(TEXT)))
            return [asked for asked, _status in proxy.asked]

    def check(self, place: Place, record: Mapping[str, Any]) -> None:
        """That the run has come to the end that it has when nothing befalls it."""
        check_end(place, self.sightings, record, LOGS)

    def ends(self, judge: Judge) -> tuple[Run, list[Asked]]:
        """The run as it ended, however that is."""
        with ExitStack() as stack:
            place, proxy = self.place(stack)
            proxy.judge = judge
            run = place.launch(TEXT)
            return run, [asked for asked, _status in proxy.asked]

    def place(self, stack: ExitStack) -> tuple[Place, ApiProxy]:
        namespace = stack.enter_context(own_namespace(self.cluster))
        folder = self.folder / namespace
        folder.mkdir()
        proxy = stack.enter_context(ApiProxy(self.cluster.kubeconfig, folder / "pki"))
        kubeconfig = proxy.kubeconfig(folder / "kubeconfig")
        return Place(self.cluster, namespace, folder / "store", kubeconfig), proxy


def nth(sort: str, number: int, fault: Fault) -> Judge:
    """What befalls the request of that number among its sort."""
    return lambda asked: fault if (asked.sort, asked.number) == (sort, number) else None


def first(resource: str, fault: Fault, *, method: str = "POST", times: int = 1) -> Judge:
    """What befalls the first requests of a method for a resource."""
    left = [times]

    def judge(asked: Asked) -> Fault | None:
        if asked.resource != resource or asked.method != method or not left[0]:
            return None
        left[0] -= 1
        return fault

    return judge
