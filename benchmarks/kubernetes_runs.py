"""Runs on a real node against the bare Jobs that they are made of."""

from __future__ import annotations

import json
import pathlib
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from bare_jobs import BareJobs, smallest_job  # noqa: E402
from timing import Times, alternate  # noqa: E402

from e2e.git_server import PASSWORD, USER, Origin, https_server, new_repository  # noqa: E402
from kube.agent import push_agent  # noqa: E402
from kube.cluster import Cluster, used  # noqa: E402
from kube.fixtures import own_namespace  # noqa: E402

COMMAND = str(pathlib.Path(sys.executable).parent / "c8s")
CLONING = """
import pathlib, sys
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.pod import JobSettings
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.runs import ClusterRuns
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request
kubeconfig, namespace, agent, store, url, commit, text = sys.argv[1:]
client = connect(connection_options({"kubeconfig": kubeconfig}, {}), {})
settings = JobSettings(namespace=namespace, agent_image=agent, clone_secret="forge", authorities="authorities")
runs = ClusterRuns(client, settings, pathlib.Path(store))
request = Request(text.encode(), repository=url, commit=commit, branch="main")
run = runs.launch(runs.orders([request]))[0].run
sys.exit(run.status.message if run.status.phase != "Succeeded" else 0)
"""  # noqa: E501
CHAIN = 4
ROUNDS = 7
WITHIN = 420.0
"""Seconds after which no further round is begun: on a busy machine there are fewer of them."""
LIMIT = 60.0
"""Seconds for one run; one that takes longer is an error, not a figure."""
SETTLED_SECONDS = 4.0
"""What controllers write behind a Job's end counts too: they are done by then."""


def table() -> str:
    with used("full", f"bench-{secrets.token_hex(3)}", audit=True) as cluster:
        agent = push_agent(cluster)
        with own_namespace(cluster) as namespace:
            # What is done the first time (images, say) is not measured.
            _launch(cluster, namespace, _pipeline(1))
            rows = _times(cluster, namespace, agent)
        return "\n".join([*rows, "", *_writes(cluster)])


def _times(cluster: Cluster, namespace: str, agent: str) -> list[str]:
    one, chain = _pipeline(1), _pipeline(CHAIN)
    ahead = f"prepareAhead: true\n{chain}"
    bare = BareJobs(cluster.kubeconfig, namespace)
    with _repository(cluster, namespace) as origin:
        measured = alternate(
            [
                lambda: _launch(cluster, namespace, one),
                lambda: bare.chain(1, LIMIT),
                lambda: _launch(cluster, namespace, chain),
                lambda: _launch(cluster, namespace, ahead),
                lambda: _launch_cloned(cluster, namespace, agent, origin, chain),
                lambda: _launch_cloned(cluster, namespace, agent, origin, ahead),
                lambda: bare.chain(CHAIN, LIMIT),
            ],
            ROUNDS,
            warm=0,
            within=WITHIN,
            before=_any_moment,
        )
    bare.close()
    single, bare_one, chained, made_ahead, cloned, cloned_ahead, bare_chain = measured
    title, rounds = f"a chain of {CHAIN} steps", len(single.seconds)
    return [
        f"| `echo` on a real node, the command's own start included, {rounds} rounds | c8s"
        " | bare Jobs, one after the other | ratio |",
        "| --- | --- | --- | --- |",
        _row("a run of one step", single, bare_one),
        _row(title, chained, bare_chain),
        _row(f"{title}, `prepareAhead`", made_ahead, bare_chain),
        _row(f"{title}, each with a clone (the bare Jobs have none)", cloned, bare_chain),
        _row(f"{title}, each with a clone, `prepareAhead`", cloned_ahead, bare_chain),
    ]


def _any_moment() -> None:
    """Wait until what the one before has left is put away, and then for any moment.

    A node looks at its containers once a second. What always begins right behind the end of
    something else, which was told after such a look, would always meet the node at the same point.
    """
    time.sleep(SETTLED_SECONDS / 2 + random.random())


