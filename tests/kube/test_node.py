"""The real node: ordinary Jobs on ordinary images, as pipelines will run them."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from kube.api import ApiError
from kube.cluster import Cluster
from kube.fixtures import own_namespace
from kube.jobs import create, job, run
from kube.waiting import wait_for

KUBECTL = Path(sys.executable).with_name("kubectl")


def kubectl(cluster: Cluster, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KUBECTL, f"--kubeconfig={cluster.kubeconfig}", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_job_completes_and_its_log_is_read(cluster: Cluster, namespace: str) -> None:
    done = run(cluster.api(), namespace, job("hello", "busybox", ["echo", "it", "works"]))
    assert (done.outcome, done.log()) == ("Complete", "it works\n")


def test_a_failing_job_tells_its_exit_code(cluster: Cluster, namespace: str) -> None:
    done = run(cluster.api(), namespace, job("fails", "busybox", ["sh", "-c", "exit 7"]))
    assert (done.outcome, done.exit_code) == ("Failed", 7)


@pytest.mark.parametrize(
    ("image", "script", "said"),
    [
        ("busybox", "busybox | head -1; id -u", "BusyBox"),
        ("docker.io/library/busybox:latest", "wget --help 2>&1 | head -1", "BusyBox"),
        ("python:3.11", "python -c 'import ssl, sqlite3, sys; print(sys.version)'", "3.11."),
        ("docker.io/library/python:3.11", "python3 -m venv /tmp/v && /tmp/v/bin/pip -V", "pip "),
        ("alpine/git", "git --version && ssh -V 2>&1 && ls /etc/ssl/certs", "ca-certificates.crt"),
    ],
)
def test_ordinary_images_run_unchanged(
    cluster: Cluster, namespace: str, image: str, script: str, said: str
) -> None:
    done = run(cluster.api(), namespace, job("image", image, ["sh", "-c", script]))
    assert done.outcome == "Complete", done.log()
    assert said in done.log()


def test_the_git_image_starts_git_by_itself(cluster: Cluster, namespace: str) -> None:
    pod = {"containers": [{"name": "main", "image": "alpine/git", "args": ["version"]}]}
    done = run(cluster.api(), namespace, job("git", "alpine/git", None, pod=pod))
    assert done.log().startswith("git version 2.")


def test_an_unknown_image_is_refused_at_once(cluster: Cluster, namespace: str) -> None:
    api = cluster.api()
    create(api, namespace, job("lost", "nobody/has-this:1", ["true"]))

    def reason() -> str | None:
        for pod in api.get(f"/api/v1/namespaces/{namespace}/pods")["items"]:
            for status in pod["status"].get("containerStatuses", []):
                found = status["state"].get("waiting", {}).get("reason", "")
                if found in ("ErrImagePull", "ImagePullBackOff"):
                    return str(found)
        return None

    assert wait_for("the refusal", reason, timeout=20)


def test_gvisor_is_the_kernel_of_its_runtime_class(cluster: Cluster, namespace: str) -> None:
    pod = {"runtimeClassName": "gvisor"}
    done = run(cluster.api(), namespace, job("sandbox", "busybox", ["dmesg"], pod=pod))
    assert done.outcome == "Complete"
    if cluster.sandboxed:
        assert "Starting gVisor" in done.log()
    else:
        print("RuntimeClass gvisor is runc on this cluster: gVisor was not built for it")


def test_exec_gives_the_exit_code_and_carries_stdin(cluster: Cluster, namespace: str) -> None:
    api = cluster.api()
    create(api, namespace, job("stays", "busybox", ["sleep", "600"]))

    def running() -> str | None:
        pods = api.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
        started = [pod for pod in pods if pod["status"]["phase"] == "Running"]
        return str(started[0]["metadata"]["name"]) if started else None

    pod = wait_for("the pod", running, timeout=30)
    words = (f"--namespace={namespace}", "exec", pod, "--", "sh", "-c")
    done = kubectl(cluster, *words, "echo seen; exit 5")
    assert (done.returncode, done.stdout) == (5, "seen\n")
    assert kubectl(cluster, *words, "hostname").stdout == f"{pod}\n"


def test_memory_limits_apply(cluster: Cluster, namespace: str) -> None:
    container = {
        "name": "main",
        "image": "python:3.11",
        "command": ["python", "-c", "x = bytearray(200 << 20)"],
        "resources": {"limits": {"memory": "64Mi"}},
    }
    done = run(cluster.api(), namespace, job("eats", "", None, pod={"containers": [container]}))
    state = done.pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (state["exitCode"], state["reason"]) == (137, "OOMKilled")


def test_a_namespace_can_enforce_the_restricted_standard(cluster: Cluster) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    container = {"name": "main", "image": "busybox", "command": ["true"]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bold"},
        "spec": {"containers": [container]},
    }
    with own_namespace(cluster, labels) as name, pytest.raises(ApiError) as refused:
        cluster.api().create(f"/api/v1/namespaces/{name}/pods", pod)
    assert refused.value.status == 403
    assert "violates PodSecurity" in str(refused.value)


class Greeting(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the host greets")

    def log_message(self, format: str, *args: object) -> None:
        return


def test_pods_reach_servers_on_this_host(cluster: Cluster, namespace: str) -> None:
    with HTTPServer((cluster.host_address, 0), Greeting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://{cluster.host_address}:{server.server_port}/"
            done = run(cluster.api(), namespace, job("asks", "busybox", ["wget", "-qO-", url]))
        finally:
            server.shutdown()
            thread.join()
    assert done.log() == "the host greets"
