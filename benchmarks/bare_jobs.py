"""Jobs made by hand, to be measured against: created and waited for as well as can be."""

from __future__ import annotations

import concurrent.futures
import pathlib
import secrets
import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.informer import Informers
from ansible_collections.c8s.ci.plugins.module_utils.kube.kinds import JOB
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources

Manifest = dict[str, Any]

CREATORS = 8


def smallest_job() -> Manifest:
    """A Job with as little in it as runs `echo`."""
    container = {
        "name": "step",
        "image": "busybox",
        "command": ["/bin/sh", "-c", "echo"],
        "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"bare-{secrets.token_hex(4)}"},
        "spec": {
            "backoffLimit": 0,
            "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
        },
    }


class BareJobs:
    """Jobs of one namespace, over connections that are kept."""

    def __init__(self, kubeconfig: pathlib.Path, namespace: str) -> None:
        options = connection_options({"kubeconfig": str(kubeconfig)}, {})
        self._client = connect(options, {}, connections=CREATORS)
        self._resources = Resources(self._client)
        self._namespace = namespace

    def run(self, jobs: Sequence[Manifest], limit: float) -> None:
        """Create them side by side and wait until all are done; TimeoutError after `limit` s."""
        until = time.monotonic() + limit
        with Informers(self._client) as informers:
            watched = informers.of(JOB, self._namespace)
            watched.wait_synced(limit)
            with concurrent.futures.ThreadPoolExecutor(CREATORS) as pool:
                made = list(
                    pool.map(lambda job: self._resources.create(job, self._namespace), jobs)
                )
            waiting = {job["metadata"]["name"] for job in made}
            mark = -1
            while waiting:
                if time.monotonic() > until:
                    raise TimeoutError(f"{len(waiting)} of {len(made)} Jobs are not done")
                informers.changes.wait(mark, 1.0)
                mark = informers.changes.count
                done = {each["metadata"]["name"] for each in watched.objects() if _finished(each)}
                waiting -= done
                if len(waiting) > 50:
                    # Who waits for many need not look at each change.
                    time.sleep(0.1)

    def chain(self, count: int, limit: float) -> None:
        """One after the other, each when the one before it is done."""
        for _number in range(count):
            self.run([smallest_job()], limit)

    def close(self) -> None:
        self._client.close()


def _finished(job: Manifest) -> bool:
    conditions = job.get("status", {}).get("conditions") or ()
    return any(
        each["type"] in ("Complete", "Failed") and each["status"] == "True" for each in conditions
    )
