"""`c8s doctor`: is all there for runs, and what is to be done where it is not?"""

from __future__ import annotations

import os
import sys

import typer

from ..cluster import UNNAMED, Cluster
from ..cluster_options import OBJECTS, PLACE, PODS, takes
from ..options import Output, Report, Store
from ..terminal import paint
from ..writing import write, write_as

EXAMPLES = """\
  c8s doctor                        this host, and the kubeconfig's cluster
  c8s doctor -n ci --runtime-class gvisor
  c8s doctor -o json | jq '.checks[] | select(.status != "passed")'
"""

_COLOURS = {"passed": "green", "warning": "yellow", "failed": "red"}


@takes(PLACE, PODS, OBJECTS)
def doctor(
    cluster: Cluster = UNNAMED,
    store: Store = None,
    output: Output = Report.TEXT,
) -> None:
    """Look whether this host and a cluster have what runs need.

    Says what is missing and how to mend it. Warnings are of what not everybody
    needs, and of what could not be seen. Nothing is changed.
    """
    from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
    from ansible_collections.c8s.ci.plugins.module_utils.runs.doctor.examination import examined

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
