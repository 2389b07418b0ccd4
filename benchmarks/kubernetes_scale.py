"""Many runs from one task, pods played by kwok, against the same Jobs created bare."""

from __future__ import annotations

import copy
import datetime
import json
import pathlib
import secrets
import subprocess
import sys
import tempfile
import time
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.job import job  # noqa: E402
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod import JobSettings  # noqa: E402
from ansible_collections.c8s.ci.plugins.module_utils.runs.birth import run_of  # noqa: E402
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import (  # noqa: E402
    Request,
    orders_from,
)
from bare_jobs import smallest_job  # noqa: E402
from timing import Times  # noqa: E402

from kube.cluster import Cluster, used  # noqa: E402
from kube.fixtures import own_namespace  # noqa: E402

LAUNCH = """
import pathlib, resource, sys
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod import JobSettings
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.runs import ClusterRuns
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request
kubeconfig, namespace, store, count, text = sys.argv[1:]
client = connect(connection_options({"kubeconfig": kubeconfig}, {}), {})
runs = ClusterRuns(client, JobSettings(namespace=namespace), pathlib.Path(store))
done = runs.launch(runs.orders([Request(text.encode())] * int(count)))
bad = [one.run.status.message for one in done if one.run.status.phase != "Succeeded"]
usage = resource.getrusage(resource.RUSAGE_SELF)
print(usage.ru_maxrss // 1024, usage.ru_utime + usage.ru_stime)
sys.exit(bad[0] if bad else 0)
"""
BARE = """
import json, pathlib, sys
from bare_jobs import BareJobs
kubeconfig, namespace, limit = sys.argv[1:]
bare = BareJobs(pathlib.Path(kubeconfig), namespace)
bare.run(json.load(sys.stdin), float(limit))
bare.close()
"""
PIPELINE = """\
version: v1alpha1
name: bench
steps:
  - name: s0
    image: busybox
    commands: [echo]
    resources: {cpu: 10m, memory: 8Mi}
"""
SIZES = ((100, 5), (1000, 3))
"""How many runs, and how often: what takes a quarter of a minute is measured three times."""
WITHIN = 280.0
"""Seconds after which no further round of a size is begun: on a busy machine there are fewer."""
LIMIT = 300.0


def table() -> str:
    rows = [
        "| runs of one step from one process, its start included | c8s | the same Jobs, bare"
        " | rate | the smallest Jobs, bare | rate | memory, CPU of c8s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    with used("control", f"bench-{secrets.token_hex(3)}") as control:
        _ours(control, 10)  # What a server does the first time is not measured.
        for count, rounds in SIZES:
            try:
                rows.append(_row(control, count, rounds))
            except (subprocess.TimeoutExpired, TimeoutError):
                rows.append(f"| {count:,} | not measured: a part took {LIMIT:.0f} s ||||||")
    return "\n".join(rows)


def _row(control: Cluster, count: int, rounds: int) -> str:
    ours, same, smallest = [], [], []
    memory, cpu = 0, 0.0
    limit = time.monotonic() + WITHIN
    while not ours or (len(ours) < rounds and time.monotonic() < limit):
        taken, memory, cpu = _ours(control, count)
        ours.append(taken)
        same.append(_bare(control, [_same_job() for _number in range(count)]))
        smallest.append(_bare(control, [smallest_job() for _number in range(count)]))
    first, *others = (Times(tuple(each)) for each in (ours, same, smallest))
    cells = [_shown(first, count)]
    for other in others:
        cells += [_shown(other, count), f"{other.median / first.median:.2f}"]
    return f"| {count:,}, {len(ours)} rounds | {' | '.join(cells)} | {memory} MiB, {cpu:.1f} s |"


def _shown(times: Times, count: int) -> str:
    return f"{times.shown(1, 's')}, {count / times.median * 60:,.0f} a minute"


def _ours(control: Cluster, count: int) -> tuple[float, int, float]:
    """Seconds, and the process's memory in MiB and its own CPU time in seconds."""
    with own_namespace(control) as namespace, tempfile.TemporaryDirectory() as store:
        arguments = [str(control.kubeconfig), namespace, store, str(count), PIPELINE]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", LAUNCH, *arguments],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=LIMIT,
        )
        taken = time.perf_counter() - began
    memory, cpu = done.stdout.split()
    return taken, int(memory), float(cpu)


def _same_job() -> dict[str, Any]:
    """The Job that c8s makes of the step, but for the record that owns it."""
    now = datetime.datetime.now(datetime.UTC)
    (order,) = orders_from(
        [Request(PIPELINE.encode())], now, allow_file=False, check=lambda _pipeline: None
    )
    name = f"bench-{secrets.token_hex(4)}"
    run = run_of(order, name, secrets.token_hex(16), now)
    step = run.pipeline.steps[0]
    made = copy.deepcopy(job(run, step, 1, JobSettings(), None, ahead=False))
    del made["metadata"]["namespace"]
    return made


def _bare(control: Cluster, jobs: list[dict[str, Any]]) -> float:
    """Seconds, a process's start included as in ours."""
    manifests = json.dumps(jobs)
    with own_namespace(control) as namespace:
        arguments = [str(control.kubeconfig), namespace, str(LIMIT)]
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", BARE, *arguments],
            check=True,
            cwd=pathlib.Path(__file__).parent,
            input=manifests,
            text=True,
            timeout=LIMIT,
        )
        return time.perf_counter() - began


if __name__ == "__main__":
    print(table())
