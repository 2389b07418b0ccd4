"""The fields of a pipeline file: the one definition that everything else is made from.

The reader's checks, the JSON schema for editors, the OpenAPI schema of the custom resource and the
tables of the reference all come from `FILE`.
"""

from __future__ import annotations

from typing import Any

from ..core import durations, names, quantities
from .holders import Field, ListOf, MapOf, Object, OneOf, OneOrMany, OrObject
from .kinds import Amount, Choice, Flag, Integer, No, Scalar, Schema, Text

JSON_SCHEMA_ID = "https://c8s.dev/schemas/pipeline-config.json"
VERSION = "v1alpha1"
RETRIES_LIMIT = 10

# Fields of a step that reach past its sandbox; an administrator allows each by its name.
POD_FIELDS = ("runtimeClassName", "serviceAccount", "nodeSelector", "tolerations", "privileged")

_LABEL_FORM = "small letters, digits and '-', with a letter or digit at both ends"


def _name(limit: int) -> Text:
    return Text(names.DNS_LABEL, _LABEL_FORM, limit, name="name")


TEXT = Text()
DURATION = Text(durations.PATTERN, durations.FORM, durations.TEXT_LIMIT, name="duration")
QUANTITY = Amount(quantities.PATTERN, quantities.NUMBER_LENGTH_LIMIT, quantities.FORM)
GLOB = Text(limit=256, name="glob")
WHEN_GLOB = Text(limit=256, templates="when", name="glob")
PATH = Text(limit=1024, name="path")
FILE_GLOB = Text(limit=1024, name="glob")
IMAGE = Text(limit=1024, templates="image", name="image")
COMMAND = Text(templates="commands")
ARGUMENT = Text(templates="args")
VARIABLE = Text(
    names.VARIABLE,
    "a name for a variable: letters, digits and _, no digit first, and not C8S or C8S_...",
    limit=256,
    not_pattern="^C8S(_|$)",
    name="variable",
)
OBJECT_NAME = Text(
    r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
    "the name of an object: small letters, digits, '-' and '.'",
    limit=253,
    name="name",
)
SECRET_KEY = Text(
    r"^[-._a-zA-Z0-9]+$", "a key of a secret: letters, digits, '-', '_' and '.'", 253, name="key"
)
DIMENSION = Text(
    r"^[A-Za-z_][-A-Za-z0-9_]*$", "a name of letters, digits, '-' and '_', no digit first", limit=40
)
ENV = MapOf(VARIABLE, Scalar(limit=65536, templates="env"))

RESOURCE_FIELDS = (
    Field("cpu", QUANTITY, "Cores.", default="500m"),
    Field("memory", QUANTITY, "Bytes of memory.", default="1Gi"),
    Field("ephemeralStorage", QUANTITY, "Bytes on the node's own disk."),
)
_RESOURCES_MEANT = {"requests": "what stands in 'resources' itself is what is requested"}
LIMITS = Object(
    "limits",
    tuple(Field(field.name, field.kind, field.text) for field in RESOURCE_FIELDS),
    meant=_RESOURCES_MEANT,
)
RESOURCES = Object(
    "resources",
    (*RESOURCE_FIELDS, Field("limits", LIMITS, "The most that the step may use.")),
    meant=_RESOURCES_MEANT,
)

SECRET = Object(
    "secrets",
    (
        Field("secretRef", OBJECT_NAME, "Name of the Secret.", required=True),
        Field("key", SECRET_KEY, "Key in it.", required=True),
        Field(
            "envVar", VARIABLE, "Variable that holds the value; the name of the key if left out."
        ),
        Field("file", PATH, "File under `/secrets` that holds the value instead of a variable."),
    ),
    rules=(OneOf((("envVar",), ("file",)), required=False),),
    meant={
        "secretName": "did you mean 'secretRef'?",
        "name": "did you mean 'secretRef'?",
        "secret": "did you mean 'secretRef'?",
        "env": "did you mean 'envVar'?",
    },
)

