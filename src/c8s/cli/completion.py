"""Words for a shell to complete: verbs, options and their values, runs, steps.

The shell calls `c8s` with _C8S_COMPLETE set to its name and the words so far as arguments, the
unfinished one last, and gets a candidate on each line, behind a tab what it means. No line at all
leaves the word to the shell, which knows files better.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError

from . import options
from .cluster import Cluster, kept_runs
from .shells import Shell

if TYPE_CHECKING:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.driven_runs import KeptRecords

CLUSTER_SECONDS = 2.0

_CHOICES: Mapping[str, Iterable[str]] = {
    "executor": options.Executor,
    "event": options.Event,
    "phase": options.RunPhase,
    "shell": Shell,
}
_OUTPUTS: Mapping[tuple[str, ...], Iterable[str]] = {
    ("validate",): options.Report,
    ("plan",): options.Report,
    ("run",): options.Progress,
    ("rerun",): options.Progress,
    ("get", "runs"): options.Table,
    ("get", "run"): options.Table,
    ("get", "secrets"): options.Table,
    ("get", "secret"): options.Table,
    ("secret", "create"): options.Report,
    ("doctor",): options.Report,
}


def answer(words: Sequence[str]) -> int:
    """Print the candidates for the last word; whatever goes wrong, there are none."""
    *before, word = words or [""]
    with contextlib.suppress(C8sError, OSError):
        for value, meaning in candidates(before, word):
            print(f"{value}\t{meaning}" if meaning else value)  # noqa: T201
    return 0


@dataclasses.dataclass(slots=True)
class _Reached:
    """How far the finished words lead: the verb, its values so far, and an option that waits."""

    command: Any
    path: tuple[str, ...] = ()
    arguments: list[str] = dataclasses.field(default_factory=list)
    options: dict[str, str] = dataclasses.field(default_factory=dict)
    open_option: Any = None


def candidates(before: Sequence[str], word: str) -> list[tuple[str, str]]:
    """What may stand for `word` behind the words before it, each with its meaning."""
    from .app import command

    reached = _walk(command(), before)
    if reached.open_option is not None:
        found = _values(reached, reached.open_option.name)
    elif word.startswith("-"):
        found = _options(reached.command)
    elif hasattr(reached.command, "commands"):
        found = _verbs(reached.command)
    else:
        found = _values(reached, _next_argument(reached))
    return [(value, meaning) for value, meaning in found if value.startswith(word)]


def _walk(command: Any, words: Sequence[str]) -> _Reached:
    reached = _Reached(command)
    for word in words:
        if reached.open_option is not None:
            reached.options[reached.open_option.name] = word
            reached.open_option = None
        elif word.startswith("-") and word != "-":
            option, equals, value = word.partition("=")
            for parameter in _parameters(reached.command, "option"):
                if option in parameter.opts and not parameter.is_flag:
                    reached.options[parameter.name] = value
                    reached.open_option = None if equals else parameter
        elif word in getattr(reached.command, "commands", ()):
            reached.command = reached.command.commands[word]
            reached.path = (*reached.path, word)
        else:
            reached.arguments.append(word)
    return reached


def _parameters(command: Any, kind: str) -> list[Any]:
    return [parameter for parameter in command.params if parameter.param_type_name == kind]


def _next_argument(reached: _Reached) -> str:
    """The name of the argument that comes next; empty behind the last."""
    names = [str(parameter.name) for parameter in _parameters(reached.command, "argument")]
    return (*names, "")[min(len(reached.arguments), len(names))]


def _options(command: Any) -> list[tuple[str, str]]:
    found = [
        (max(parameter.opts, key=len), parameter.help or "")
        for parameter in _parameters(command, "option")
        if not parameter.hidden
    ]
    return [*found, ("--help", "Show this message and end")]


def _verbs(group: Any) -> list[tuple[str, str]]:
    return [
        (name, verb.get_short_help_str())
        for name, verb in group.commands.items()
        if not verb.hidden
    ]


def _values(reached: _Reached, parameter: str) -> list[tuple[str, str]]:
    """The values that a parameter may have, where they are known."""
    choices = _CHOICES.get(parameter) or (
        _OUTPUTS.get(reached.path) if parameter == "output" else None
    )
    if choices:
        return [(str(choice), "") for choice in choices]
    if parameter == "name" and reached.path[-1:] in (("secrets",), ("create",)):
        return [(name, "") for name in _secrets(reached)]
    if parameter == "name":
        return [(name, "") for name in _kept(reached).listed()]
    if parameter == "step" and reached.arguments:
        record = _kept(reached).read(reached.arguments[0])
        return [(step["name"], step["phase"]) for step in record["status"].get("steps", ())]
    return []


def _cluster(reached: _Reached) -> Cluster:
    given = reached.options
    executor = given.get("executor", "")
    return Cluster(
        given.get("context", ""),
        given.get("namespace", ""),
        given.get("kubeconfig", ""),
        executor=options.Executor(executor) if executor in set(options.Executor) else None,
    )


def _kept(reached: _Reached) -> KeptRecords:
    """The runs that the words mean; who completes a word does not wait long for a cluster."""
    store = reached.options.get("store")
    path = pathlib.Path(store) if store else None
    return kept_runs(path, _cluster(reached), timeout=CLUSTER_SECONDS)


def _secrets(reached: _Reached) -> list[str]:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.managed_secrets import (
        managed_secrets,
    )

    given = _cluster(reached).options(None)
    kept = managed_secrets(given, os.environ, timeout=CLUSTER_SECONDS)
    return [secret["name"] for secret in kept.listed()]
