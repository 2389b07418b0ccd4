"""`c8s run`: run a pipeline, here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .. import pipeline_file
from ..cluster import UNNAMED, Cluster
from ..cluster_options import OBJECTS, PLACE, PODS, takes
from ..launching import Launch, launch
from ..options import (
    Branch,
    Commit,
    Executor,
    File,
    IdempotencyKey,
    NewRunName,
    Parallel,
    Progress,
    ProgressOutput,
    Quiet,
    Repository,
    SecretsFile,
    Store,
    Tag,
    VaultPasswordFile,
    WantedEvent,
    WantedExecutor,
)
from ..source import Source, reachable, source_of
from ..terminal import paint, say
from ..view import words

if TYPE_CHECKING:
    from ansible_collections.c8s.ci.plugins.module_utils.runs.birth import Order
    from ansible_collections.c8s.ci.plugins.module_utils.runs.driven_runs import DrivenRuns

EXAMPLES = """\
  c8s run                                  this checkout's last commit
  c8s run --branch release/1 --secrets ci.secrets.yaml
  c8s run ci.yaml --executor docker        in containers
  c8s run --executor kubernetes -n ci      as Jobs of the kubeconfig's cluster
  c8s run ci.yaml --repository https://git.example.com/app.git --tag v1.0
  c8s run --name nightly-7                 again: goes on where it was cut off
  c8s run -o json > record.json            progress is on stderr
"""


@takes(PLACE, PODS, OBJECTS)
def run(
    file: File = None,
    executor: WantedExecutor = None,
    repository: Repository = "",
    commit: Commit = "",
    branch: Branch = "",
    tag: Tag = "",
    event: WantedEvent = None,
    secrets: SecretsFile = None,
    vault_password_file: VaultPasswordFile = None,
    name: NewRunName = "",
    idempotency_key: IdempotencyKey = "",
    triggered_by: Annotated[
        str, typer.Option("--triggered-by", metavar="WHO", help="Who the record says asked for it")
    ] = "manual",
    parallel: Parallel = None,
    cluster: Cluster = UNNAMED,
    store: Store = None,
    output: ProgressOutput = Progress.TEXT,
    quiet: Quiet = False,
) -> None:
    """Run a pipeline, show how it goes, and end as it ended.

    Without --repository it works on the git checkout that FILE is in: on the
    commit that was asked for, else on the last one of the branch that is checked
    out. Each step gets a clone of its own; changes that are not committed are not
    in it. The pipeline is the FILE that is named; without one the .c8s.yaml of
    the repository, commit, branch or tag that was asked for, else the one here.

    Progress goes to stderr. Ctrl-C cancels the run and waits until nothing of it
    is left.
    """
    where = Executor.KUBERNETES if cluster.named else executor or Executor.LOCAL
    asked = Source(repository, commit, branch, tag)

    def order(runs: DrivenRuns) -> Order:
        from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request

        path = file or pipeline_file.DEFAULT
        found = source_of(path, asked)
        if cluster.named:
            found = reachable(found)
        committed = file is None and found.repository and asked != Source()
        request = Request(
            text=b"" if committed else pipeline_file.read(path),
            file=pipeline_file.FILE_NAME if committed else pipeline_file.label(path),
            repository=found.repository,
            commit=found.commit,
            branch=found.branch,
            tag=found.tag,
            event=event or "",
            name=name,
            idempotency_key=idempotency_key,
            by=triggered_by,
        )
        ordered = runs.orders([request])[0]
        if not quiet:
            _tell(found, ordered)
        return ordered

    wanted = Launch(where, store, secrets, vault_password_file, parallel, output, quiet, cluster)
    raise typer.Exit(launch(wanted, order))


def _tell(found: Source, order: Order) -> None:
    """Say what the run works on, where nobody has said it, and what it does not see."""
    trigger = order.trigger
    if found.own:
        what = words.revision(trigger.commit, trigger.branch, trigger.tag)
        say(paint(f"Running {what} of {found.repository} ({trigger.event})", "dim"))
    elif not found.repository:
        say(paint("Running without a repository: steps begin in an empty workspace", "dim"))
    for note in found.notes:
        say(f"{paint('warning:', 'yellow', bold=True)} {note}")
