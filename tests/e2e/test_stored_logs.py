"""Logs in an object store: live on any host, whole whoever dies, on a real server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import kept_logs
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import Notice, StepChanged

from e2e.lab import HEAD, SMALL, Lab
from e2e.steps import CHATTY, container_runs, let_it_end, touch
from kube.waiting import wait_for
from s3_server import S3Server

AWAIT = "'until [ -e {} ]; do sleep 0.2; done'"


def is_counted(log: str) -> bool:
    lines = log.splitlines()
    return bool(lines) and lines == [f"line {number + 1}" for number in range(len(lines))]


def call(lab: Lab, server: S3Server, store: Path, *words: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        **server.credentials,
        "KUBECONFIG": str(lab.kubeconfig),
        "C8S_STORE": str(store),
        "C8S_AGENT_IMAGE": lab.agent,
        "C8S_STORAGE_BUCKET": "builds/ci",
        "C8S_STORAGE_ENDPOINT": server.endpoint,
    }
    return subprocess.Popen(
        [Path(sys.executable).parent / "c8s", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_reads_a_live_log_on_another_host(
    lab: Lab, server: S3Server, tmp_path: Path
) -> None:
    file = tmp_path / "chatty.yaml"
    file.write_text(f"{HEAD}steps:{CHATTY}")
    here, there = tmp_path / "here", tmp_path / "there"
    place = ("--namespace", lab.namespace)
    launch = call(
        lab, server, here,
        *("run", str(file), "--executor", "kubernetes", "--name", "one", *place),
    )  # fmt: skip
    wait_for("parts of the log", lambda: server.objects(f"ci/{lab.namespace}/one/_parts"))

    def read() -> str:
        return call(lab, server, there, "logs", "one", "--step", "a", *place).communicate()[0]

    early = wait_for("lines of the live log", read)
    assert is_counted(early)
    follow = call(lab, server, there, "logs", "one", "--step", "a", "--follow", *place)
    let_it_end(lab)
    followed, complaint = follow.communicate(timeout=90)
    assert launch.wait(90) == 0, launch.communicate()[1]
    launch.communicate()
    assert follow.returncode == 0, complaint
    whole = server.objects()[f"ci/{lab.namespace}/one/a.log"].decode()
    assert is_counted(whole)
    assert whole.startswith(early)
    assert followed == whole
    assert read() == whole


def test_a_server_that_dies_during_a_run_loses_no_line_and_holds_up_no_step(
    lab: Lab, server: S3Server
) -> None:
    """It is away while a step goes on and the next one runs; the run ends when it is back."""
    runs = lab.runs()
    ended: list[Run] = []
    steps = (
        f"{CHATTY}  - {{name: b, image: busybox, {SMALL}, dependsOn: [a], commands: [echo b]}}\n"
    )
    thread = threading.Thread(target=lambda: ended.append(lab.launch(runs, steps, name="one")))
    thread.start()
    try:
        wait_for("parts of the log", lambda: server.objects(f"ci/{lab.namespace}/one/_parts"))
        server.stop()
        wait_for("news of the store", lambda: notices(lab))
        let_it_end(lab)
        wait_for("the end of the last step", lambda: is_over(lab, "b"))
        # Its record comes some seconds behind.
        wait_for("the record", lambda: runs.named("one").status.phase is Phase.RUNNING)
        assert not ended, "the run ends when its logs are kept"
    finally:
        server.start()
        thread.join(120)
    (run,) = ended
    assert run.status.phase is Phase.SUCCEEDED
    assert is_counted(server.objects()[f"ci/{lab.namespace}/one/a.log"].decode())
    assert lab.log(run, "b") == "b\n"
    first, *_between, last = notices(lab)
    assert "wait in" in first
    assert server.endpoint in first
    assert "again" in last


def notices(lab: Lab) -> list[str]:
    return [event.text for event in lab.events if isinstance(event, Notice)]


def is_over(lab: Lab, step: str) -> bool:
    return any(
        isinstance(event, StepChanged) and event.step.name == step and event.step.phase.terminal
        for event in lab.events
    )


def test_a_slow_server_is_waited_for(lab: Lab, server: S3Server) -> None:
    """It answers nothing for seconds, while lines come and while the files are carried."""
    runs = lab.runs()
    ended: list[Run] = []
    steps = f"{CHATTY}    artifacts: [x]\n"
    thread = threading.Thread(target=lambda: ended.append(lab.launch(runs, steps, name="one")))
    thread.start()
    wait_for("parts of the log", lambda: server.objects(f"ci/{lab.namespace}/one/_parts"))
    with server.halted():
        let_it_end(lab)
        wait_for("the end of its container", lambda: not container_runs(lab))
        assert not ended
    thread.join(150)
    assert ended[0].status.phase is Phase.SUCCEEDED
    assert is_counted(server.objects()[f"ci/{lab.namespace}/one/a.log"].decode())


def test_a_store_that_stays_away_is_given_up_after_a_while(
    lab: Lab, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_logs, "KEEP_SECONDS", 3.0)
    runs = lab.runs()
    ended: list[Run] = []
    thread = threading.Thread(target=lambda: ended.append(lab.launch(runs, CHATTY, name="one")))
    thread.start()
    wait_for("parts of the log", lambda: server.objects(f"ci/{lab.namespace}/one/_parts"))
    server.stop()
    let_it_end(lab)
    thread.join(120)
    assert ended[0].status.phase is Phase.SUCCEEDED
    assert "could not be kept" in notices(lab)[-1]
    assert f"s3://builds/ci/{lab.namespace}/one/a.log" in notices(lab)[-1]
    (left,) = lab.store.rglob("a.log")
    log = left.read_text()
    assert is_counted(log)
    # The next launch from this host takes it along.
    server.start()
    lab.run(f"  - {{name: a, image: busybox, {SMALL}, commands: [echo]}}\n")
    assert server.objects()[f"ci/{lab.namespace}/one/a.log"].decode() == log
    assert not left.exists()


# --- drivers that die


FIRST, MUCH = 220_000, 250_000
"""Lines; with the last of them the node's file is more than 10 MiB, so it begins another one."""
ROTATED = CHATTY.replace(
    "commands: [",
    f"commands: ['seq 1 {FIRST}', {AWAIT.format('/tmp/more')}, 'seq {FIRST + 1} {MUCH}',"
    f" {AWAIT.format('/tmp/go')}, ",
).replace("90s", "300s")


