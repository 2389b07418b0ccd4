"""From a document that has been judged to a `Pipeline`, with every default filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..core.durations import seconds
from ..core.quantities import Resources, quantity
from .spec import (
    ALWAYS_WANTED,
    DEFAULT_RESOURCES,
    DEFAULT_RUN_TIMEOUT,
    DEFAULT_SHELL,
    DEFAULT_STEP_TIMEOUT,
    NO_POD_OPTIONS,
    NOTHING,
    Artifact,
    Cache,
    Clone,
    Concurrency,
    Matrix,
    Pipeline,
    PodOptions,
    Priority,
    Readiness,
    SecretRef,
    Service,
    Step,
    When,
    WhenStatus,
)
from .step_schema import POD_FIELDS

Document = Mapping[str, Any]

SECRETS_FOLDER = "/secrets/"
_NO_DOCUMENT: Document = MappingProxyType({})
DEFAULT_READINESS_TIMEOUT = 60


def pipeline(document: Document) -> Pipeline:
    """The pipeline that a document without faults describes."""
    defaults = document.get("defaults", _NO_DOCUMENT)
    retry = document.get("retryPolicy", _NO_DOCUMENT)
    base = _Defaults(defaults, retry.get("maxRetries", 0))
    return Pipeline(
        name=document["name"],
        steps=tuple(base.step(entry) for entry in document["steps"]),
        branches=tuple(document.get("branches", ("*",))),
        tags=tuple(document.get("tags", ())),
        timeout=_seconds(document, DEFAULT_RUN_TIMEOUT),
        env=_frozen(document.get("env")),
        matrix=matrix(document["matrix"]) if "matrix" in document else None,
        backoff=retry.get("backoffSeconds", 10),
        fail_fast=document.get("failFast", False),
        concurrency=_concurrency(document),
        priority=Priority(document.get("priority", "medium")),
        prepare_ahead=document.get("prepareAhead", False),
        clone=_clone(document.get("clone", _NO_DOCUMENT)),
    )


def matrix(document: Document) -> Matrix:
    """The matrix of a document without faults."""
    return Matrix(
        dimensions=MappingProxyType(
            {name: tuple(values) for name, values in document["dimensions"].items()}
        ),
        include=tuple(_frozen(entry) for entry in document.get("include", ())),
        exclude=tuple(_frozen(entry) for entry in document.get("exclude", ())),
        max_parallel=document.get("maxParallel"),
        fail_fast=document.get("failFast", False),
    )


def resources(document: Document, defaults: Document) -> tuple[Resources, Resources | None]:
    """What a step requests and its limits: its own fields, else those of the defaults.

    Where a limit stands without a request, the built-in request is lowered to it.
    """
    if not document and not defaults:
        return DEFAULT_RESOURCES, None
    requests = {**defaults, **document}
    limits = {**defaults.get("limits", _NO_DOCUMENT), **document.get("limits", _NO_DOCUMENT)}
    for field, amount in DEFAULT_RESOURCES.manifest().items():
        if field not in requests:
            bound = limits.get(field, amount)
            requests[field] = min(amount, bound, key=quantity)
    return _resources(requests), _resources(limits) if limits else None


def _resources(document: Document) -> Resources:
    return Resources.of(
        document.get("cpu", ""), document.get("memory", ""), document.get("ephemeralStorage", "")
    )


class _Defaults:
    """What holds for every step that does not say otherwise."""

    def __init__(self, document: Document, retries: int) -> None:
        self.image = document.get("image", "")
        self.resources = document.get("resources", _NO_DOCUMENT)
        self.timeout = _seconds(document, DEFAULT_STEP_TIMEOUT)
        self.retries = document.get("retries", retries)
        self.shell = tuple(document.get("shell", DEFAULT_SHELL))

    def step(self, document: Document) -> Step:
        """The step of an entry of `steps`."""
        get = document.get
        name = document["name"]
        requests, limits = resources(get("resources", _NO_DOCUMENT), self.resources)
        return Step(
            name=name,
            image=get("image", self.image),
            commands=tuple(get("commands", ())),
            shell=tuple(document["shell"]) if "shell" in document else self.shell,
            entrypoint=tuple(get("entrypoint", ())),
            args=tuple(get("args", ())),
            depends_on=tuple(get("dependsOn", ())),
            env=_frozen(get("env")),
            secrets=tuple(secret(entry) for entry in get("secrets", ())),
            requests=requests,
            limits=limits,
            timeout=_seconds(document, self.timeout),
            retries=get("retries", self.retries),
            when=_when(get("when") or get("conditional")),
            allow_failure=get("allowFailure", False),
            artifacts=artifacts(name, get("artifacts", ())),
            caches=tuple(Cache(entry["key"], tuple(entry["paths"])) for entry in get("cache", ())),
            services=tuple(_service(entry) for entry in get("services", ())),
            pod=_pod(document),
        )


def secret(document: Document) -> SecretRef:
    """A secret; its variable is named like its key where neither variable nor file is given."""
    file = document.get("file", "").removeprefix(SECRETS_FOLDER)
    variable = "" if file else document.get("envVar", document["key"])
    return SecretRef(document["secretRef"], document["key"], variable, file)


def artifacts(step: str, entries: Sequence[str | Document]) -> tuple[Artifact, ...]:
    """Those of a step. Globs that stand alone are one artifact, named after the step."""
    globs = tuple(entry for entry in entries if isinstance(entry, str))
    found = [Artifact(step, globs)] if globs else []
    for entry in entries:
        if not isinstance(entry, str):
            expiry = seconds(entry["expireIn"]) if "expireIn" in entry else None
            found.append(Artifact(entry.get("name", step), tuple(entry["paths"]), expiry))
    return tuple(found)


def _when(document: Document | None) -> When:
    if not document:
        return ALWAYS_WANTED
    status = document.get("status", "success" if document.get("onSuccess", True) else "always")
    return When(
        branch=tuple(document.get("branch", ())),
        tag=tuple(document.get("tag", ())),
        event=tuple(document.get("event", ())),
        paths=tuple(document.get("paths", ())),
        status=WhenStatus(status),
    )


def _service(document: Document) -> Service:
    return Service(
        name=document["name"],
        image=document["image"],
        env=_frozen(document.get("env")),
        ports=tuple(document.get("ports", ())),
        readiness=_readiness(document["readiness"]) if "readiness" in document else None,
        commands=tuple(document.get("commands", ())),
    )


def _readiness(document: Document) -> Readiness:
    return Readiness(
        port=document.get("port"),
        path=document.get("path", ""),
        command=tuple(document.get("command", ())),
        timeout=_seconds(document, DEFAULT_READINESS_TIMEOUT),
    )


def _pod(document: Document) -> PodOptions:
    if not any(field in document for field in POD_FIELDS):
        return NO_POD_OPTIONS
    return PodOptions(
        runtime_class=document.get("runtimeClassName", ""),
        service_account=document.get("serviceAccount", ""),
        node_selector=_frozen(document.get("nodeSelector")),
        tolerations=tuple(_frozen(entry) for entry in document.get("tolerations", ())),
        privileged=document.get("privileged", False),
    )


def _concurrency(document: Document) -> Concurrency | None:
    entry = document.get("concurrency")
    if entry is None:
        return None
    return Concurrency(
        group=entry.get("group", document["name"]),
        cancel_in_progress=entry.get("cancelInProgress", False),
        max=entry.get("max", 1),
    )


def _clone(entry: Document | bool) -> Clone | None:
    if isinstance(entry, bool):
        return None
    return Clone(
        depth=entry.get("depth", 0),
        submodules=entry.get("submodules", False),
        lfs=entry.get("lfs", False),
        paths=tuple(entry.get("paths", ())),
    )


def _seconds(document: Document, default: int) -> int:
    return seconds(document["timeout"]) if "timeout" in document else default


def _frozen(mapping: Document | None) -> Mapping[str, Any]:
    return MappingProxyType(dict(mapping)) if mapping else NOTHING
