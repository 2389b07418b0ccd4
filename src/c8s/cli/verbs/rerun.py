"""`c8s rerun`: run an ended run again."""

from __future__ import annotations

from typing import Annotated

import typer

from ..cluster import UNNAMED, Cluster
from ..cluster_options import OBJECTS, PLACE, PODS, takes
from ..launching import Launch, executor_of, launch
from ..options import (
    Executor,
    Parallel,
    Progress,
    ProgressOutput,
    Quiet,
    RunName,
    SecretsFile,
    Store,
    VaultPasswordFile,
)
from ..terminal import user

EXAMPLES = """\
  c8s rerun demo-1             all of it, on the same commit
  c8s rerun demo-1 --failed    only what has not succeeded
"""


@takes(PLACE, PODS, OBJECTS)
def rerun(
    name: RunName,
    failed: Annotated[
        bool,
        typer.Option("--failed", help="Take over what has succeeded, with its artifacts and logs"),
    ] = False,
    executor: Annotated[
        Executor | None,
        typer.Option("--executor", help="Where steps run (default: where they did)"),
    ] = None,
    secrets: SecretsFile = None,
    vault_password_file: VaultPasswordFile = None,
    parallel: Parallel = None,
    cluster: Cluster = UNNAMED,
    store: Store = None,
    output: ProgressOutput = Progress.TEXT,
    quiet: Quiet = False,
) -> None:
    """Run an ended run again.

    It becomes a new run of the same pipeline and commit. Secrets are kept
    nowhere, so they have to be given again.
    """
    where = executor or executor_of(store, name, cluster)
    wanted = Launch(where, store, secrets, vault_password_file, parallel, output, quiet, cluster)
    by = user()
    raise typer.Exit(launch(wanted, lambda runs: runs.rerun_order(name, failed_only=failed, by=by)))
