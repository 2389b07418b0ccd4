"""What a pipeline is, once it has been read: frozen values that are valid ever after.

`load` makes them from a file and is the only place that judges one; whoever holds a `Pipeline` may
rely on what the comments here say. Field by field this is the pipeline file (docs/pipelines.md)
with defaults filled in, durations in whole seconds and lists as tuples.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from ..core.quantities import Resources

NOTHING: Mapping[str, Any] = MappingProxyType({})


def nothing() -> Mapping[str, Any]:
    """An empty mapping that cannot be filled, as a default of fields."""
    return NOTHING


DEFAULT_SHELL = ("/bin/sh", "-eu", "-c")
DEFAULT_RESOURCES = Resources.of(cpu="500m", memory="1Gi")
DEFAULT_STEP_TIMEOUT = 30 * 60
DEFAULT_RUN_TIMEOUT = 60 * 60

Scalar: TypeAlias = "str | int | float | bool"


class Event(enum.StrEnum):
    """What started a run."""

    PUSH = "push"
    TAG = "tag"
    PULL_REQUEST = "pull_request"
    MANUAL = "manual"
    SCHEDULE = "schedule"


class Priority(enum.StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class WhenStatus(enum.StrEnum):
    """Which outcome of what a step waits for lets it run."""

    SUCCESS = "success"
    FAILURE = "failure"
    ALWAYS = "always"


@dataclasses.dataclass(frozen=True, slots=True)
class SecretRef:
    """A key of a secret, given to a step as an environment variable or as a file.

    Exactly one of `env_var` and `file` is set; `file` is a path under /secrets.
    """

    secret: str
    key: str
    env_var: str = ""
    file: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class When:
    """Globs of which one must match (and none that begins with `!`); empty means any."""

    branch: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    event: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    status: WhenStatus = WhenStatus.SUCCESS


@dataclasses.dataclass(frozen=True, slots=True)
class Artifact:
    """Files kept after a step, by globs relative to the workspace. `expire_in` in seconds."""

    name: str
    paths: tuple[str, ...]
    expire_in: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Cache:
    """Paths restored before a step and saved after its success, under a templated key."""

    key: str
    paths: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Readiness:
    """When a service may be used: a TCP port, an HTTP path on a port, or a command in it."""

    port: int | None = None
    path: str = ""
    command: tuple[str, ...] = ()
    timeout: int = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """A container beside the step, reachable on localhost while the step runs."""

    name: str
    image: str
    env: Mapping[str, str] = dataclasses.field(default_factory=nothing)
    ports: tuple[int, ...] = ()
    readiness: Readiness | None = None
    commands: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class PodOptions:
    """Fields that reach past the sandbox; refused unless the administrator allows each."""

    runtime_class: str = ""
    service_account: str = ""
    node_selector: Mapping[str, str] = dataclasses.field(default_factory=nothing)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    privileged: bool = False


NO_POD_OPTIONS = PodOptions()
ALWAYS_WANTED = When()


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One node of the graph. Either `commands` (run by `shell`) or `entrypoint` and `args`."""

    name: str
    image: str
    commands: tuple[str, ...] = ()
    shell: tuple[str, ...] = DEFAULT_SHELL
    entrypoint: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    env: Mapping[str, str] = dataclasses.field(default_factory=nothing)
    secrets: tuple[SecretRef, ...] = ()
    requests: Resources = DEFAULT_RESOURCES
    limits: Resources | None = None
    timeout: int = DEFAULT_STEP_TIMEOUT
    retries: int = 0
    when: When = ALWAYS_WANTED
    allow_failure: bool = False
    artifacts: tuple[Artifact, ...] = ()
    caches: tuple[Cache, ...] = ()
    services: tuple[Service, ...] = ()
    pod: PodOptions = NO_POD_OPTIONS


@dataclasses.dataclass(frozen=True, slots=True)
class Matrix:
    """Axes of which every combination becomes a run of its own."""

    dimensions: Mapping[str, tuple[Scalar, ...]]
    include: tuple[Mapping[str, Scalar], ...] = ()
    exclude: tuple[Mapping[str, Scalar], ...] = ()
    max_parallel: int | None = None
    fail_fast: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Concurrency:
    """Runs of one group (a template) wait for or replace each other."""

    group: str
    cancel_in_progress: bool = False
    max: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Clone:
    """How the workspace is filled. `depth` 0 is the whole history."""

    depth: int = 0
    submodules: bool = False
    lfs: bool = False
    paths: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Pipeline:
    """A whole pipeline file. `clone` is None where the file says `clone: false`."""

    name: str
    steps: tuple[Step, ...]
    branches: tuple[str, ...] = ("*",)
    tags: tuple[str, ...] = ()
    timeout: int = DEFAULT_RUN_TIMEOUT
    env: Mapping[str, str] = dataclasses.field(default_factory=nothing)
    matrix: Matrix | None = None
    backoff: int = 10
    fail_fast: bool = False
    concurrency: Concurrency | None = None
    priority: Priority = Priority.MEDIUM
    prepare_ahead: bool = False
    clone: Clone | None = Clone()

    def step(self, name: str) -> Step:
        """The step of that name; KeyError where there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)
