"""`c8s cancel`: end a run early."""

from __future__ import annotations

from typing import Annotated

import typer

from ..cluster import UNNAMED, Cluster
from ..cluster_options import OBJECTS, PLACE, takes
from ..launching import Launch, executor_of, runs_of
from ..options import RunName, Store, WhereKept
from ..terminal import say, user

EXAMPLES = """\
  c8s cancel demo-1
  c8s cancel demo-1 --wait    come back when nothing of it runs any more
"""


@takes(PLACE, OBJECTS)
def cancel(
    name: RunName,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the run has ended")] = False,
    executor: WhereKept = None,
    cluster: Cluster = UNNAMED,
    store: Store = None,
) -> None:
    """Ask the process that drives a run to end it.

    Its steps get a while to end by themselves. A run that nobody drives any
    more is ended at once.
    """
    from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Conflict

    runs = runs_of(Launch(executor_of(store, name, cluster), store, cluster=cluster))
    before = runs.records.read(name)["status"]
    if "completionTime" in before:
        raise Conflict(f"run {name!r} has ended already: {before['phase']}")
    status = runs.cancel([name], user(), wait=wait)[0].status
    say(f"{name} is {status.phase}" if status.phase.terminal else f"{name} was asked to end")
