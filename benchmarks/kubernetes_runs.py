"""Runs on a real cluster against the bare Jobs that they are made of."""

from __future__ import annotations

import json
import pathlib
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from timing import Times, alternate  # noqa: E402

from kube.agent import push_agent  # noqa: E402
from kube.api import Api  # noqa: E402
from kube.cluster import Cluster, used  # noqa: E402
from kube.fixtures import own_namespace  # noqa: E402

LAUNCH = """
import pathlib, sys
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod import JobSettings
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster_runs import ClusterRuns
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request
kubeconfig, namespace, agent, store, count, text = sys.argv[1:]
client = connect(connection_options({"kubeconfig": kubeconfig}, {}), {})
runs = ClusterRuns(client, JobSettings(namespace=namespace, agent_image=agent), pathlib.Path(store))
done = runs.launch(runs.orders([Request(text.encode())] * int(count)))
bad = [one.run.status.message for one in done if one.run.status.phase != "Succeeded"]
sys.exit(bad[0] if bad else 0)
"""
CHAIN = 4
MANY = (100, 1000)
ROUNDS = 5
LIMIT = 300


def table() -> str:
    rows = ["| what | c8s, its start included | bare Jobs, one after the other | ratio |",
            "| --- | --- | --- | --- |"]  # fmt: skip
    with used("full", f"bench-{secrets.token_hex(3)}", audit=True) as cluster:
        agent = push_agent(cluster)
        with own_namespace(cluster) as namespace:
            rows += _times(cluster, namespace, agent)
        rows += ["", *_writes(cluster, agent)]
    with used("control", f"bench-{secrets.token_hex(3)}") as control:
        rows += ["", *_many(control)]
    return "\n".join(rows)


def _times(cluster: Cluster, namespace: str, agent: str) -> list[str]:
    one, chain = _pipeline(1), _pipeline(CHAIN)
    api = cluster.api()
    measured = alternate(
        [
            lambda: _launch(cluster, namespace, agent, one),
            lambda: _bare(api, namespace, 1),
            lambda: _launch(cluster, namespace, agent, chain),
            lambda: _launch(cluster, namespace, agent, "prepareAhead: true\n" + chain),
            lambda: _bare(api, namespace, CHAIN),
        ],
        ROUNDS,
    )
    single, bare, chained, ahead, bare_chain = measured
    return [
        _row("a run of one step", single, bare),
        _row(f"a chain of {CHAIN} steps", chained, bare_chain),
        _row("the same with prepareAhead", ahead, bare_chain),
    ]


def _row(title: str, ours: Times, bare: Times) -> str:
    ratio = ours.median / bare.median
    return f"| {title} | {ours.shown(1, 's')} | {bare.shown(1, 's')} | {ratio:.2f} |"


def _writes(cluster: Cluster, agent: str) -> list[str]:
    """What one run and one bare Job make the whole cluster write, by the audit log."""
    counted = []
    for act in (
        lambda namespace: _launch(cluster, namespace, agent, _pipeline(1)),
        lambda namespace: _bare(cluster.api(), namespace, 1),
    ):
        figures = []
        for _round in range(ROUNDS):
            with own_namespace(cluster) as namespace:
                figures.append(_writes_of(cluster, namespace, act))
        counted.append([sorted(values)[len(values) // 2] for values in zip(*figures, strict=True)])
    (ours, our_events), (bare, bare_events) = counted
    return [
        "| API writes in the whole cluster, one step | c8s | bare Job |",
        "| --- | --- | --- |",
        f"| objects | {ours} | {bare} |",
        f"| events | {our_events} | {bare_events} |",
    ]


def _writes_of(cluster: Cluster, namespace: str, act: Callable[[str], object]) -> tuple[int, int]:
    before = cluster.audit_log.stat().st_size
    act(namespace)
    time.sleep(3)  # What controllers write behind a Job's end counts too.
    with open(cluster.audit_log) as stream:
        stream.seek(before)
        entries = [json.loads(line) for line in stream if line.strip()]
    found = [
        entry["objectRef"]["resource"]
        for entry in entries
        if entry["verb"] in ("create", "update", "patch", "delete")
        and entry.get("objectRef", {}).get("namespace") == namespace
        and entry["objectRef"]["resource"] != "leases"
        and entry.get("responseStatus", {}).get("code", 500) < 400
    ]
    events = found.count("events")
    return len(found) - events, events


def _many(control: Cluster) -> list[str]:
    rows = [
        "| runs of one step from one task, pods played by kwok | c8s | bare Jobs | rate |",
        "| --- | --- | --- | --- |",
    ]
    for count in MANY:
        with own_namespace(control) as namespace:
            began = time.perf_counter()
            _bare_many(control.api(), namespace, count)
            bare = time.perf_counter() - began
        with own_namespace(control) as namespace:
            began = time.perf_counter()
            _launch(control, namespace, "none", _pipeline(1), count)
            ours = time.perf_counter() - began
        rows.append(
            f"| {count} | {ours:.1f} s ({count / ours * 60:.0f} a minute)"
            f" | {bare:.1f} s ({count / bare * 60:.0f} a minute) | {bare / ours:.2f} |"
        )
    return rows


def _pipeline(steps: int) -> str:
    lines = ["version: v1alpha1", "name: bench", "steps:"]
    for number in range(steps):
        lines += [
            f"  - name: s{number}",
            "    image: busybox",
            "    commands: [echo]",
            "    resources: {cpu: 10m, memory: 8Mi}",
        ]
        if number:
            lines.append(f"    dependsOn: [s{number - 1}]")
    return "\n".join(lines) + "\n"


def _launch(cluster: Cluster, namespace: str, agent: str, text: str, count: int = 1) -> None:
    with tempfile.TemporaryDirectory() as store:
        arguments = [str(cluster.kubeconfig), namespace, agent, store, str(count), text]
        subprocess.run([sys.executable, "-c", LAUNCH, *arguments], check=True, timeout=LIMIT)


def _job(name: str) -> dict[str, object]:
    container = {
        "name": "step",
        "image": "busybox",
        "command": ["/bin/sh", "-c", "echo"],
        "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "backoffLimit": 0,
            "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
        },
    }


def _bare(api: Api, namespace: str, count: int) -> None:
    """Jobs one after the other, each waited for by a watch until it is Complete."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    for _number in range(count):
        name = f"bare-{secrets.token_hex(4)}"
        api.create(path, _job(name))
        while True:
            status = api.get(f"{path}/{name}").get("status", {})
            if any(c["type"] == "Complete" for c in status.get("conditions", ())):
                break
            time.sleep(0.02)


def _bare_many(api: Api, namespace: str, count: int) -> None:
    """All Jobs created as fast as one connection per thread goes, then waited for."""
    import concurrent.futures

    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: api.create(path, _job(f"bare-{number}")), range(count)))
    while True:
        items = api.get(path)["items"]
        if sum("completionTime" in item.get("status", {}) for item in items) >= count:
            return
        time.sleep(0.5)


if __name__ == "__main__":
    print(table())
