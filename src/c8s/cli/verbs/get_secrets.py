"""`c8s get secrets`: which secrets there are for pipelines, and their keys."""

from __future__ import annotations

import datetime
import os
from typing import Annotated, Any

import typer

from ..cluster import UNNAMED, Cluster
from ..cluster_options import PLACE, takes
from ..options import Table, TableOutput
from ..terminal import say
from ..view import words
from ..writing import write, write_as

EXAMPLES = """\
  c8s get secrets -n ci
  c8s get secrets deploy -n ci -o json | jq .keys
"""


@takes(PLACE)
def secrets(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", show_default=False, help="Only this Secret")
    ] = "",
    cluster: Cluster = UNNAMED,
    output: TableOutput = Table.TEXT,
) -> None:
    """List the Secrets that c8s has made, or show one, with its keys.

    Values are not shown. The list needs the right to list secrets, one alone the
    right to get it.
    """
    from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.managed_secrets import (
        managed_secrets,
    )

    kept = managed_secrets(cluster.options(None), os.environ)
    found = [kept.one(name)] if name else kept.listed()
    if output in (Table.JSON, Table.YAML):
        write_as(output, found[0] if name else {"items": found})
    elif not found:
        say(f"No secrets found in namespace {kept.namespace}")
    else:
        write(_text(found, output))


def _text(found: list[dict[str, Any]], output: Table) -> str:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.table import columns

    if output is Table.NAME:
        return "\n".join(secret["name"] for secret in found)
    now = datetime.datetime.now(datetime.UTC)
    rows = []
    for secret in found:
        made = datetime.datetime.fromisoformat(secret["created"])
        age = words.age((now - made).total_seconds())
        row = [secret["name"], ", ".join(secret["keys"]) or "-", age]
        if output is Table.WIDE:
            row.append("c8s" if secret["managed"] else "-")
        rows.append(row)
    header = ["NAME", "KEYS", "AGE"] + (["MANAGED BY"] if output is Table.WIDE else [])
    return columns([header, *rows])