def test_a_driver_on_another_host_goes_on_with_a_log_whose_beginning_is_gone(
    lab: Lab, server: S3Server, tmp_path: Path
) -> None:
    """The first host is lost with what it had spooled, and the node has taken the log's first
    file away meanwhile: only the store still has that."""
    first = lab.process(ROTATED, "one", tmp_path / "lost-host")
    place = f"ci/{lab.namespace}/one/"

    def in_store() -> bytes:
        return b"".join(server.objects(f"{place}_parts").values())

    def rotated() -> bool:
        files = lab.cluster.pod_logs.glob(f"{lab.namespace}_*/step/*")
        return any("." in path.name[5:] for path in files)

    # A slow driver is not to lose what the node has taken away before it was read.
    wait_for("nearly all of the first file", lambda: b"\n220000\n" in in_store(), timeout=120)
    touch(lab, "/tmp/more")
    wait_for("all of the first file", lambda: b"\n250000\n" in in_store())
    wait_for("the end of the node's first file", rotated, pause=0.2)
    touch(lab, "/tmp/go")
    wait_for("lines of the second file", lambda: in_store().count(b"line ") > 30)
    first.kill()
    first.communicate()
    lab.let_claims_run_out()
    second = lab.process(ROTATED, "one", tmp_path / "other-host")
    wait_for("its spool", lambda: list((tmp_path / "other-host").rglob("a.log")))
    let_it_end(lab)
    said, _none = second.communicate(timeout=90)
    assert (second.returncode, said) == (0, "Succeeded\n")
    lines = server.objects()[f"{place}a.log"].decode().splitlines()
    expected = [str(number + 1) for number in range(MUCH)]
    odd = [pair for pair in zip(lines, expected, strict=False) if pair[0] != pair[1]]
    assert odd[:3] == []
    assert is_counted("\n".join(lines[MUCH:]))
    assert not server.objects(f"{place}_parts")


def test_a_driver_of_the_same_host_goes_on_with_what_it_has(lab: Lab, server: S3Server) -> None:
    """The store was away when the first was killed: the rest is on this host alone."""
    first = lab.process(CHATTY, "one")
    parts = f"ci/{lab.namespace}/one/_parts"
    wait_for("parts of the log", lambda: server.objects(parts))
    server.stop()
    (spool,) = lab.store.rglob("a.log")
    size = spool.stat().st_size
    wait_for("more lines on this host", lambda: spool.stat().st_size > size + 60)
    first.kill()
    first.communicate()
    server.start()
    second = lab.process(CHATTY, "one")
    wait_for("a driver", lambda: lab.is_driven_or_over(second))
    let_it_end(lab)
    said, _none = second.communicate(timeout=90)
    assert (second.returncode, said) == (0, "Succeeded\n")
    assert is_counted(server.objects()[f"ci/{lab.namespace}/one/a.log"].decode())


def test_drivers_of_two_hosts_keep_one_log(lab: Lab, server: S3Server, tmp_path: Path) -> None:
    stores = (tmp_path / "one-host", tmp_path / "other-host")
    both = [lab.process(CHATTY, "one", store) for store in stores]
    place = f"ci/{lab.namespace}/one"
    wait_for("parts of the log", lambda: server.objects(f"{place}/_parts"))
    let_it_end(lab)
    assert [driver.communicate(timeout=90)[0] for driver in both] == ["Succeeded\n"] * 2
    assert is_counted(server.objects()[f"{place}/a.log"].decode())
    assert len(lab.items("jobs")) == 1