_WHEN_FIELDS = (
    Field("branch", OneOrMany(WHEN_GLOB), "Branches on which the step runs."),
    Field("tag", OneOrMany(WHEN_GLOB), "Tags on which it runs."),
    Field(
        "event",
        OneOrMany(WHEN_GLOB),
        "Events on which it runs: `push`, `tag`, `pull_request`, `manual`, `schedule`.",
    ),
    Field("paths", OneOrMany(WHEN_GLOB), "Changed files of which one must match."),
    Field(
        "status",
        Choice(("success", "failure", "always")),
        "Outcome of what it waits for on which it runs.",
        default="success",
    ),
    Field("onSuccess", Flag(), "Old spelling: `false` is `status: always`."),
)
WHEN = Object(
    "when",
    _WHEN_FIELDS,
    rules=(OneOf((("status",), ("onSuccess",)), required=False),),
    meant={"branches": "did you mean 'branch'?", "tags": "did you mean 'tag'?"},
)

ARTIFACT = Object(
    "artifacts",
    (
        Field(
            "name",
            Text(limit=128, templates="artifact", name="name"),
            "Name of the archive; that of the step if left out.",
        ),
        Field("paths", ListOf(FILE_GLOB), "Files, relative to the workspace.", required=True),
        Field("expireIn", DURATION, "How long it is kept."),
    ),
)
CACHE = Object(
    "cache",
    (
        Field(
            "key",
            Text(limit=512, templates="cache", name="text"),
            "What the content depends on; usually with `hashFiles(...)`.",
            required=True,
        ),
        Field("paths", ListOf(PATH), "Directories and files in the workspace.", required=True),
    ),
)

PORT = Integer(1, 65535)
READINESS = Object(
    "readiness",
    (
        Field("port", PORT, "TCP port that accepts connections."),
        Field(
            "path", Text("^/", "a path that begins with /", 1024, name="path"), "HTTP path on it."
        ),
        Field("command", ListOf(TEXT), "Command in the service that ends with 0."),
        Field("timeout", DURATION, "How long to wait for it.", default="60s"),
    ),
    rules=(OneOf((("port",), ("command",))), OneOf((("path",), ("command",)), required=False)),
)
SERVICE = Object(
    "services",
    (
        Field("name", _name(40), "Name, unique in the step.", required=True),
        Field("image", IMAGE, "Its image.", required=True),
        Field("env", ENV, "Its variables."),
        Field("ports", ListOf(PORT, minimum=0), "Ports it listens on, on localhost."),
        Field("readiness", READINESS, "When it may be used; the step waits for it."),
        Field("commands", ListOf(COMMAND), "Commands instead of the image's own."),
    ),
)

TOLERATION = Object(
    "tolerations",
    (
        Field("key", TEXT, "Taint."),
        Field("operator", Choice(("Exists", "Equal")), "How the value is compared."),
        Field("value", Scalar(), "Value of the taint."),
        Field("effect", Choice(("NoSchedule", "PreferNoSchedule", "NoExecute")), "Its effect."),
        Field("tolerationSeconds", Integer(0, 2**31 - 1), "For how many seconds."),
    ),
)
_RESERVED = "Only where the administrator allows it. "
_IMAGE_FIELD = Field("image", IMAGE, "Container image; may come from `defaults`.")
_SHELL = ListOf(Text(limit=1024))
_SHELL_FIELD = Field(
    "shell", _SHELL, "What runs the commands, as one argument.", default=["/bin/sh", "-eu", "-c"]
)
_RETRIES_FIELD = Field(
    "retries",
    Integer(0, RETRIES_LIMIT),
    "How often a failed step is started again. Failures of the infrastructure do not count.",
    default=0,
)
_STEP_TIMEOUT_FIELD = Field(
    "timeout", DURATION, "Longest time, counted from the container's start.", default="30m"
)
_RESOURCES_FIELD = Field("resources", RESOURCES, "What the step needs.")

