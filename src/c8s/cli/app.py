"""The verbs of the command, put together."""

from __future__ import annotations

from typing import Annotated, Any

import typer
import typer.core
import typer.main

from .options import Store
from .verbs import (
    cancel,
    completion,
    doctor,
    get,
    get_secrets,
    logs,
    mask,
    plan,
    rerun,
    run,
    schema,
    secret,
    validate,
)
from .version import say_version

HELP = """Run pipelines, on this host or as Jobs of a Kubernetes cluster.

A pipeline is a file, .c8s.yaml, of steps that wait for each other. Runs are
kept, with their logs, in a store; every verb that takes a RUN finds it there.
"""

EPILOG = """Exit codes:

\b
  0   it succeeded, or the file is valid
  1   the run failed or was cancelled, or something went wrong
  2   wrong usage, or an invalid file
  3   not found
  4   denied
  5   something outside cannot be reached
  130 interrupted

Examples:

\b
  c8s validate                    is .c8s.yaml right?
  c8s plan --branch main          what would a push to main run?
  c8s run                         run this checkout's last commit
  c8s get runs                    what has run
  c8s logs demo-1 --step test     what a step printed
"""

# The verbs as people meet them; those that are not named come last.
ORDER = ("validate", "plan", "run", "get", "logs", "cancel", "rerun", "secret", "doctor")
SETTINGS = {"help_option_names": ["-h", "--help"]}


class _InOrder(typer.core.TyperGroup):
    """The help's list of verbs in `ORDER`."""

    def list_commands(self, ctx: Any) -> list[str]:
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


def command() -> Any:
    """The whole command, ready to be called with arguments."""
    app = typer.Typer(
        cls=_InOrder,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
        help=HELP,
        epilog=EPILOG,
    )
    app.callback()(_global_options)
    for verb in (validate, plan, run):
        _add(app, verb)
    app.add_typer(_getters(), name="get")
    app.add_typer(_secrets(), name="secret")
    for verb in (logs, cancel, rerun, doctor, mask, schema, completion):
        _add(app, verb)
    return typer.main.get_command(app)


def _add(app: typer.Typer, verb: Any) -> None:
    """A verb is a module that holds a function of its name and examples."""
    name = verb.__name__.rpartition(".")[2]
    app.command(name, epilog=examples(verb.EXAMPLES))(getattr(verb, name))


def _getters() -> typer.Typer:
    group = typer.Typer(
        no_args_is_help=True, rich_markup_mode=None, help="Show what there is: runs, secrets."
    )
    for name, verb in (("runs", get.runs), ("run", get.runs)):
        group.command(name, epilog=examples(get.EXAMPLES), hidden=name == "run")(verb)
    for name in ("secrets", "secret"):
        text = examples(get_secrets.EXAMPLES)
        group.command(name, epilog=text, hidden=name == "secret")(get_secrets.secrets)
    return group


def _secrets() -> typer.Typer:
    group = typer.Typer(
        no_args_is_help=True, rich_markup_mode=None, help="Keep secrets of pipelines in a cluster."
    )
    group.callback()(_only_a_group)
    group.command("create", epilog=examples(secret.EXAMPLES))(secret.create)
    return group


def _only_a_group() -> None:
    """Nothing; without a callback a group of one verb would be that verb."""


def examples(lines: str) -> str:
    """Examples as the end of a help text, their lines kept as they are."""
    return f"Examples:\n\n\b\n{lines.rstrip()}"


def _say_version(wanted: bool) -> None:
    if wanted:
        raise typer.Exit(say_version())


def _global_options(
    ctx: typer.Context,
    store: Store = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FORMAT", help="As --output of the verb")
    ] = "",
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Show the details of an unexpected error (C8S_DEBUG)"),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Show the version and end"
        ),
    ] = False,
) -> None:
    # `main` takes --verbose out, wherever it stands; here it is for the help.
    del verbose, version
    given = {"store": store, "output": output or None}
    defaults = {name: value for name, value in given.items() if value is not None}
    ctx.default_map = _for_each_verb(ctx.command, defaults)


def _for_each_verb(group: Any, defaults: dict[str, Any]) -> dict[str, Any]:
    """What was given before the verb, as the default of what may be given behind it."""
    return {
        name: _for_each_verb(verb, defaults) if hasattr(verb, "commands") else defaults
        for name, verb in group.commands.items()
    }
