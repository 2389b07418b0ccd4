"""The fields of a step, and of what it holds."""

from __future__ import annotations

from .holders import Field, ListOf, MapOf, Object, OneOf, OneOrMany, OrObject
from .kinds import Choice, Flag, Integer, Scalar, Text
from .vocabulary import (
    ARGUMENT,
    COMMAND,
    DURATION,
    ENV,
    FILE_GLOB,
    IMAGE,
    OBJECT_NAME,
    PATH,
    PORT,
    QUANTITY,
    SECRET_KEY,
    TEXT,
    VARIABLE,
    WHEN_GLOB,
    name,
)

RETRIES_LIMIT = 10

# Fields of a step that reach past its sandbox; an administrator allows each by its name.
POD_FIELDS = ("runtimeClassName", "serviceAccount", "nodeSelector", "tolerations", "privileged")

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
        Field("name", name(40), "Name, unique in the step.", required=True),
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
IMAGE_FIELD = Field("image", IMAGE, "Container image; may come from `defaults`.")
_SHELL = ListOf(Text(limit=1024))
SHELL_FIELD = Field(
    "shell", _SHELL, "What runs the commands, as one argument.", default=["/bin/sh", "-eu", "-c"]
)
RETRIES_FIELD = Field(
    "retries",
    Integer(0, RETRIES_LIMIT),
    "How often a failed step is started again. Failures of the infrastructure do not count.",
    default=0,
)
TIMEOUT_FIELD = Field(
    "timeout", DURATION, "Longest time, counted from the container's start.", default="30m"
)
RESOURCES_FIELD = Field("resources", RESOURCES, "What the step needs.")

STEP = Object(
    "step",
    (
        Field("name", name(40), "Name, unique in the file.", required=True),
        IMAGE_FIELD,
        Field("commands", ListOf(COMMAND), "Run in order, until the first that fails."),
        SHELL_FIELD,
        Field("entrypoint", ListOf(ARGUMENT), "Program and arguments, run without a shell."),
        Field("args", ListOf(ARGUMENT), "Arguments for it, or for the image's own program."),
        Field(
            "dependsOn",
            ListOf(name(40), minimum=0, unique=True),
            "Steps that must have succeeded before.",
        ),
        Field("env", ENV, "Variables, over those of the pipeline."),
        Field("secrets", ListOf(SECRET, minimum=0), "Secrets as variables or files."),
        RESOURCES_FIELD,
        TIMEOUT_FIELD,
        RETRIES_FIELD,
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