def _row(title: str, ours: Times, bare: Times) -> str:
    ratio = ours.median / bare.median
    return f"| {title} | {ours.shown(1, 's')} | {bare.shown(1, 's')} | {ratio:.2f} |"


# --- what is written ---------------------------------------------------------------------------


def _writes(cluster: Cluster) -> list[str]:
    """What one run and one bare Job make the whole cluster write, by the audit log."""
    ours, bare = [], []
    for _round in range(ROUNDS):
        ours.append(
            _writes_of(cluster, lambda namespace: _launch(cluster, namespace, _pipeline(1)))
        )
        bare.append(_writes_of(cluster, lambda namespace: _one_bare(cluster, namespace)))
    rows = [
        f"| API writes in the whole cluster, one step, {len(ours)} rounds | c8s | bare Job |",
        "| --- | --- | --- |",
    ]
    for position, title in enumerate(("objects", "events")):
        figures = (
            Times(tuple(float(found[position]) for found in each)).shown(1, "").replace(".0", "")
            for each in (ours, bare)
        )
        rows.append(f"| {title} | {' | '.join(figures)} |")
    return rows


def _one_bare(cluster: Cluster, namespace: str) -> None:
    bare = BareJobs(cluster.kubeconfig, namespace)
    bare.run([smallest_job()], LIMIT)
    bare.close()


def _writes_of(cluster: Cluster, act: Callable[[str], object]) -> tuple[int, int]:
    with own_namespace(cluster) as namespace:
        before = cluster.audit_log.stat().st_size
        _any_moment()
        act(namespace)
        time.sleep(SETTLED_SECONDS)
        with open(cluster.audit_log) as stream:
            stream.seek(before)
            entries = [json.loads(line) for line in stream if line.strip()]
    found = [
        entry["objectRef"]["resource"]
        for entry in entries
        if entry["verb"] in ("create", "update", "patch", "delete")
        and entry.get("objectRef", {}).get("namespace") == namespace
        and entry["objectRef"]["resource"] != "leases"
        # That each namespace gets one is no doing of what is measured.
        and entry["objectRef"].get("name") != "kube-root-ca.crt"
        and entry.get("responseStatus", {}).get("code", 500) < 400
    ]
    events = found.count("events")
    return len(found) - events, events


# --- launches ----------------------------------------------------------------------------------


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


def _launch(cluster: Cluster, namespace: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as store:
        subprocess.run(
            [
                *(COMMAND, "run", "-", "--quiet", "--executor", "kubernetes"),
                *("--kubeconfig", str(cluster.kubeconfig), "--namespace", namespace),
                *("--store", store),
            ],
            input=text.encode(),
            cwd=store,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=LIMIT,
        )


@contextmanager
def _repository(cluster: Cluster, namespace: str) -> Iterator[Origin]:
    """A repository that pods clone over https, with a password and an authority of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made = new_repository(folder)
        with https_server(folder, cluster.host_address, folder / "pki") as base:
            api, place = cluster.api(), f"/api/v1/namespaces/{namespace}"
            trust = (folder / "pki" / "ca.crt").read_text()
            for kind, thing, content in (
                ("Secret", "forge", {"stringData": {"username": USER, "password": PASSWORD}}),
                ("ConfigMap", "authorities", {"data": {"ca.crt": trust}}),
            ):
                manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": thing}}
                api.create(f"{place}/{kind.lower()}s", {**manifest, **content})
            origin = Origin(made, f"{base}/private.git/.git")
            origin.commit("new")
            yield origin


def _launch_cloned(cluster: Cluster, namespace: str, agent: str, origin: Origin, text: str) -> None:
    with tempfile.TemporaryDirectory() as store:
        where = [str(cluster.kubeconfig), namespace, agent, store]
        what = [origin.url, origin.git("rev-parse", "HEAD"), text]
        subprocess.run([sys.executable, "-c", CLONING, *where, *what], check=True, timeout=LIMIT)


if __name__ == "__main__":
    print(table())
