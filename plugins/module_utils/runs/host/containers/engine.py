"""Steps as containers of docker or podman: one implementation on the engines' command line.

Nothing but containers is made, each with the labels of its run and step, so that everything that
a driver left behind can be found and removed by anybody, whatever became of the driver.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping

from ....core.errors import NotFound, Unavailable
from ....images.engine_client import CallGivenUp, EngineClient, EngineFacts
from ....pipeline.spec import Service
from ....pipeline.status import Reason
from ...step_fault import StepFault
from .. import isolated_python
from ..engine import Child, HostStep, Place
from . import arguments, warden
from .arguments import Habitat
from .attachment import Attachment
from .child import ENGINE_FAILED, START_FAILED, ContainerChild
from .remedies import Remedies, remedy
from .services import Services
from .state import reap_monitors, remove

IMAGE_PULL_FAILED = "ImagePullFailed"

_SWEEPS = 10


class ContainerEngine:
    """Starts each step as a container of the engine `name`: docker or podman."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._driver_id = uuid.uuid4().hex
        self._warden: subprocess.Popen[bytes] | None = None
        self._client = EngineClient(name)
        self._lock = threading.Lock()
        self._known: EngineFacts | None = None
        self._remedies = Remedies()
        self._proven = False

    def workspace_path(self, place: Place) -> str:
        return arguments.WORKSPACE

    def enter(self) -> None:
        if self._warden is None:
            self._known = self._client.facts()
            self._warden = subprocess.Popen(
                isolated_python.command(warden, self.name, self._driver_id),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,  # What ends the driver's group must not end the warden.
            )

    def leave(self) -> None:
        if self._warden is not None:
            self._warden.communicate(warden.BYE)
            self._warden = None

    def begin(self, host_step: HostStep) -> Child:
        """Start the services, wait until they are ready, start the step."""
        begun = _Beginning(self, self._client, host_step)
        try:
            return begun.child()
        except CallGivenUp as error:
            raise StepFault(Reason.CANCELLED_BY, "stopped before its first command") from error
        except NotFound as error:
            raise StepFault(IMAGE_PULL_FAILED, str(error)) from error
        except Unavailable as error:
            raise StepFault(ENGINE_FAILED, str(error)) from error

    def sweep(self, run_id: str, step: str = "") -> None:
        """Remove the containers of a run; Unavailable where some stay."""
        wanted = ["--filter", f"label={arguments.RUN_ID_LABEL}={run_id}"]
        if step:
            wanted += ["--filter", f"label={arguments.STEP_LABEL}={step}"]
        objection = ""
        for _attempt in range(_SWEEPS):
            listed = self._client.call("ps", "--all", "--quiet", *wanted)
            if not listed.ok:
                objection = listed.words
                break
            found = listed.output.split()
            if not found:
                reap_monitors()
                return
            objection = remove(self._client, found)
        raise Unavailable(
            f"containers of run {run_id} may be left: {objection}; remove what"
            f" `{self.name} ps --all --filter label={arguments.RUN_ID_LABEL}={run_id}` lists"
        )

    # --- what is learnt on the way -------------------------------------------------------------

    def habitat(self) -> Habitat:
        """What the next container has to be made for."""
        with self._lock:
            if self._known is None:
                self._known = self._client.facts()
            return Habitat(
                podman=self.name == "podman",
                driver_id=self._driver_id,
                user=os.getuid(),
                group=os.getgid(),
                facts=self._known,
                remedies=self._remedies,
            )

    def learn(self, words: str, tried: Remedies) -> bool:
        """Whether it is worth trying again after a failure; another step may have learnt too."""
        with self._lock:
            found = remedy(words, tried)
            if found is not None and self._remedies == tried:
                self._remedies = found
            return self._remedies != tried

    @property
    def proven(self) -> bool:
        """Whether a container has started by what is known; till then each start is watched."""
        return self._proven

    def prove(self) -> None:
        self._proven = True


class _Beginning:
    """One step on its way to its container; whatever goes wrong, nothing of it stays."""

    def __init__(self, engine: ContainerEngine, client: EngineClient, host_step: HostStep) -> None:
        self._engine = engine
        self._client = client
        self._host_step = host_step
        self._given_up = host_step.given_up
        self._made: list[str] = []

    def child(self) -> ContainerChild:
        child = None
        try:
            image = self._client.fetch(self._host_step.step.image, self._given_up)
            services = self._services()
            child = self._step(image, services)
        finally:
            if child is None:
                remove(self._client, self._made[::-1])
        return child

    def _services(self) -> Services | None:
        wanted = self._host_step.step.services
        if not wanted:
            return None
        images = [self._client.fetch(service.image, self._given_up) for service in wanted]
        containers = []
        for service, image in zip(wanted, images, strict=True):
            name = arguments.service_container(self._host_step, service)
            self._start_service(name, service, image)
            containers.append((service, name))
        services = Services(self._client, containers)
        services.wait(self._given_up)
        return services

    def _start_service(self, name: str, service: Service, image: str) -> None:
        network = self._network()

        def start(habitat: Habitat) -> str:
            words = arguments.service_arguments(self._host_step, service, image, habitat, network)
            answer = self._client.call("create", *words, given_up=self._given_up)
            if answer.ok:
                answer = self._client.call(
                    "start", name, given_up=self._given_up, folder=self._host_step.place.root
                )
            return "" if answer.ok else answer.words

        self._persist(name, start)

    def _step(self, image: str, services: Services | None) -> ContainerChild:
        host_step = self._host_step
        name = arguments.step_container(host_step)
        network = self._network()
        attached: list[Attachment] = []

        def start(habitat: Habitat) -> str:
            words = arguments.step_arguments(host_step, image, habitat, network)
            with client_environment(host_step) as environment:
                answer = self._client.call(
                    "create", *words, env=environment, given_up=self._given_up
                )
            if not answer.ok:
                return answer.words
            attachment = Attachment(self._client, name, host_step.place.root)
            fault = "" if self._engine.proven else attachment.fault(self._given_up)
            if not fault:
                attached.append(attachment)
            return fault

        self._persist(name, start)
        return ContainerChild(
            self._client,
            host_step.step,
            tuple(self._made),
            attached[0],
            services.last_words if services else None,
            self._engine.habitat().facts.cgroup_version,
        )

    def _network(self) -> str:
        """The container made first; it owns the network that the others share."""
        return self._made[0] if self._made else ""

    def _persist(self, name: str, start: Callable[[Habitat], str]) -> None:
        """Make and start a container, again where its failure tells what this host asks for."""
        while True:
            habitat = self._engine.habitat()
            self._made.append(name)
            fault = start(habitat)
            if not fault:
                self._engine.prove()
                return
            remove(self._client, [self._made.pop()])
            if not self._engine.learn(fault, habitat.remedies):
                raise StepFault(START_FAILED, f"{self._client.program}: {fault}")


@contextlib.contextmanager
def client_environment(host_step: HostStep) -> Iterator[Mapping[str, str]]:
    """The environment of the engine's program while it makes a step's container.

    It has the secrets that the container gets, since no command line may show them. Those that
    would mislead the program itself are in a file for as long.
    """
    reserved = arguments.reserved_secrets(host_step)
    path = pathlib.Path(arguments.reserved_file(host_step))
    given = {name: value for name, value in host_step.secret_env.items() if name not in reserved}
    try:
        if reserved:
            path.touch(mode=0o600)
            path.write_text("".join(f"{name}={value}\n" for name, value in reserved.items()))
        yield {**os.environ, **given}
    finally:
        path.unlink(missing_ok=True)
