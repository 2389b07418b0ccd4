"""The fields of a pipeline file: the one definition that everything else is made from.

The reader's checks, the JSON schema for editors, the OpenAPI schema of the custom resource and the
tables of the reference all come from `FILE`.
"""

from __future__ import annotations

from typing import Any

from .holders import Field, ListOf, MapOf, Object, OrObject
from .kinds import Choice, Flag, Integer, No, Scalar, Schema, Text
from .step_schema import (
    IMAGE_FIELD,
    RESOURCES_FIELD,
    RETRIES_FIELD,
    RETRIES_LIMIT,
    SHELL_FIELD,
    STEP,
    TIMEOUT_FIELD,
)
from .vocabulary import DIMENSION, DURATION, ENV, GLOB, PATH, name

JSON_SCHEMA_ID = "https://c8s.dev/schemas/pipeline-config.json"
VERSION = "v1alpha1"

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
        Field("name", name(50), "Name of the pipeline.", required=True),
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
                    IMAGE_FIELD,
                    RESOURCES_FIELD,
                    TIMEOUT_FIELD,
                    RETRIES_FIELD,
                    SHELL_FIELD,
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