STEP = Object(
    "step",
    (
        Field("name", _name(40), "Name, unique in the file.", required=True),
        _IMAGE_FIELD,
        Field("commands", ListOf(COMMAND), "Run in order, until the first that fails."),
        _SHELL_FIELD,
        Field("entrypoint", ListOf(ARGUMENT), "Program and arguments, run without a shell."),
        Field("args", ListOf(ARGUMENT), "Arguments for it, or for the image's own program."),
        Field(
            "dependsOn",
            ListOf(_name(40), minimum=0, unique=True),
            "Steps that must have succeeded before.",
        ),
        Field("env", ENV, "Variables, over those of the pipeline."),
        Field("secrets", ListOf(SECRET, minimum=0), "Secrets as variables or files."),
        _RESOURCES_FIELD,
        _STEP_TIMEOUT_FIELD,
        _RETRIES_FIELD,
        Field("when", WHEN, "When the step runs; else it is skipped."),
        Field("conditional", WHEN, "Old name of `when`."),
        Field("allowFailure", Flag(), "The run may succeed though the step fails.", default=False),
        Field("artifacts", ListOf(OrObject(FILE_GLOB, ARTIFACT), minimum=0), "Files to keep."),
        Field("cache", ListOf(CACHE, minimum=0), "Paths kept from run to run."),
        Field("services", ListOf(SERVICE, minimum=0, key="name"), "Containers beside the step."),
        Field("runtimeClassName", OBJECT_NAME, _RESERVED + "Runtime of the pod."),
        Field("serviceAccount", OBJECT_NAME, _RESERVED + "Service account of the pod."),
        Field("nodeSelector", MapOf(TEXT, Scalar()), _RESERVED + "Labels of the nodes."),
        Field("tolerations", ListOf(TOLERATION, minimum=0), _RESERVED + "Taints it bears."),
        Field("privileged", Flag(), _RESERVED + "A privileged container."),
    ),
    rules=(
        OneOf((("commands",), ("entrypoint", "args"))),
        OneOf((("shell",), ("entrypoint", "args")), required=False),
        OneOf((("when",), ("conditional",)), required=False),
    ),
    meant={
        "needs": "did you mean 'dependsOn'?",
        "script": "did you mean 'commands'?",
        "run": "did you mean 'commands'?",
        "command": "did you mean 'commands' (a list)?",
        "if": "did you mean 'when'?",
        "environment": "did you mean 'env'?",
        "variables": "did you mean 'env'?",
        "retry": "did you mean 'retries'?",
        "caches": "did you mean 'cache'?",
        "matrix": "'matrix' stands at the top of the file; every combination is a run",
    },
)

_VALUES = Scalar(limit=4096, label="text")
MATRIX = Object(
    "matrix",
    (
        Field(
            "dimensions",
            MapOf(DIMENSION, ListOf(_VALUES), minimum=1),
            "Values of each dimension; every combination becomes a run.",
            required=True,
        ),
        Field(
            "include",
            ListOf(MapOf(DIMENSION, _VALUES, minimum=1), minimum=0),
            "Combinations to add, with a value for every dimension.",
        ),
        Field(
            "exclude",
            ListOf(MapOf(DIMENSION, _VALUES, minimum=1), minimum=0),
            "Combinations to leave out: those that have all the values of an entry.",
        ),
        Field("maxParallel", Integer(1, 1000), "How many of the runs go on at one time."),
        Field("failFast", Flag(), "Cancel the others when one fails.", default=False),
    ),
    meant={"exclusions": "did you mean 'exclude'?", "inclusions": "did you mean 'include'?"},
)

