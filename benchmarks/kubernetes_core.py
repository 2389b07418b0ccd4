"""Jobs launched and manifests applied from one task, against `kubernetes.core.k8s`.

No module of the collection takes manifests as they come, and none is wanted: what is measured is
the room that all of them use (`library/bench_apply.py`), by itself and in a play.
"""

from __future__ import annotations

import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.informer import Informers
from ansible_collections.c8s.ci.plugins.module_utils.kube.kinds import JOB
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options

ROOT = pathlib.Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "benchmarks" / "library"
sys.path.insert(0, str(ROOT / "tests"))

from bare_jobs import smallest_job  # noqa: E402
from kubernetes_scale import PIPELINE  # noqa: E402
from timing import Times  # noqa: E402

from kube.cluster import Cluster, used  # noqa: E402
from kube.fixtures import own_namespace  # noqa: E402

JOBS = 100
MANIFESTS = 50
ROUNDS = 5
WITHIN = 120.0
"""Seconds after which no further round is begun: on a busy machine there are fewer of them."""
LIMIT = 1800.0
OURS = pathlib.Path(sys.executable).parent / "ansible-playbook"
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from bench_apply import changed
task = json.load(sys.stdin)["bench_apply"]
print(f"changed={min(1, changed(task['kubeconfig'], task['namespace'], task['definition']))} ")
"""

Task: TypeAlias = dict[str, Any]
Run: TypeAlias = Callable[[Task], "tuple[float, bool]"]
"""A task carried out: the seconds that it took, and whether it says that it changed something."""


def table() -> str:
    peers = os.environ.get("C8S_BENCH_PEERS", "")
    if not peers:
        return "Not measured: `make bench` makes an environment with kubernetes.core for it."
    theirs = pathlib.Path(peers) / "bin" / "ansible-playbook"
    with used("control", f"bench-{secrets.token_hex(3)}") as control:
        return f"{_launches(control, theirs)}\n\n{_applies(control, theirs)}"


def _launches(control: Cluster, theirs: pathlib.Path) -> str:
    kubeconfig = str(control.kubeconfig)

    def launched(program: pathlib.Path, task: Callable[[str, str, str], Task]) -> float:
        with own_namespace(control) as namespace, tempfile.TemporaryDirectory() as store:
            return _play(program)(task(kubeconfig, namespace, store))[0]

    ours: list[float] = []
    made: list[float] = []
    listed: list[float] = []
    looped: list[float] = []

    def one_round() -> None:
        ours.append(launched(OURS, _runs))
        made.append(_until_made(control))
        listed.append(launched(theirs, _list))

    _rounds(one_round, lambda: looped.append(launched(theirs, _loop)))
    rows = [
        f"| {JOBS} Jobs from one task, the play's start included, {len(ours)} rounds (the loop"
        " once) | time | times slower |",
        "| --- | --- | --- |",
    ]
    first = Times(tuple(made))
    for title, seconds in (
        ("`c8s.ci.pipeline_run` with `runs`: until all Jobs are there", made),
        ("`c8s.ci.pipeline_run` with `runs`: launched, watched to their end, logs kept", ours),
        ("`kubernetes.core.k8s` with a list: created, not waited for", listed),
        ("`kubernetes.core.k8s` in a loop: created, not waited for", looped),
    ):
        times = Times(tuple(seconds))
        rows.append(f"| {title} | {times.shown(1, 's')} | {times.median / first.median:.1f} |")
    return "\n".join(rows)


def _until_made(control: Cluster) -> float:
    """Seconds from a play's start until all Jobs that it launches are there."""
    client = connect(connection_options({"kubeconfig": str(control.kubeconfig)}, {}), {})
    with (
        own_namespace(control) as namespace,
        tempfile.TemporaryDirectory() as store,
        Informers(client) as informers,
        ThreadPoolExecutor(1) as pool,
    ):
        jobs = informers.of(JOB, namespace)
        jobs.wait_synced(LIMIT)
        began = time.perf_counter()
        play = pool.submit(_play(OURS), _runs(str(control.kubeconfig), namespace, store))
        mark = -1
        while len(jobs.objects()) < JOBS and not play.done():
            informers.changes.wait(mark, 1.0)
            mark = informers.changes.count
        taken = time.perf_counter() - began
        play.result()
    client.close()
    return taken


def _rounds(one: Callable[[], None], once: Callable[[], None]) -> None:
    """One after the other, and between the first two what takes minutes, so that once has to do."""
    one()
    once()
    limit, number = time.monotonic() + WITHIN, 1
    while number < 2 or (number < ROUNDS and time.monotonic() < limit):
        one()
        number += 1


def _runs(kubeconfig: str, namespace: str, store: str) -> Task:
    src = pathlib.Path(store) / "pipeline.yaml"
    src.write_text(PIPELINE)
    return {
        "c8s.ci.pipeline_run": {
            "executor": "kubernetes",
            "kubeconfig": kubeconfig,
            "namespace": namespace,
            "store": store,
            "src": str(src),
            "runs": [{"name": f"bench-{number}"} for number in range(JOBS)],
        }
    }


def _list(kubeconfig: str, namespace: str, _store: str) -> Task:
    return _core(kubeconfig, namespace, [smallest_job() for _number in range(JOBS)])


def _loop(kubeconfig: str, namespace: str, _store: str) -> Task:
    return _in_a_loop(_list(kubeconfig, namespace, ""))


