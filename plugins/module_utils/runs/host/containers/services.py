"""The services of a step: containers that share one network, and when they may be used."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ....core.errors import Unavailable
from ....images.engine_client import CallGivenUp, EngineClient
from ....pipeline.spec import Service
from ...step_fault import StepFault
from .readiness import Probe
from .state import inspect

NOT_READY = "ServiceNotReady"

_POLL_SECONDS = 0.2
_MESSAGE_LINES = 10
_LOG_LINES = 30


class Services:
    """Services that were started, by the names of their containers."""

    def __init__(self, client: EngineClient, containers: Sequence[tuple[Service, str]]) -> None:
        self._client = client
        self._containers = containers
        self._begun = time.monotonic()

    def wait(self, given_up: Callable[[], bool]) -> None:
        """Come back when every service is ready.

        Raises StepFault, with the last lines it printed, for one that has ended or whose time for
        getting ready is over; CallGivenUp once `given_up` says so.
        """
        waiting = {
            container: Probe(self._client, service, self._containers[0][1], container)
            for service, container in self._containers
            if service.readiness is not None
        }
        while True:
            self._check_alive()
            for container, probe in list(waiting.items()):
                if probe.ready():
                    del waiting[container]
                elif time.monotonic() - self._begun > probe.timeout:
                    self._fault(container, f"is not ready after {probe.timeout} s: {probe.lack}")
            if not waiting:
                return
            if given_up():
                raise CallGivenUp("stopped while it waited for its services")
            time.sleep(_POLL_SECONDS)

    def last_words(self) -> str:
        """The last lines of every service, each under a heading, for the log of a failed step."""
        return "".join(
            f"[c8s: last lines of service {service.name!r}]\n{self._lines(container, _LOG_LINES)}\n"
            for service, container in self._containers
        )

    def _check_alive(self) -> None:
        states = inspect(self._client, [container for _service, container in self._containers])
        for (_service, container), state in zip(self._containers, states, strict=True):
            if not state.running:
                self._fault(container, f"ended with exit code {state.exit_code}")

    def _fault(self, container: str, what: str) -> None:
        name = next(service.name for service, other in self._containers if other == container)
        lines = self._lines(container, _MESSAGE_LINES)
        said = f"; its last lines:\n{lines}" if lines else "; it printed nothing"
        raise StepFault(NOT_READY, f"service {name!r} {what}{said}")

    def _lines(self, container: str, count: int) -> str:
        try:
            answer = self._client.call("logs", "--tail", str(count), container)
        except Unavailable as error:
            return str(error)
        return f"{answer.output}{answer.said}".strip()
