"""Commands in real containers: streams, codes, sizes and limits."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    Conflict,
    Denied,
    InvalidInput,
    NotFound,
    Timeout,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.kube.exec import (
    ExecResult,
    OutputTooLarge,
    execute,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.kinds import POD
from ansible_collections.c8s.ci.plugins.module_utils.kube.network_faults import CutOff
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources

from integration.kube.reach import client_of, start_pod, wired
from integration.kube.wire import wire
from kube.cluster import Cluster
from kube.fixtures import own_namespace
from kube.waiting import wait_for


@pytest.fixture(scope="module")
def pod(cluster: Cluster) -> Any:
    """A namespace in which a pod `p` waits for commands."""
    with own_namespace(cluster) as name, client_of(cluster) as client:
        start_pod(client, name, "p", "sleep 3600")
        yield name


def run(client: Client, namespace: str, *command: str, **options: Any) -> ExecResult:
    return execute(client, namespace, "p", "step", command, **{"timeout": 30, **options})


def test_streams_and_code(client: Client, pod: str) -> None:
    result = run(client, pod, "sh", "-c", "echo out; echo err >&2; exit 7")
    assert result == ExecResult(7, b"out\n", b"err\n")
    assert run(client, pod, "printf", "%s|", "a b", "$(id)", "ü'\"") == ExecResult(
        0, "a b|$(id)|ü'\"|".encode()
    )


@pytest.mark.parametrize(
    ("command", "code", "started"),
    [
        (["sh", "-c", "exit 126"], 126, True),
        (["sh", "-c", "no-such"], 127, True),
        (["sh", "-c", "kill -9 $$"], 137, True),
        (["no-such"], 127, False),
        (["/no/such"], 127, False),
        (["/etc/passwd"], 126, False),
    ],
)
def test_codes_are_told_apart(
    client: Client, pod: str, command: list[str], code: int, started: bool
) -> None:
    result = run(client, pod, *command)
    assert (result.exit_code, result.started) == (code, started)


def test_input_ends(client: Client, pod: str) -> None:
    assert run(client, pod, "cat", stdin=b"").stdout == b""
    assert run(client, pod, "wc", "-c", stdin=b"12345").stdout.strip() == b"5"


def test_a_tar_of_twenty_megabytes_there_and_back(client: Client, pod: str, tmp_path: Path) -> None:
    content = os.urandom(20_000_000)
    archive = tmp_path / "in.tar"
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo("deep/down/file")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    with archive.open("rb") as file:
        assert run(client, pod, "tar", "xf", "-", "-C", "/tmp", stdin=file).exit_code == 0
    with (tmp_path / "out.tar").open("wb") as file:
        result = run(
            client,
            pod,
            *("tar", "cf", "-", "-C", "/tmp", "deep"),
            stdout=file.write,
            output_limit=50_000_000,
        )
    assert result == ExecResult(0)
    with tarfile.open(tmp_path / "out.tar") as tar:
        back = tar.extractfile("deep/down/file")
        assert back is not None
        assert hashlib.sha256(back.read()).digest() == hashlib.sha256(content).digest()


def test_a_command_that_answers_while_it_is_fed(client: Client, pod: str) -> None:
    data = os.urandom(8_000_000)
    pieces = (data[i : i + 100_000] for i in range(0, len(data), 100_000))
    assert run(client, pod, "cat", stdin=pieces).stdout == data


def test_limits(client: Client, pod: str) -> None:
    begun = time.monotonic()
    with pytest.raises(Timeout, match="no end after 1 seconds"):
        run(client, pod, "sleep", "30", timeout=1)
    assert time.monotonic() - begun < 5
    with pytest.raises(OutputTooLarge, match="more than the 1000000 bytes"):
        run(client, pod, "cat", "/dev/zero", output_limit=1_000_000)


def test_many_side_by_side(client: Client, pod: str) -> None:
    with ThreadPoolExecutor(20) as threads:
        done = threads.map(lambda i: run(client, pod, "echo", str(i)).stdout, range(20))
        assert [int(text) for text in done] == list(range(20))


def test_what_is_not_there(client: Client, pod: str) -> None:
    with pytest.raises(NotFound, match='pods "none" not found'):
        execute(client, pod, "none", "step", ["true"])
    with pytest.raises(InvalidInput, match="container none is not valid"):
        execute(client, pod, "p", "none", ["true"])


def test_a_container_that_has_ended(client: Client, namespace: str) -> None:
    start_pod(client, namespace, "p", "sleep 3")
    # What runs in it goes with it.
    assert run(client, namespace, "sleep", "30").exit_code == 137

    def ended() -> bool:
        return bool(Resources(client).get(POD, "p", namespace)["status"]["phase"] == "Succeeded")

    wait_for("the pod to end", ended, timeout=30)
    with pytest.raises(Conflict, match="cannot run true"):
        run(client, namespace, "true")


def test_who_may_not(cluster: Cluster, pod: str) -> None:
    expected = pytest.raises(Denied, match='User "ann"')
    with expected, client_of(cluster, impersonate_user="ann") as client:
        run(client, pod, "true")
    with client_of(cluster, api_key="wrong") as client, pytest.raises(Denied):
        run(client, pod, "true")


def test_through_a_proxy(cluster: Cluster, pod: str) -> None:
    with wire(login="u:p") as proxy:
        options = {
            "proxy": f"http://127.0.0.1:{proxy.port}",
            "proxy_headers": {"proxy_basic_auth": "u:p"},
        }
        with client_of(cluster, **options) as client:
            assert run(client, pod, "echo", "hi").stdout == b"hi\n"
        assert proxy.asked


def test_a_wire_that_is_cut(cluster: Cluster, pod: str) -> None:
    with wired(cluster) as (client, line), ThreadPoolExecutor(1) as pool:
        assert run(client, pod, "echo", "hi").stdout == b"hi\n"
        running = pool.submit(
            run, client, pod, "sh", "-c", "echo x; sleep 20", stdout=cutting(line)
        )
        with pytest.raises(CutOff, match="cannot run sh"):
            running.result(15)


def cutting(line: Any) -> Any:
    """A sink that cuts the wire at the first output."""
    return lambda _: line.cut()