def _applies(control: Cluster, theirs: pathlib.Path) -> str:
    listed: dict[str, tuple[Run, Callable[[Task], Task]]] = {
        "`module_utils/kube`, server-side, 8 at a time, in a program of its own": (
            _program,
            _bench_apply,
        ),
        "`module_utils/kube`, the same as a module in a play": (_play(OURS), _bench_apply),
        "`kubernetes.core.k8s` with the list, `apply`": (_play(theirs), _applying),
        "`kubernetes.core.k8s` with the list, `apply` and `server_side_apply`": (
            _play(theirs),
            _server_side,
        ),
    }
    looped: dict[str, tuple[Run, Callable[[Task], Task]]] = {
        "`kubernetes.core.k8s` in a loop, `apply`": (
            _play(theirs),
            lambda task: _in_a_loop(_applying(task)),
        ),
        "`kubernetes.core.k8s` in a loop, `apply` and `server_side_apply`": (
            _play(theirs),
            lambda task: _in_a_loop(_server_side(task)),
        ),
    }
    times: dict[str, list[tuple[float, float]]] = {title: [] for title in (*listed, *looped)}
    pings: list[float] = []

    def measure(contenders: Mapping[str, tuple[Run, Callable[[Task], Task]]]) -> None:
        for title, (run, task) in contenders.items():
            times[title].append(_applied_twice(control, run, task))

    def one_round() -> None:
        measure(listed)
        pings.append(_play(OURS)({"ansible.builtin.ping": {}})[0])

    _rounds(one_round, lambda: measure(looped))
    shown = [
        (title, *(Times(tuple(each)) for each in zip(*taken, strict=True)))
        for title, taken in times.items()
    ]
    program, play = (both for _title, *both in shown[:2])
    rows = [
        f"| {MANIFESTS} ConfigMaps, each read, applied and compared with what was; the process's or"
        f" play's start included, {len(pings)} rounds (loops once) | first time"
        " | times slower than the room in a play, than its program | unchanged"
        " | times slower than in a play, than the program |",
        "| --- | --- | --- | --- | --- |",
    ]
    for title, *both in shown:
        cells = [
            f"{each.shown(1, 's')} | {each.median / in_play.median:.1f},"
            f" {each.median / alone.median:.1f}"
            for each, in_play, alone in zip(both, play, program, strict=True)
        ]
        rows.append(f"| {title} | {' | '.join(cells)} |")
    start = Times(tuple(pings)).shown(1, "s")
    rows.append(
        f"| *a play of `ansible.builtin.ping` alone, as much is in each play* | {start} ||||"
    )
    return "\n".join(rows)


def _applied_twice(control: Cluster, run: Run, task: Callable[[Task], Task]) -> tuple[float, float]:
    """Seconds of the first time and of the second, in which nothing is new."""
    with own_namespace(control) as namespace:
        manifests = [_config_map(number) for number in range(MANIFESTS)]
        core = _core(str(control.kubeconfig), namespace, manifests)
        seconds = []
        for is_new in (True, False):
            taken, changed = run(task(core))
            if changed != is_new:
                raise RuntimeError(f"it says changed={changed}, of what was there: {not is_new}")
            seconds.append(taken)
    return seconds[0], seconds[1]


def _config_map(number: int) -> Task:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"bench-{number}", "labels": {"bench": "apply"}},
        "data": {"number": str(number), "file": "a line of a file\n" * 20},
    }


def _core(kubeconfig: str, namespace: str, manifests: list[Task]) -> Task:
    return {
        "kubernetes.core.k8s": {
            "kubeconfig": kubeconfig,
            "namespace": namespace,
            "definition": manifests,
        }
    }


def _bench_apply(core: Task) -> Task:
    return {"bench_apply": core["kubernetes.core.k8s"]}


def _applying(core: Task, **more: object) -> Task:
    return {"kubernetes.core.k8s": {**core["kubernetes.core.k8s"], "apply": True, **more}}


def _server_side(core: Task) -> Task:
    return _applying(core, server_side_apply={"field_manager": "bench"})


def _in_a_loop(core: Task) -> Task:
    options = core["kubernetes.core.k8s"]
    return {
        "kubernetes.core.k8s": {**options, "definition": "{{ item }}"},
        "loop": options["definition"],
        "loop_control": {"label": "manifest"},
    }


def _play(program: pathlib.Path) -> Run:
    def played(task: Task) -> tuple[float, bool]:
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
        with tempfile.TemporaryDirectory() as folder:
            book = pathlib.Path(folder) / "play.yml"
            book.write_text(json.dumps([play]))
            environment = {
                **os.environ,
                "ANSIBLE_LOCALHOST_WARNING": "false",
                "ANSIBLE_LIBRARY": str(LIBRARY),
                "PATH": f"{program.parent}:{os.environ['PATH']}",
            }
            return _timed([str(program), str(book)], "", folder, environment)

    return played


def _program(task: Task) -> tuple[float, bool]:
    command = [sys.executable, "-c", PROGRAM, str(LIBRARY)]
    return _timed(command, json.dumps(task), str(ROOT), dict(os.environ))


def _timed(
    command: list[str], text: str, folder: str, environment: dict[str, str]
) -> tuple[float, bool]:
    began = time.perf_counter()
    done = subprocess.run(
        command,
        check=False,
        input=text,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=LIMIT,
    )
    taken = time.perf_counter() - began
    if done.returncode:
        said = f"{done.stdout[-2000:]}{done.stderr[-500:]}"
        raise RuntimeError(f"{pathlib.Path(command[0]).name} failed: {said}")
    return taken, "changed=1 " in done.stdout


if __name__ == "__main__":
    print(table())
