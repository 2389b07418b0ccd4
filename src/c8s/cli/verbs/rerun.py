"""`c8s rerun`: run an ended run again."""

from __future__ import annotations

from typing import Annotated

import typer

from ..cluster import Cluster
from ..launching import Launch, executor_of, launch
from ..options import (
    AgentImage,
    Authorities,
    CloneSecret,
    Context,
    Executor,
    Kubeconfig,
    Namespace,
    ObjectStore,
    ObjectStoreAddressing,
    ObjectStoreAuthorities,
    ObjectStoreEndpoint,
    ObjectStoreRegion,
    Parallel,
    PriorityClassPrefix,
    Progress,
    ProgressOutput,
    PullSecret,
    Quiet,
    RunAsUser,
    RunName,
    RuntimeClass,
    SecretsFile,
    Store,
    VaultPasswordFile,
)
from ..terminal import user

EXAMPLES = """\
  c8s rerun demo-1             all of it, on the same commit
  c8s rerun demo-1 --failed    only what has not succeeded
"""


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
    context: Context = "",
    namespace: Namespace = "",
    kubeconfig: Kubeconfig = "",
    agent_image: AgentImage = "",
    clone_secret: CloneSecret = "",
    authorities: Authorities = "",
    runtime_class: RuntimeClass = "",
    pull_secret: PullSecret = None,
    priority_class_prefix: PriorityClassPrefix = "",
    run_as_user: RunAsUser = None,
    object_store: ObjectStore = "",
    object_store_endpoint: ObjectStoreEndpoint = "",
    object_store_region: ObjectStoreRegion = "",
    object_store_addressing: ObjectStoreAddressing = None,
    object_store_ca_cert: ObjectStoreAuthorities = "",
    store: Store = None,
    output: ProgressOutput = Progress.TEXT,
    quiet: Quiet = False,
) -> None:
    """Run an ended run again.

    It becomes a new run of the same pipeline and commit. Secrets are kept
    nowhere, so they have to be given again.
    """
    cluster = Cluster(
        context,
        namespace,
        kubeconfig,
        agent_image,
        clone_secret,
        authorities,
        runtime_class,
        tuple(pull_secret or ()),
        priority_class_prefix,
        run_as_user,
        executor,
        object_store=object_store,
        object_store_endpoint=object_store_endpoint,
        object_store_region=object_store_region,
        object_store_addressing=object_store_addressing or "",
        object_store_ca_cert=object_store_ca_cert,
    )
    where = executor or executor_of(store, name, cluster)
    wanted = Launch(where, store, secrets, vault_password_file, parallel, output, quiet, cluster)
    by = user()
    raise typer.Exit(launch(wanted, lambda runs: runs.rerun_order(name, failed_only=failed, by=by)))
