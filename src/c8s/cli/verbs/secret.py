"""`c8s secret create`: keep a secret of pipelines in a cluster."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from ..cluster import UNNAMED, Cluster
from ..cluster_options import PLACE, takes
from ..options import Output, Report
from ..terminal import paint, say
from ..writing import write, write_as

EXAMPLES = """\
  c8s secret create deploy -n ci --from-prompt TOKEN
  c8s secret create deploy -n ci --from-env TOKEN=DEPLOY_TOKEN
  pass show ci/deploy | c8s secret create deploy -n ci --from-stdin TOKEN
  c8s secret create clone -n ci --from-file ssh-key=id --from-file known-hosts
"""


@takes(PLACE)
def create(
    name: Annotated[
        str, typer.Argument(metavar="NAME", show_default=False, help="The Secret's name")
    ],
    from_file: Annotated[
        list[str] | None,
        typer.Option("--from-file", metavar="[KEY=]PATH", help="A key's value out of a file"),
    ] = None,
    from_env: Annotated[
        list[str] | None,
        typer.Option(
            "--from-env", metavar="KEY[=VARIABLE]", help="Out of a variable of the environment"
        ),
    ] = None,
    from_stdin: Annotated[
        str, typer.Option("--from-stdin", metavar="KEY", help="What is read from stdin")
    ] = "",
    from_prompt: Annotated[
        list[str] | None,
        typer.Option("--from-prompt", metavar="KEY", help="Ask for it, without showing it"),
    ] = None,
    from_literal: Annotated[
        list[str] | None,
        typer.Option(
            "--from-literal", metavar="KEY=VALUE", help="As it is, seen by others of this host"
        ),
    ] = None,
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove the keys that are not given")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also change a Secret that c8s has not made")
    ] = False,
    cluster: Cluster = UNNAMED,
    output: Output = Report.TEXT,
) -> None:
    """Make a Secret for the steps of pipelines, or change it.

    Every option that begins with --from may be repeated, but for --from-stdin.
    A value of one line loses the newline at its end; one of several lines keeps
    it. Other keys of the Secret stay. No value is ever shown; those shorter than
    6 bytes could not be masked in logs and are refused.
    """
    from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import secret_data
    from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.managed_secrets import (
        managed_secrets,
    )

    if not any((from_file, from_env, from_stdin, from_prompt, from_literal)):
        raise typer.BadParameter("say where its values come from: --from-prompt KEY, say")
    if from_literal:
        _warn("--from-literal is seen by everybody on this host and kept by the shell's history")
    literals = _pairs(from_literal, "--from-literal", "KEY=VALUE")
    literals += [(key, _asked(key)) for key in from_prompt or ()]
    if from_stdin:
        content = secret_data.without_newline(sys.stdin.buffer.read())
        literals.append((from_stdin, content.decode("utf-8", "surrogateescape")))
    data = secret_data.gathered(
        literals=_once(literals),
        files=_once([_file(word) for word in from_file or ()]),
        variables=_once([_variable(word) for word in from_env or ()]),
        environment=os.environ,
    )
    secrets = managed_secrets(cluster.options(None), os.environ)
    change = secrets.present(name, data, purge=purge, force=force, check=False)
    for hint in secret_data.advice(data):
        _warn(hint)
    say(change.sentence())
    entries = secret_data.references(name, change.keys)
    if output is Report.TEXT:
        say("Steps of a pipeline refer to it by:")
        write(secret_data.snippet(entries))
        return
    write_as(
        output,
        {
            "name": change.name,
            "namespace": change.namespace,
            "keys": change.keys,
            "added": list(change.added),
            "replaced": list(change.replaced),
            "removed": list(change.removed),
            "changed": change.changed,
            "references": entries,
        },
    )


def _pairs(words: Sequence[str] | None, option: str, form: str) -> list[tuple[str, str]]:
    """Key and value of each word; the message about one without shows no value."""
    found = []
    for number, word in enumerate(words or (), 1):
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise typer.BadParameter(
                f"number {number} is not of the form {form}", param_hint=option
            )
        found.append((key, value))
    return found


def _file(word: str) -> tuple[str, str]:
    key, equals, path = word.partition("=")
    return (key, path) if equals else (os.path.basename(word), word)


def _variable(word: str) -> tuple[str, str]:
    key, equals, variable = word.partition("=")
    return (key, variable) if equals else (key, key)


def _once(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """As a mapping; what is given twice is a mistake."""
    found: dict[str, str] = {}
    for key, value in pairs:
        if key in found:
            raise typer.BadParameter(f"key {key!r} is given twice")
        found[key] = value
    return found


def _asked(key: str) -> str:
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            "there is no terminal to ask on; use --from-stdin, --from-env or --from-file",
            param_hint="--from-prompt",
        )
    return getpass.getpass(f"Value of {key}: ")


def _warn(message: str) -> None:
    say(f"{paint('warning:', 'yellow', bold=True)} {message}")
