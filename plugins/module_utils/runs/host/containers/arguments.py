"""The arguments that containers of a step are created with, in docker's and podman's words.

Pure: no engine is asked. A step's container has no capability, gains no privilege, is bounded in
processes and sees of this host its workspace, home, temporary folder and secrets. Its user is the
calling one (or root, where the engine is rootless and root stands for the calling user), so that
what it leaves in the workspace can be removed. Services keep the user of their image and what it
takes to change to another one, as servers do at their start; they see nothing of this host.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Mapping

from ....core.errors import InvalidInput
from ....images.engine_client import EngineFacts
from ....pipeline.environment import environment
from ....pipeline.script import argument_list, is_posix, script
from ....pipeline.spec import DEFAULT_SHELL, Service, Step
from ..engine import HostStep
from .remedies import Remedies
from .warden import DRIVER_ID_LABEL

WORKSPACE = "/workspace"
HOME = "/home/c8s"
TEMPORARY = "/tmp"
SECRETS = "/secrets"

RUN_ID_LABEL = "c8s.dev/run-id"
RUN_LABEL = "c8s.dev/run"
STEP_LABEL = "c8s.dev/step"
SERVICE_LABEL = "c8s.dev/service"

PIDS_LIMIT = 4096
SERVICE_CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID",
)  # fmt: skip

# An engine carries the two streams apart and loses their order: here they are one. The container
# ends with this shell: at a TERM, which all its processes get, it waits for what it runs.
_PROLOGUE = "exec 2>&1; trap 'exit 143' TERM;"

# Variables that the engine's own program reads: a secret of such a name must not reach it.
_CLIENT_VARIABLES = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TERM", "SHELL", "PWD", "LANG", "LC_ALL",
    "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "STORAGE_DRIVER", "STORAGE_OPTS",
    "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "GOCOVERDIR",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FTP_PROXY", "NOTIFY_SOCKET",
})  # fmt: skip
_CLIENT_PREFIXES = (
    "DOCKER_", "CONTAINER_", "CONTAINERS_", "PODMAN_", "BUILDAH_", "BUILDKIT_", "REGISTRY_AUTH",
    "REGISTRIES_", "XDG_", "LD_", "DBUS_", "LISTEN_", "OTEL_", "_",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Habitat:
    """What the engine and this host ask for: `podman` or not, the caller's ids, known remedies.

    `driver_id` tells the containers of one driver from those of another that drives the same run.
    """

    podman: bool
    driver_id: str
    user: int
    group: int
    facts: EngineFacts
    remedies: Remedies


def step_container(host_step: HostStep) -> str:
    """The name of a step's container."""
    return f"c8s-{host_step.run.uid}-{host_step.step.name}-{host_step.attempt}"


def service_container(host_step: HostStep, service: Service) -> str:
    """The name of a service's container."""
    return f"{step_container(host_step)}-{service.name}"


def step_arguments(host_step: HostStep, image: str, habitat: Habitat, network: str) -> list[str]:
    """All that follows `create` for a step. `network`: the container whose network it shares.

    Values of secrets are not among them, only the names of their variables; those that a client
    must not see are in the file `reserved_file` names.
    """
    step, place = host_step.step, host_step.place
    reserved = reserved_secrets(host_step)
    plain = {
        "HOME": HOME,
        "TMPDIR": TEMPORARY,
        "C8S_SECRETS": SECRETS,
        # tini passes a signal on to all the step's processes, as it is without a container.
        "TINI_KILL_PROCESS_GROUP": "1",
        **environment(host_step.run, step, WORKSPACE),
    }
    return [
        *_common(host_step, step_container(host_step), habitat),
        *_init(habitat),
        *_user(habitat),
        *(["--network", f"container:{network}"] if network else []),
        "--workdir", WORKSPACE,
        *_bind(str(place.workspace), WORKSPACE, habitat),
        *_bind(str(place.home), HOME, habitat),
        *_bind(str(place.temporary), TEMPORARY, habitat),
        *_bind(str(place.secrets), SECRETS, habitat, readonly=True),
        *_resources(step, habitat),
        # What it prints is read here and kept here.
        "--log-driver", "none",
        *_variables((name, value) for name, value in plain.items()
                    if name not in host_step.secret_env),
        *(word for name in host_step.secret_env if name not in reserved
          for word in ("--env", name)),
        *(["--env-file", str(reserved_file(host_step))] if reserved else []),
        *_program(step, image),
    ]  # fmt: skip


