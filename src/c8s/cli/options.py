"""The options that several verbs share, each said once."""

from __future__ import annotations

import enum
import pathlib
from typing import Annotated

import typer


class Executor(enum.StrEnum):
    """Where steps run."""

    LOCAL = "local"
    DOCKER = "docker"
    PODMAN = "podman"
    KUBERNETES = "kubernetes"


class Event(enum.StrEnum):
    """What starts a run."""

    PUSH = "push"
    TAG = "tag"
    PULL_REQUEST = "pull_request"
    MANUAL = "manual"
    SCHEDULE = "schedule"


class RunPhase(enum.StrEnum):
    """How far a run is."""

    PENDING = "Pending"
    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class Report(enum.StrEnum):
    """How a finding is written."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


class Table(enum.StrEnum):
    """How runs are listed."""

    TEXT = "text"
    WIDE = "wide"
    NAME = "name"
    JSON = "json"
    YAML = "yaml"


class Progress(enum.StrEnum):
    """What a run that is driven leaves on stdout."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
    JSONL = "jsonl"


class Addressing(enum.StrEnum):
    """Whether addresses of an object store name the bucket in their path or in their host."""

    AUTO = "auto"
    PATH = "path"
    VIRTUAL = "virtual"


File = Annotated[
    pathlib.Path | None,
    typer.Argument(
        metavar="FILE", show_default=False, help="The pipeline file (default .c8s.yaml), - is stdin"
    ),
]
RunName = Annotated[str, typer.Argument(metavar="RUN", show_default=False, help="The run's name")]

Store = Annotated[
    pathlib.Path | None,
    typer.Option(
        "--store",
        metavar="DIR",
        help="Where runs and logs are kept (C8S_STORE; default ~/.local/share/c8s)",
    ),
]
Output = Annotated[Report, typer.Option("--output", "-o", help="How to write it")]
TableOutput = Annotated[Table, typer.Option("--output", "-o", help="How to write it")]
ProgressOutput = Annotated[
    Progress,
    typer.Option(
        "--output", "-o", help="On stdout: the run's name, its record, or a line per event"
    ),
]

Repository = Annotated[
    str,
    typer.Option(
        "--repository",
        metavar="URL|DIR",
        help="What steps work on (default: the git checkout that FILE is in)",
    ),
]
Commit = Annotated[
    str, typer.Option("--commit", metavar="SHA", help="Its commit (default: the branch's, or HEAD)")
]
Branch = Annotated[str, typer.Option("--branch", metavar="NAME", help="The branch of the commit")]
Tag = Annotated[str, typer.Option("--tag", metavar="NAME", help="The tag of the commit")]
WantedEvent = Annotated[
    Event | None,
    typer.Option(
        "--event", help="What starts it (default: tag, push, or manual, by what is given)"
    ),
]

WantedExecutor = Annotated[
    Executor | None,
    typer.Option(
        "--executor",
        help="Where steps run (default: local; kubernetes where a cluster is named)",
    ),
]
WhereKept = Annotated[
    Executor | None,
    typer.Option("--executor", help="kubernetes: look into the kubeconfig's cluster"),
]
SecretsFile = Annotated[
    pathlib.Path | None,
    typer.Option(
        "--secrets",
        metavar="FILE",
        help="Secrets as YAML or JSON, 'secret: {key: value}'; may be encrypted by ansible-vault",
    ),
]
VaultPasswordFile = Annotated[
    pathlib.Path | None,
    typer.Option(
        "--vault-password-file",
        metavar="FILE",
        help="The vault's password, or a program that prints it (ANSIBLE_VAULT_PASSWORD_FILE)",
    ),
]
NewRunName = Annotated[
    str,
    typer.Option(
        "--name",
        metavar="RUN",
        help="How to call the run; the same again resumes it (default: PIPELINE-NUMBER)",
    ),
]
IdempotencyKey = Annotated[
    str,
    typer.Option(
        "--idempotency-key", metavar="TEXT", help="However often it is given, one run is made"
    ),
]
Parallel = Annotated[
    int | None,
    typer.Option(
        "--parallel", metavar="N", min=1, help="Steps at one time (default: twice the cores)"
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress")]

Context = Annotated[
    str,
    typer.Option(
        "--context", metavar="NAME", help="kubernetes: the kubeconfig's context (K8S_AUTH_CONTEXT)"
    ),
]
Namespace = Annotated[
    str,
    typer.Option(
        "--namespace", "-n", metavar="NAME", help="kubernetes: where (default: the context's)"
    ),
]
Kubeconfig = Annotated[
    str,
    typer.Option(
        "--kubeconfig", metavar="FILE", help="kubernetes: the kubeconfig (KUBECONFIG, ~/.kube)"
    ),
]
AgentImage = Annotated[
    str,
    typer.Option(
        "--agent-image",
        metavar="IMAGE",
        help="kubernetes: what clones and carries files (C8S_AGENT_IMAGE)",
    ),
]
CloneSecret = Annotated[
    str,
    typer.Option(
        "--clone-secret", metavar="NAME", help="kubernetes: the Secret to clone with, if any"
    ),
]
Authorities = Annotated[
    str,
    typer.Option(
        "--authorities",
        metavar="NAME",
        help="kubernetes: the ConfigMap whose ca.crt git trusts, if any",
    ),
]
RuntimeClass = Annotated[
    str,
    typer.Option(
        "--runtime-class", metavar="NAME", help="kubernetes: the RuntimeClass of pods, if any"
    ),
]
PullSecret = Annotated[
    list[str] | None,
    typer.Option(
        "--pull-secret",
        metavar="NAME",
        help="kubernetes: a Secret to pull images with; may be repeated",
    ),
]
PriorityClassPrefix = Annotated[
    str,
    typer.Option(
        "--priority-class-prefix",
        metavar="TEXT",
        help="kubernetes: what comes before high, medium and low in PriorityClasses",
    ),
]
RunAsUser = Annotated[
    int | None,
    typer.Option(
        "--run-as-user",
        metavar="UID",
        help="kubernetes: the user in pods (10001; -1: the images' own)",
    ),
]

ObjectStore = Annotated[
    str,
    typer.Option(
        "--object-store",
        metavar="s3://BUCKET/PREFIX",
        help="kubernetes: where logs, artifacts and caches are kept (C8S_STORAGE_BUCKET)",
    ),
]
ObjectStoreEndpoint = Annotated[
    str,
    typer.Option(
        "--object-store-endpoint",
        metavar="URL",
        help="The address of its service, if not Amazon's (C8S_STORAGE_ENDPOINT)",
    ),
]
ObjectStoreRegion = Annotated[
    str,
    typer.Option(
        "--object-store-region", metavar="NAME", help="The bucket's region (C8S_STORAGE_REGION)"
    ),
]
ObjectStoreAddressing = Annotated[
    Addressing | None,
    typer.Option(
        "--object-store-addressing",
        help="Where addresses name the bucket (C8S_STORAGE_ADDRESSING)",
    ),
]
ObjectStoreAuthorities = Annotated[
    str,
    typer.Option(
        "--object-store-ca-cert",
        metavar="FILE",
        help="The authorities that it is trusted by (C8S_STORAGE_CA_CERT)",
    ),
]
