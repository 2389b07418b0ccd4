"""Whether the templates of a document name what is known where they stand."""

from __future__ import annotations

import functools
import graphlib
from collections.abc import Mapping
from typing import Any

from ..core.tree import Path
from .expression import MARK, references
from .faults import Faults
from .scope import ALWAYS_SET, ENV_DEPTH_LIMIT, Scope, check
from .spec import DEFAULT_SHELL

Document = Mapping[str, Any]


def judge_templates(document: Document, faults: Faults) -> None:
    """Note every template that cannot be evaluated, and variables that refer in a circle."""
    if not faults.templated:
        return
    scopes = _Scopes(document)
    for path, text, place in faults.templated:
        check(path, text, place, scopes.at(path), faults)
    _judge_env(document.get("env", {}), {}, ("env",), faults)
    outer = document.get("env", {})
    for index, step in enumerate(document.get("steps", ())):
        if step:
            _judge_env(step.get("env", {}), outer, ("steps", index, "env"), faults)


class _Scopes:
    """The scopes of a document, each made once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._steps = document.get("steps", ())
        self._env = document.get("env", {})
        self._dimensions = tuple(document.get("matrix", {}).get("dimensions", {}))
        shell = document.get("defaults", {}).get("shell") or DEFAULT_SHELL
        self._shell = _texts(shell)
        self._of_step = functools.cache(self._make)

    def at(self, path: Path) -> Scope:
        """The scope of the value at a path."""
        index = path[1] if path[0] == "steps" and len(path) > 1 else None
        if not isinstance(index, int):
            return Scope(self._dimensions, self._env)
        in_service = len(path) > 4 and path[2] == "services"
        return self._of_step(index, path[3] if in_service and isinstance(path[3], int) else None)

    def _make(self, index: int, service: int | None) -> Scope:
        step = self._steps[index]
        env = {**self._env, **step.get("env", {})}
        if service is not None:
            own = (step["services"][service] or {}).get("env", {})
            return Scope(self._dimensions, {**env, **own}, service=True, readable=own)
        secrets = {
            entry.get("envVar", entry.get("key"))
            for entry in step.get("secrets", ())
            if entry and "file" not in entry
        }
        program = (*step.get("entrypoint", ()), *step.get("args", ()))
        return Scope(
            self._dimensions,
            {name: value for name, value in env.items() if name not in secrets},
            readable=ALWAYS_SET | secrets,
            shell=_texts(step["shell"]) if "shell" in step else self._shell,
            program=_texts(program),
        )


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(value for value in values if value)


def _judge_env(env: Document, outer: Document, path: Path, faults: Faults) -> None:
    """Note variables that refer to themselves by way of others, or through too many."""
    graph = {name: _referred(name, env, outer) for name, value in env.items() if MARK in value}
    if not any(graph.values()):
        return
    depth: dict[str, int] = {}
    try:
        order = tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        members = list(reversed(error.args[1]))
        circle = " -> ".join(members)
        faults.add((*path, members[0]), f"these variables refer to each other: {circle}")
        return
    for name in order:
        depth[name] = 1 + max((depth[other] for other in graph.get(name, ())), default=0)
        if depth[name] > ENV_DEPTH_LIMIT:
            message = f"refers through more than {ENV_DEPTH_LIMIT} variables"
            faults.add((*path, name), message)
            return


def _referred(name: str, env: Document, outer: Document) -> set[str]:
    """The variables of the same level that a value refers to; its own name means the outer one."""
    used = {part.name for part in references(env[name]) if part.root == "env"}
    return {other for other in used if other in env and not (other == name and name in outer)}
