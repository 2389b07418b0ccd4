"""`c8s doctor`: is all there for runs, and what is to be done where it is not?"""

from __future__ import annotations

import os
import sys

import typer

from ..cluster import Cluster
from ..options import (
    AgentImage,
    Authorities,
    CloneSecret,
    Context,
    Kubeconfig,
    Namespace,
    ObjectStore,
    ObjectStoreAddressing,
    ObjectStoreAuthorities,
    ObjectStoreEndpoint,
    ObjectStoreRegion,
    Output,
    PriorityClassPrefix,
    PullSecret,
    Report,
    RunAsUser,
    RuntimeClass,
    Store,
)
from ..terminal import paint
from ..writing import write, write_as

EXAMPLES = """\
  c8s doctor                        this host, and the kubeconfig's cluster
  c8s doctor -n ci --runtime-class gvisor
  c8s doctor -o json | jq '.checks[] | select(.status != "passed")'
"""

_COLOURS = {"passed": "green", "warning": "yellow", "failed": "red"}


def doctor(
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
    output: Output = Report.TEXT,
) -> None:
    """Look whether this host and a cluster have what runs need.

    Says what is missing and how to mend it. Warnings are of what not everybody
    needs, and of what could not be seen. Nothing is changed.
    """
    from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
    from ansible_collections.c8s.ci.plugins.module_utils.runs.doctor.examination import examined

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
        object_store=object_store,
        object_store_endpoint=object_store_endpoint,
        object_store_region=object_store_region,
        object_store_addressing=object_store_addressing or "",
        object_store_ca_cert=object_store_ca_cert,
    )
    report = examined(cluster.options(store), os.environ, utc_now)
    if output is Report.TEXT:
        write("\n".join(map(_coloured, report.table.splitlines())))
    else:
        write_as(output, report.as_dict())
    raise typer.Exit(report.exit_code)


def _coloured(line: str) -> str:
    status, space, rest = line.partition(" ")
    if status not in _COLOURS:
        return line
    return paint(status, _COLOURS[status], stream=sys.stdout) + space + rest