def service_arguments(
    host_step: HostStep, service: Service, image: str, habitat: Habitat, network: str
) -> list[str]:
    """All that follows `create` for a service of a step.

    Commands of its own may refer to the variables of the step, so it gets them then.
    """
    own: list[str] = []
    inherited: Mapping[str, str] = {}
    if service.commands:
        own = ["--entrypoint", DEFAULT_SHELL[0]]
        inherited = environment(host_step.run, host_step.step, WORKSPACE)
    return [
        *_common(host_step, service_container(host_step, service), habitat),
        "--label", f"{SERVICE_LABEL}={service.name}",
        *(word for name in SERVICE_CAPABILITIES for word in ("--cap-add", name)),
        *(["--network", f"container:{network}"] if network else []),
        # Its last lines are for whoever has to find out why it failed.
        "--log-driver", "json-file", "--log-opt", "max-size=1m",
        *_variables({**inherited, **service.env}.items()),
        *own,
        image,
        *([*DEFAULT_SHELL[1:], script(service.commands, DEFAULT_SHELL)] if own else []),
    ]  # fmt: skip


def _common(host_step: HostStep, name: str, habitat: Habitat) -> list[str]:
    run, remedies = host_step.run, habitat.remedies
    return [
        "--name", name,
        "--label", f"{RUN_ID_LABEL}={run.uid}",
        "--label", f"{DRIVER_ID_LABEL}={habitat.driver_id}",
        "--label", f"{RUN_LABEL}={run.name}",
        "--label", f"{STEP_LABEL}={host_step.step.name}",
        "--pull", "never",
        "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges",
        *(["--pids-limit", str(PIDS_LIMIT)] if remedies.pids_limit else []),
        "--ulimit", "core=0:0",
        *(word for limit in remedies.ulimits for word in ("--ulimit", limit)),
        *(["--security-opt", "label=disable"] if habitat.facts.labels and not habitat.podman
          else []),
        *(["--userns", "host"] if habitat.facts.remapped else []),
        # podman removes a running container only after this time; whoever removes one is done
        # with waiting.
        "--stop-timeout", "0",
        "--no-healthcheck",
    ]  # fmt: skip


def _init(habitat: Habitat) -> list[str]:
    """A first process that reaps, and ends at a signal that a shell as the first would ignore."""
    remedies = habitat.remedies
    if not remedies.init:
        return []
    return ["--init", *(["--init-path", remedies.init_path] if remedies.init_path else [])]


def _user(habitat: Habitat) -> list[str]:
    root = habitat.facts.rootless
    return ["--user", "0:0" if root else f"{habitat.user}:{habitat.group}"]


def _bind(source: str, target: str, habitat: Habitat, *, readonly: bool = False) -> list[str]:
    fields = ["type=bind", f"source={source}", f"target={target}"]
    if readonly:
        fields.append("readonly")
    if habitat.podman and habitat.facts.labels:
        fields.append("relabel=private")
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return ["--mount", text.getvalue()]


def _resources(step: Step, habitat: Habitat) -> list[str]:
    """Requests are a share of the processors where they are short; limits are limits.

    More processors than there are would be refused by the engine, which helps nobody.
    """
    arguments: list[str] = []
    if step.requests.cpu is not None and habitat.remedies.cpu_shares:
        shares = min(262144, max(2, int(step.requests.cpu * 1024)))
        arguments += ["--cpu-shares", str(shares)]
    limits = step.limits
    if limits is None:
        return arguments
    if limits.cpu is not None:
        cpus = min(float(limits.cpu), float(habitat.facts.cpus))
        arguments += ["--cpus", f"{max(0.01, cpus):.3f}"]
    if limits.memory is not None:
        arguments += ["--memory", str(int(limits.memory)), "--memory-swap", str(int(limits.memory))]
    if limits.ephemeral_storage is not None:
        size = int(limits.ephemeral_storage)
        arguments += ["--ulimit", f"fsize={size}:{size}"]
    return arguments


def _variables(variables: Iterable[tuple[str, str]]) -> list[str]:
    return [word for name, value in variables for word in ("--env", f"{name}={value}")]


def _program(step: Step, image: str) -> list[str]:
    """Image, entry point and arguments; without either of its own, the image's entry point."""
    arguments = argument_list(step)
    if not step.commands and not step.entrypoint:
        return [image, *arguments]
    if step.commands and is_posix(step.shell):
        arguments = (*arguments[:-1], f"{_PROLOGUE} {arguments[-1]}")
    return ["--entrypoint", arguments[0], image, *arguments[1:]]


# --- secrets -----------------------------------------------------------------------------------


def reserved_secrets(host_step: HostStep) -> Mapping[str, str]:
    """Secrets whose variables the engine's program would take for its own.

    InvalidInput for one that no file can hold either.
    """
    reserved = {name: value for name, value in host_step.secret_env.items() if _is_reserved(name)}
    for name, value in host_step.secret_env.items():
        if "\0" in value or (name in reserved and ("\n" in value or "\r" in value)):
            raise InvalidInput(
                f"step {host_step.step.name!r}: the secret for the variable {name} has characters"
                " that cannot be passed to a container in that variable; use `file` instead of"
                " `envVar`, or another variable"
            )
    return reserved


def reserved_file(host_step: HostStep) -> str:
    """Where such secrets are written while the container is made."""
    return str(host_step.place.root / "reserved.env")


def _is_reserved(name: str) -> bool:
    return name.upper() in _CLIENT_VARIABLES or name.upper().startswith(_CLIENT_PREFIXES)
