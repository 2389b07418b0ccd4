"""One definition: the reader and both schemas take and refuse the same documents."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import jsonschema
import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.core.tree import tree
from ansible_collections.c8s.ci.plugins.module_utils.core.yaml import parse
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.faults import Faults
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import document
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.schema import (
    FILE,
    json_schema,
    openapi_schema,
)
from hypothesis import given

from unit.pipeline.documents import JSON, PIPELINES, broken_pipelines


def in_python(schema: Any) -> Any:
    """The schema as the library in Python must see it to judge like everybody else.

    Its `$` lets a newline through, which neither ECMAScript's nor Go's does.
    """
    if isinstance(schema, list):
        return [in_python(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: re.sub(r"\$(?=$|\))", r"\\Z", part)
        if key == "pattern" and isinstance(part, str)
        else in_python(part)
        for key, part in schema.items()
    }


def as_api_server(schema: Any) -> Any:
    """A structural schema with what the API server makes of its extensions.

    Fields that are not named are refused, sets hold nothing twice.
    """
    if isinstance(schema, list):
        return [as_api_server(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: as_api_server(part) for key, part in schema.items() if key[:2] != "x-"}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found["additionalProperties"] = False
    if schema.get("x-kubernetes-list-type") == "set":
        found["uniqueItems"] = True
    return found


OF_FILE = jsonschema.Draft7Validator(in_python(json_schema()))
OF_RESOURCE = jsonschema.Draft7Validator(in_python(as_api_server(openapi_schema())))


def written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def faults_in_file(text: str) -> list[str]:
    faults = Faults(written=True)
    FILE.read(parse(text).root, (), faults)
    return [f"{fault.path}: {fault.message}" for fault in faults.found]


def faults_in_document(value: Any) -> list[str]:
    faults = Faults(written=False)
    FILE.read(tree(value), (), faults)
    return [f"{fault.path}: {fault.message}" for fault in faults.found]


def agree(value: Any) -> None:
    in_file = faults_in_file(written(value))
    by_schema = [error.message for error in OF_FILE.iter_errors(value)]
    assert bool(in_file) == bool(by_schema), (in_file, by_schema)
    in_document = faults_in_document(value)
    by_resource = [error.message for error in OF_RESOURCE.iter_errors(value)]
    # Where a field takes text or a mapping, a structural schema has to let unknown keys through.
    in_document = [fault for fault in in_document if not _is_open(fault)]
    assert bool(in_document) == bool(by_resource), (in_document, by_resource)
    if not in_document:
        assert not [fault for fault in in_file if not _is_open(fault)]


def _is_open(fault: str) -> bool:
    in_union = "'artifacts'" in fault or "('clone'" in fault
    return in_union and "is not known here" in fault


def test_both_schemas_are_schemas():
    jsonschema.Draft7Validator.check_schema(json_schema())
    jsonschema.Draft7Validator.check_schema(as_api_server(openapi_schema()))


@given(PIPELINES)
def test_what_the_schema_makes_is_accepted(value):
    assert faults_in_file(written(value)) == []
    assert OF_FILE.is_valid(value)


@given(broken_pipelines())
def test_all_judge_alike(value):
    agree(value)


@given(JSON)
def test_all_judge_alike_what_is_far_from_a_pipeline(value):
    agree(value)


STEP: dict[str, Any] = {"name": "a", "image": "b", "commands": ["c"]}
PIPELINE: dict[str, Any] = {"version": "v1alpha1", "name": "x", "steps": [STEP]}


def with_step(**fields: Any) -> dict[str, Any]:
    return {**PIPELINE, "steps": [{**STEP, **fields}]}


def without_commands(**fields: Any) -> dict[str, Any]:
    return {**PIPELINE, "steps": [{"name": "a", "image": "b", **fields}]}


BAD = [
    None,
    [],
    "x",
    {},
    {**PIPELINE, "version": "v1"},
    {**PIPELINE, "version": 1},
    {**PIPELINE, "name": ""},
    {**PIPELINE, "name": "Upper"},
    {**PIPELINE, "name": "under_score"},
    {**PIPELINE, "name": "-x"},
    {**PIPELINE, "name": "x\n"},
    {**PIPELINE, "name": "x" * 51},
    {**PIPELINE, "name": 1},
    {**PIPELINE, "steps": []},
    {**PIPELINE, "steps": {"a": STEP}},
    {**PIPELINE, "steps": [None]},
    {**PIPELINE, "branches": "main"},
    {**PIPELINE, "branches": [""]},
    {**PIPELINE, "branches": ["x" * 257]},
    {**PIPELINE, "timeout": 90},
    *({**PIPELINE, "timeout": text} for text in ("123", "30x", "m", "0s", "5m1h", "1h ", "-1h")),
    {**PIPELINE, "timeout": "0" * 30 + "1h"},
    {**PIPELINE, "env": {"1A": "x"}},
    {**PIPELINE, "env": {"A": None}},
    {**PIPELINE, "env": {"A": ["x"]}},
    {**PIPELINE, "matrix": {}},
    {**PIPELINE, "matrix": {"dimensions": {}}},
    {**PIPELINE, "matrix": {"dimensions": {"a": []}}},
    {**PIPELINE, "matrix": {"dimensions": {"a": "x"}}},
    {**PIPELINE, "matrix": {"dimensions": {"a": ["x"]}, "exclusions": []}},
    {**PIPELINE, "matrix": {"dimensions": {"a": ["x"]}, "maxParallel": 0}},
    {**PIPELINE, "strategy": {"matrix": {}}},
    {**PIPELINE, "retryPolicy": {"maxRetries": 11}},
    {**PIPELINE, "retryPolicy": {"backoffSeconds": -1}},
    {**PIPELINE, "priority": "urgent"},
    {**PIPELINE, "prepareAhead": "yes"},
    {**PIPELINE, "clone": True},
    {**PIPELINE, "clone": None},
    {**PIPELINE, "clone": {"depth": -1}},
    {**PIPELINE, "clone": "shallow"},
    {**PIPELINE, "defaults": {"when": {}}},
    {**PIPELINE, "concurrency": {"max": 0}},
    with_step(name="A"),
    with_step(name="a" * 41),
    with_step(image=""),
    with_step(commands=[]),
    with_step(commands="make"),
    with_step(commands=[{"echo": "x"}]),
    with_step(commands=[None]),
    with_step(args=["x"]),
    with_step(entrypoint=["x"]),
    without_commands(),
    without_commands(args=["x"], shell=["sh"]),
    with_step(shell=[]),
    with_step(dependsOn=["b", "b"]),
    with_step(dependsOn="b"),
    with_step(secrets=[{"secretName": "x", "key": "y"}]),
    with_step(secrets=[{"secretRef": "x"}]),
    with_step(secrets=[{"secretRef": "x", "key": "y", "envVar": "C8S_X"}]),
    with_step(secrets=[{"secretRef": "x", "key": "y", "envVar": "C8S"}]),
    with_step(secrets=[{"secretRef": "x", "key": "y", "envVar": "a-b"}]),
    with_step(secrets=[{"secretRef": "x", "key": "y", "envVar": "A", "file": "a"}]),
    with_step(secrets=[{"secretRef": "X", "key": "y"}]),
    with_step(secrets=[{"secretRef": "x", "key": "../y"}]),
    with_step(resources={"cpu": "lots"}),
    with_step(resources={"cpu": -1}),
    with_step(resources={"cpu": "-1"}),
    with_step(resources={"memory": "1GB"}),
    with_step(resources={"limits": {"cpu": True}}),
    with_step(resources={"requests": {"cpu": "1"}}),
    with_step(retries=11),
    with_step(retries=1.5),
    with_step(retries="1"),
    with_step(retries=True),
    with_step(when={}, conditional={}),
    with_step(when={"branch": {}}),
    with_step(when={"branch": []}),
    with_step(when={"branch": 0.5, "status": "never"}),
    with_step(when={"status": "always", "onSuccess": False}),
    with_step(allowFailure="true"),
    with_step(artifacts=[{"name": "x"}]),
    with_step(artifacts=[["x"]]),
    with_step(artifacts=[None]),
    with_step(artifacts="dist"),
    with_step(cache=[{"key": "x"}]),
    with_step(cache={"key": "x", "paths": ["y"]}),
    with_step(services=[{"name": "db"}]),
    with_step(services=[{"name": "db", "image": "x", "ports": [0]}]),
    with_step(services=[{"name": "db", "image": "x", "readiness": {}}]),
    with_step(services=[{"name": "db", "image": "x", "readiness": {"path": "/"}}]),
    with_step(services=[{"name": "db", "image": "x", "readiness": {"port": 1, "path": "x"}}]),
    with_step(services=[{"name": "db", "image": "x", "readiness": {"port": 1, "command": ["x"]}}]),
    with_step(tolerations=[{"operator": "Is"}]),
    with_step(privileged=1),
    with_step(unknown=1),
]


@pytest.mark.parametrize("value", BAD, ids=lambda value: written(value)[-70:])
def test_all_refuse_what_is_wrong(value):
    # A structural schema cannot judge the names of variables, nor what a quantity is in a file.
    agree_or_names = copy.deepcopy(value)
    assert faults_in_file(written(value))
    assert faults_in_document(value)
    if not (isinstance(value, dict) and "1A" in value.get("env", {})):
        agree(agree_or_names)


@given(PIPELINES)
def test_the_document_of_a_file_fits_the_resource(value):
    """Names of variables aside, whatever the reader makes of a file is a valid resource."""
    assert list(OF_RESOURCE.iter_errors(document(written(value)))) == []


def test_the_resource_leaves_out_what_it_says_elsewhere():
    schema = openapi_schema(without=("version", "name"))
    assert "version" not in schema["properties"]
    assert schema["required"] == ["steps"]


def test_every_field_of_the_resource_has_a_type_or_says_why_not():
    def check(schema: dict[str, Any], path: str) -> None:
        assert not {"$ref", "patternProperties", "propertyNames", "uniqueItems"} & set(schema), path
        untyped = ("x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields")
        assert "type" in schema or any(schema.get(name) for name in untyped), path
        assert not isinstance(schema.get("type"), list), path
        for name, part in schema.get("properties", {}).items():
            check(part, f"{path}.{name}")
        if "items" in schema:
            check(schema["items"], f"{path}[]")
        if isinstance(schema.get("additionalProperties"), dict):
            check(schema["additionalProperties"], f"{path}{{}}")

    check(openapi_schema(), "spec")


def test_a_document_with_faults_is_not_given_out():
    with pytest.raises(InvalidInput, match="version"):
        document(json.dumps({**PIPELINE, "version": "v2"}))
