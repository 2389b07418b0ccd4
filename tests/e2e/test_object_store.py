"""Runs whose logs, artifacts and caches are in an object store: a real server, real pods."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    Denied,
    NotFound,
    Unavailable,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase, Reason
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.runs import ClusterRuns
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import StepChanged
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3_settings import s3_settings

from e2e.lab import HEAD, SMALL, Lab
from e2e.steps import container_runs, let_it_end
from kube.waiting import wait_for
from s3_server import S3Server, s3_server

TOKEN = f"token-{secrets.token_hex(12)}"
ZEROS = "mkdir out, 'head -c 99 /dev/zero >out/x'"
TREE = "artifacts: [{name: out, paths: [out]}]"


@pytest.fixture
def watched_processes() -> Iterator[set[bytes]]:
    """The command lines of all processes of this host, those of pods among them, meanwhile."""
    lines: set[bytes] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for process in Path("/proc").iterdir():
                if process.name.isdigit():
                    try:
                        lines.add((process / "cmdline").read_bytes())
                    except OSError:
                        continue

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield lines
    finally:
        over.set()
        watcher.join()


def texts_of(lab: Lab, run: Run) -> str:
    """All that the cluster and the record tell of a run."""
    records = [lab.runs().records.read(run.name)]
    return json.dumps([lab.items("jobs"), lab.items("pods"), lab.items("configmaps"), records])


def test_artifacts_travel_by_the_store_and_their_texts_are_masked(
    lab: Lab, server: S3Server, watched_processes: set[bytes]
) -> None:
    lab.secret("deploy", token=TOKEN)
    run = lab.run(
        f"""
  - name: build
    image: busybox
    {SMALL}
    commands:
      - mkdir -p out/deep
      - echo "$TOKEN" > out/deep/leak.txt
      - ln -s deep/leak.txt out/link
      - head -c 20000000 /dev/urandom > out/large.bin
      - sha256sum out/large.bin > out/sum
    secrets: [{{secretRef: deploy, key: token, envVar: TOKEN}}]
    artifacts: [{{name: out, paths: [out]}}, nothing/*]
  - name: use
    image: busybox
    {SMALL}
    dependsOn: [build]
    commands: [cat out/deep/leak.txt, cat out/link, sha256sum -c out/sum]
"""
    )
    assert run.status.phase is Phase.SUCCEEDED, run.status
    assert lab.log(run, "use") == "***REDACTED***\n***REDACTED***\nout/large.bin: OK\n"
    build = run.status.step("build")
    assert "nothing matches" in build.message
    folder = f"ci/{lab.namespace}/{run.name}"
    assert build.artifact_urls == tuple(
        f"s3://builds/{folder}/artifacts/build/out/{name}.tar" for name in ("texts", "files")
    )
    assert build.log_url == f"s3://builds/{folder}/build.log"
    kept = server.objects()
    assert kept[f"{folder}/use.log"].startswith(b"***REDACTED***")
    assert not any(TOKEN.encode() in content for content in kept.values())
    assert not [key for key in kept if "/_parts/" in key]
    assert not list(lab.store.rglob("*.log")), "what is in the store is not kept twice"
    told = (
        texts_of(lab, run)
        + repr(lab.events)
        + "".join(
            content.decode(errors="replace")
            for key, content in kept.items()
            if key.endswith(".log")
        )
    )
    for word in (server.secret_key, server.access_key, "X-Amz-Signature", TOKEN):
        assert word not in told
        assert not [line for line in watched_processes if word.encode() in line]
    assert any(b"c8s.agent" in line and b"upload" in line for line in watched_processes)


def test_a_private_authority_is_trusted_in_pods_too(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server(tmp_path / "tls", lab.cluster.host_address, tls=True) as server:
        for name, value in server.credentials.items():
            monkeypatch.setenv(name, value)
        lab.objects = s3_settings(server.options(), {})
        run = lab.run(
            f"""
  - {{name: a, image: busybox, {SMALL}, commands: [{ZEROS}], {TREE}}}
  - {{name: b, image: busybox, {SMALL}, dependsOn: [a], commands: [wc -c out/x]}}
"""
        )
        assert run.status.phase is Phase.SUCCEEDED, run.status
        assert lab.log(run, "b") == "99 out/x\n"


def test_caches_are_shared_between_hosts(lab: Lab, server: S3Server, tmp_path: Path) -> None:
    steps = f"""
  - name: a
    image: busybox
    {SMALL}
    commands:
      - cat deps/x || echo fresh
      - mkdir -p deps && echo kept > deps/x
    cache: [{{key: deps-1, paths: [deps]}}]
"""
    assert lab.log(lab.run(steps), "a").endswith("fresh\n")
    lab.store = tmp_path / "another-host"
    assert lab.log(lab.run(steps), "a") == "kept\n"
    caches = server.objects(f"ci/{lab.namespace}/_caches/")
    assert len(caches) == 1


def test_another_host_takes_over_what_succeeded(lab: Lab, server: S3Server, tmp_path: Path) -> None:
    first = lab.run(
        f"""
  - {{name: a, image: busybox, {SMALL}, commands: [mkdir out, echo made > out/it], {TREE}}}
  - name: b
    image: busybox
    {SMALL}
    dependsOn: [a]
    commands: [cat out/it, "test $C8S_RUN != first"]
""",
        name="first",
    )
    assert first.status.phase is Phase.FAILED
    lab.store = tmp_path / "another-host"
    runs = lab.runs()
    (again,) = runs.launch([runs.rerun_order("first", failed_only=True, by="Ada")])
    assert again.run.status.phase is Phase.SUCCEEDED
    assert again.run.status.step("a").reason == Reason.REUSED
    assert lab.log(again.run, "b") == "made\n"
    runs.remove("first")
    assert not server.objects(f"ci/{lab.namespace}/first/")


def test_an_artifact_that_is_gone_fails_who_needs_it(lab: Lab, server: S3Server) -> None:
    runs = lab.runs()
    first = lab.launch(
        runs,
        f"""
  - {{name: a, image: busybox, {SMALL}, commands: [mkdir out, echo made > out/it], {TREE}}}
  - {{name: b, image: busybox, {SMALL}, dependsOn: [a], commands: [exit 1]}}
""",
    )
    for found in (server.folder / "buckets").rglob("*.tar"):
        found.unlink()
    server.stop()
    server.start()
    (again,) = runs.launch([runs.rerun_order(first.name, failed_only=True, by="Ada")])
    assert again.run.status.step("b").reason == "ArtifactNotFound"


def test_artifacts_wait_for_a_server_that_is_away(lab: Lab, server: S3Server) -> None:
    runs = lab.runs()
    ended: list[Run] = []
    steps = f"""
  - name: a
    image: busybox
    {SMALL}
    commands: [{ZEROS}, 'until [ -e /tmp/end ]; do sleep 0.2; done']
    {TREE}
  - {{name: b, image: busybox, {SMALL}, dependsOn: [a], commands: [wc -c out/x]}}
"""
    thread = threading.Thread(target=lambda: ended.append(lab.launch(runs, steps, name="one")))
    thread.start()
    try:
        wait_for("the step's commands", lambda: container_runs(lab))
        server.stop()
        let_it_end(lab)
        wait_for("a step that waits for the store", lambda: waits_for_store(lab, "a"))
    finally:
        server.start()
        thread.join(120)
    (run,) = ended
    assert run.status.phase is Phase.SUCCEEDED, run.status
    assert lab.log(run, "b") == "99 out/x\n"


def waits_for_store(lab: Lab, step: str) -> bool:
    return any(
        isinstance(event, StepChanged)
        and event.step.name == step
        and event.step.reason == "StorageUnavailable"
        for event in lab.events
    )


def test_a_playbook_keeps_runs_in_the_store(lab: Lab, server: S3Server, tmp_path: Path) -> None:
    file = tmp_path / "doors.yaml"
    file.write_text(
        f"{HEAD}steps:\n  - {{name: a, image: busybox, {SMALL}, commands: [echo hi]}}\n"
    )
    common = {
        "executor": "kubernetes",
        "kubeconfig": str(lab.kubeconfig),
        "namespace": lab.namespace,
        **server.options(),
    }
    here, there = ({"store": str(tmp_path / name)} for name in ("here", "there"))
    kept = f"s3://builds/ci/{lab.namespace}/one/a.log"
    tasks = [
        {"c8s.ci.pipeline_run": {"src": str(file), "name": "one", **common, **here}},
        {"c8s.ci.pipeline_logs": {"name": "one", **common, **there}, "register": "found"},
        {"c8s.ci.pipeline_run_info": {"name": ["one"], **common, **there}, "register": "told"},
        {
            "ansible.builtin.assert": {
                "that": [
                    "found.logs[0].lines == ['hi']",
                    f"told.runs[0].status.steps[0].logURL == '{kept}'",
                ]
            }
        },
        {"c8s.ci.pipeline_run": {"name": "one", "state": "absent", **common, **there}},
    ]
    book = tmp_path / "book.yml"
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    book.write_text(json.dumps([play]))
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-vvv", str(book)],
        env={**os.environ, **server.credentials, "C8S_AGENT_IMAGE": lab.agent},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert server.secret_key not in done.stdout + done.stderr
    assert not server.objects(f"ci/{lab.namespace}/one/")


# --- what is wrong from the beginning


def refused(lab: Lab, runs: ClusterRuns) -> str:
    with pytest.raises((Denied, NotFound, Unavailable)) as caught:
        lab.launch(runs, f"  - {{name: a, image: busybox, {SMALL}, commands: [echo]}}\n")
    assert lab.items("jobs") == []
    return str(caught.value)


def test_a_store_that_cannot_be_used_is_said_before_anything_starts(
    lab: Lab, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as other:
        other.setenv("AWS_SECRET_ACCESS_KEY", "another-secret-key")
        said = refused(lab, lab.runs())
        assert "SignatureDoesNotMatch" in said
        assert "another-secret-key" not in said
    lab.objects = s3_settings({**server.options(), "object_store": "elsewhere"}, {})
    assert "no bucket 'elsewhere'" in refused(lab, lab.runs())
    lab.objects = s3_settings(server.options(), {})
    server.stop()
    assert server.endpoint in refused(lab, lab.runs())
