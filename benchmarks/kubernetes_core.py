"""A hundred Jobs launched from one task against `kubernetes.core.k8s`."""

from __future__ import annotations

import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import time
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from bare_jobs import smallest_job  # noqa: E402
from kubernetes_scale import PIPELINE  # noqa: E402
from timing import Times  # noqa: E402

from kube.cluster import Cluster, used  # noqa: E402
from kube.fixtures import own_namespace  # noqa: E402

COUNT = 100
ROUNDS = 5
LOOPS = 1
"""A loop takes minutes; once has to do."""
WITHIN = 60.0
"""Seconds after which no further round is begun: on a busy machine there are fewer of them."""
LIMIT = 400.0
OURS = pathlib.Path(sys.executable).parent / "ansible-playbook"


def table() -> str:
    peers = os.environ.get("C8S_BENCH_PEERS", "")
    if not peers:
        return "Not measured: `make bench` makes an environment with kubernetes.core for it."
    theirs = pathlib.Path(peers) / "bin" / "ansible-playbook"
    ours, listed, looped = [], [], []
    with used("control", f"bench-{secrets.token_hex(3)}") as control:
        limit = time.monotonic() + WITHIN
        while not ours or (len(ours) < ROUNDS and time.monotonic() < limit):
            ours.append(_play(control, OURS, _runs))
            listed.append(_play(control, theirs, _list))
        looped += [_play(control, theirs, _loop) for _round in range(LOOPS)]
    rows = [
        f"| {COUNT} Jobs from one task, the play's start included, {len(ours)} rounds (the loop"
        " once) | time | times slower |",
        "| --- | --- | --- |",
    ]
    first = Times(tuple(ours))
    for title, seconds in (
        ("`c8s.ci.pipeline_run` with `runs`: launched, watched to their end, logs kept", ours),
        ("`kubernetes.core.k8s` with a list: created, not waited for", listed),
        ("`kubernetes.core.k8s` in a loop: created, not waited for", looped),
    ):
        times = Times(tuple(seconds))
        rows.append(f"| {title} | {times.shown(1, 's')} | {times.median / first.median:.1f} |")
    return "\n".join(rows)


def _runs(kubeconfig: str, namespace: str, store: str) -> dict[str, Any]:
    src = pathlib.Path(store) / "pipeline.yaml"
    src.write_text(PIPELINE)
    return {
        "c8s.ci.pipeline_run": {
            "executor": "kubernetes",
            "kubeconfig": kubeconfig,
            "namespace": namespace,
            "store": store,
            "src": str(src),
            "runs": [{"name": f"bench-{number}"} for number in range(COUNT)],
        }
    }


def _list(kubeconfig: str, namespace: str, _store: str) -> dict[str, Any]:
    jobs = [smallest_job() for _number in range(COUNT)]
    return {
        "kubernetes.core.k8s": {
            "kubeconfig": kubeconfig,
            "namespace": namespace,
            "definition": jobs,
        }
    }


def _loop(kubeconfig: str, namespace: str, _store: str) -> dict[str, Any]:
    return {
        "kubernetes.core.k8s": {
            "kubeconfig": kubeconfig,
            "namespace": namespace,
            "definition": "{{ item }}",
        },
        "loop": [smallest_job() for _number in range(COUNT)],
        "loop_control": {"label": "job"},
    }


def _play(control: Cluster, program: pathlib.Path, task: Any) -> float:
    with own_namespace(control) as namespace, tempfile.TemporaryDirectory() as store:
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [task(str(control.kubeconfig), namespace, store)],
        }
        book = pathlib.Path(store) / "play.yml"
        book.write_text(json.dumps([play]))
        environment = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false"}
        environment["PATH"] = f"{program.parent}:{os.environ['PATH']}"
        began = time.perf_counter()
        done = subprocess.run(
            [str(program), str(book)],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=store,
            env=environment,
            timeout=LIMIT,
        )
        taken = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{program.name} failed: {done.stdout[-2000:]}{done.stderr[-500:]}")
    return taken


if __name__ == "__main__":
    print(table())