FILE = Object(
    "pipeline",
    (
        Field("version", Choice((VERSION,)), "Version of this format.", required=True),
        Field("name", _name(50), "Name of the pipeline.", required=True),
        Field(
            "branches", ListOf(GLOB, minimum=0), "Branches whose pushes start a run.", default=["*"]
        ),
        Field("tags", ListOf(GLOB, minimum=0), "Tags that start a run; none if left out."),
        Field(
            "timeout",
            DURATION,
            "Longest time of the whole run, from its start (waiting in a queue does not count).",
            default="1h",
        ),
        Field("env", ENV, "Variables for every step."),
        Field("steps", ListOf(STEP, key="name"), "What is to be done.", required=True),
        Field("matrix", MATRIX, "Runs of the same steps with different values."),
        Field(
            "retryPolicy",
            Object(
                "retryPolicy",
                (
                    Field(
                        "maxRetries", Integer(0, RETRIES_LIMIT), "Default of `retries`.", default=0
                    ),
                    Field(
                        "backoffSeconds",
                        Integer(0, 3600),
                        "Pause before the first retry; it doubles with each.",
                        default=10,
                    ),
                ),
            ),
            "How failed steps are started again.",
        ),
        Field(
            "failFast",
            Flag(),
            "Stop the other steps, too, when one fails.",
            default=False,
        ),
        Field(
            "concurrency",
            Object(
                "concurrency",
                (
                    Field(
                        "group",
                        Text(limit=256, templates="group", name="text"),
                        "Runs of one group count together; the pipeline's name if left out.",
                    ),
                    Field(
                        "cancelInProgress",
                        Flag(),
                        "Cancel the older runs instead of waiting for them.",
                        default=False,
                    ),
                    Field("max", Integer(1, 1000), "How many go on at one time.", default=1),
                ),
            ),
            "How many runs go on at one time.",
        ),
        Field(
            "priority",
            Choice(("high", "medium", "low")),
            "Which runs go first when there is not room for all.",
            default="medium",
        ),
        Field(
            "prepareAhead",
            Flag(),
            "Prepare the pod of the next step while the one before it runs. It costs its"
            " requests while it waits.",
            default=False,
        ),
        Field(
            "defaults",
            Object(
                "defaults",
                (
                    _IMAGE_FIELD,
                    _RESOURCES_FIELD,
                    _STEP_TIMEOUT_FIELD,
                    _RETRIES_FIELD,
                    _SHELL_FIELD,
                ),
            ),
            "What holds for every step that does not say otherwise.",
        ),
        Field(
            "clone",
            OrObject(
                No(),
                Object(
                    "clone",
                    (
                        Field(
                            "depth",
                            Integer(0, 1_000_000),
                            "How many commits of history; 0 is all, with the tags.",
                            default=0,
                        ),
                        Field("submodules", Flag(), "Submodules too.", default=False),
                        Field("lfs", Flag(), "Large files (Git LFS) too.", default=False),
                        Field("paths", ListOf(PATH, minimum=0), "Only these directories (sparse)."),
                    ),
                ),
            ),
            "How the workspace is filled; `false` leaves it empty.",
        ),
    ),
    meant={
        "strategy": "what is 'strategy.matrix' elsewhere is 'matrix' here, with 'dimensions'",
        "jobs": "did you mean 'steps' (a list)?",
        "stages": "did you mean 'steps' with 'dependsOn'?",
        "on": "did you mean 'branches' and 'tags'?",
        "image": "did you mean 'defaults.image'?",
        "shell": "did you mean 'defaults.shell'?",
        "resources": "did you mean 'defaults.resources'?",
        "variables": "did you mean 'env'?",
        "environment": "did you mean 'env'?",
        "repository": "leave it out: the file belongs to the repository it is in",
        "apiVersion": "a pipeline file holds what stands under 'spec' of the object",
    },
)


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 7) of the file, for editors."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": JSON_SCHEMA_ID,
        "title": "c8s pipeline",
        **FILE.json_schema(),
    }


def openapi_schema(without: tuple[str, ...] = ()) -> Schema:
    """The structural OpenAPI v3 schema of the same fields, for a custom resource.

    `without` names fields at the top that the resource says elsewhere (`version`, `name`).
    """
    schema = FILE.openapi()
    schema["properties"] = {
        name: rule for name, rule in schema["properties"].items() if name not in without
    }
    schema["required"] = [name for name in schema["required"] if name not in without]
    return schema
