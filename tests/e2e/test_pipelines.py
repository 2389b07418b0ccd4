"""Pipelines as Jobs of a real cluster in which nothing is installed."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase

from e2e.lab import Lab


def test_two_steps_run_in_order(lab: Lab) -> None:
    run = lab.run(
        """
  - {name: a, image: busybox, commands: ["echo one $((40 + 2)) '$(CI)'"]}
  - {name: b, image: busybox, dependsOn: [a], commands: [echo two]}
"""
    )
    assert run.status.phase is Phase.SUCCEEDED
    first, second = run.status.steps
    assert first.completion_time <= second.start_time
    assert lab.log(run, "a") == "one 42 $(CI)\n"
    assert lab.log(run, "b") == "two\n"
    kept = lab.runs().records.read(run.name)
    assert kept["status"]["phase"] == "Succeeded"
    assert kept["status"]["steps"][0]["exitCode"] == 0


def test_steps_side_by_side_overlap(lab: Lab) -> None:
    steps = "".join(
        f"  - {{name: s{number}, image: busybox, commands: [sleep 3],"
        " resources: {cpu: 10m, memory: 16Mi}}\n"
        for number in range(3)
    )
    run = lab.run(steps)
    assert run.status.phase is Phase.SUCCEEDED
    latest_start = max(step.start_time for step in run.status.steps)
    assert all(latest_start < step.completion_time for step in run.status.steps)


def test_a_failure_skips_what_is_behind_it_and_nothing_else(lab: Lab) -> None:
    run = lab.run(
        """
  - {name: bad, image: busybox, commands: ["echo before", "exit 7", "echo never"]}
  - {name: behind, image: busybox, dependsOn: [bad], commands: [echo]}
  - {name: beside, image: busybox, commands: [echo fine]}
  - {name: clean, image: busybox, when: {status: always}, commands: [echo swept]}
"""
    )
    phases = {step.name: step.phase for step in run.status.steps}
    assert phases == {
        "bad": Phase.FAILED,
        "behind": Phase.SKIPPED,
        "beside": Phase.SUCCEEDED,
        "clean": Phase.SUCCEEDED,
    }
    assert run.status.phase is Phase.FAILED
    assert run.status.step("bad").exit_code == 7
    assert lab.log(run, "bad") == "before\n"


def test_a_matrix_becomes_runs_of_their_own(lab: Lab) -> None:
    run = lab.run(
        "  - {name: a, image: busybox, commands: ['echo ${{ matrix.os }} $C8S_MATRIX_V']}\n",
        head="matrix: {dimensions: {os: [linux, bsd], v: ['1', '2']}}",
    )
    assert run.status.phase is Phase.SUCCEEDED
    assert run.status.matrix is not None
    assert run.status.matrix.summary == "4/4 succeeded"
    records = lab.runs().records
    logs = {records.log(name, "a", 1).read_text() for name in run.status.matrix.children}
    assert logs == {"linux 1\n", "linux 2\n", "bsd 1\n", "bsd 2\n"}


def test_a_secret_is_in_the_step_and_nowhere_else(lab: Lab) -> None:
    lab.secret("deploy", token="hunter2-very-secret", cert="line one\nline two is longer")
    run = lab.run(
        """
  - name: a
    image: busybox
    commands:
      - test ${#TOKEN} = 19
      - echo "it is $TOKEN"
      - echo -n "$TOKEN" | base64
      - cat /secrets/cert.pem
    secrets:
      - {secretRef: deploy, key: token, envVar: TOKEN}
      - {secretRef: deploy, key: cert, file: cert.pem}
"""
    )
    assert run.status.phase is Phase.SUCCEEDED
    log = lab.log(run, "a")
    assert "it is ***REDACTED***" in log
    kept = b"".join(path.read_bytes() for path in lab.store.rglob("*") if path.is_file())
    for leak in (b"hunter2", b"aHVudGVyMi12ZXJ5LXNlY3JldA", b"line two is longer"):
        assert leak not in kept
        assert leak.decode() not in str(lab.runs().records.read(run.name))


def test_missing_secrets_and_keys_are_named_before_anything_starts(lab: Lab) -> None:
    lab.secret("deploy", token="hunter2-very-secret")
    with pytest.raises(InvalidInput) as caught:
        lab.run(
            """
  - name: a
    image: busybox
    commands: [echo]
    secrets: [{secretRef: deploy, key: tokn}, {secretRef: other, key: x}]
"""
        )
    assert "'tokn'" in str(caught.value)
    assert "its keys: token" in str(caught.value)
    assert "'other'" in str(caught.value)
    assert lab.runs().records.names() == []


def test_a_step_that_overstays_is_ended(lab: Lab) -> None:
    run = lab.run(
        "  - {name: a, image: busybox, timeout: 2s, commands: [\"trap '' TERM\", sleep 60]}\n"
    )
    step = run.status.step("a")
    assert (step.phase, step.reason) == (Phase.FAILED, "Timeout")


def test_a_run_that_overstays_is_ended(lab: Lab) -> None:
    run = lab.run(
        """
  - {name: a, image: busybox, commands: [sleep 60]}
  - {name: b, image: busybox, dependsOn: [a], commands: [echo]}
""",
        head="timeout: 4s",
    )
    assert (run.status.phase, run.status.reason) == (Phase.FAILED, "Timeout")
    assert run.status.step("b").phase is Phase.SKIPPED


def test_retries_are_new_jobs_with_their_own_logs(lab: Lab) -> None:
    run = lab.run(
        "  - {name: a, image: busybox, retries: 1, commands: ['echo try', 'exit 4']}\n",
        head="retryPolicy: {backoffSeconds: 1}",
    )
    step = run.status.step("a")
    assert (step.phase, step.attempts, step.failures, step.exit_code) == (Phase.FAILED, 2, 2, 4)
    records = lab.runs().records
    assert [records.log(run.name, "a", number).read_text() for number in (1, 2)] == ["try\n"] * 2


def test_too_much_memory_is_called_by_its_name(lab: Lab) -> None:
    run = lab.run(
        """
  - name: a
    image: busybox
    commands: ["tail /dev/zero"]
    resources: {cpu: 10m, memory: 16Mi, limits: {memory: 32Mi}}
"""
    )
    step = run.status.step("a")
    assert (step.phase, step.reason) == (Phase.FAILED, "OOMKilled")


def test_a_sandboxed_step_sees_gvisors_kernel(lab: Lab) -> None:
    runs = lab.runs(runtime_class="gvisor")
    run = lab.launch(runs, "  - {name: a, image: busybox, commands: [dmesg]}\n")
    assert run.status.phase is Phase.SUCCEEDED
    assert "Starting gVisor" in lab.log(run, "a") or not lab.cluster.sandboxed


def test_a_service_is_reachable_on_localhost_once_it_is_ready(lab: Lab) -> None:
    run = lab.run(
        """
  - name: a
    image: busybox
    commands: ["wget -q -O - http://127.0.0.1:8080/hostname"]
    services:
      - name: web
        image: busybox
        commands: [exec httpd -f -p 8080 -h /etc]
        ports: [8080]
        readiness: {port: 8080}
"""
    )
    assert run.status.phase is Phase.SUCCEEDED
    assert lab.log(run, "a").strip()


def test_artifacts_travel_to_the_steps_behind_without_a_store_in_the_cluster(lab: Lab) -> None:
    lab.secret("deploy", token="hunter2-very-secret")
    run = lab.run(
        """
  - name: build
    image: busybox
    commands:
      - mkdir -p out/deep
      - echo built > out/deep/thing.txt
      - echo "$TOKEN" > out/leak.txt
      - head -c 3000000 /dev/urandom > out/large.bin
      - sha256sum out/large.bin > out/sum
    secrets: [{secretRef: deploy, key: token, envVar: TOKEN}]
    artifacts: [{name: out, paths: [out]}, nothing/*]
  - name: use
    image: busybox
    dependsOn: [build]
    commands: [cat out/deep/thing.txt, cat out/leak.txt, sha256sum -c out/sum]
"""
    )
    assert run.status.phase is Phase.SUCCEEDED
    assert lab.log(run, "use") == "built\n***REDACTED***\nout/large.bin: OK\n"
    assert "nothing matches" in run.status.step("build").message


def test_a_cache_comes_back_in_the_next_run(lab: Lab) -> None:
    steps = """
  - name: a
    image: busybox
    commands:
      - cat deps/x || echo fresh
      - mkdir -p deps && echo kept > deps/x
    cache: [{key: deps-1, paths: [deps]}]
"""
    assert lab.log(lab.run(steps), "a").endswith("fresh\n")
    assert lab.log(lab.run(steps), "a") == "kept\n"


@pytest.mark.parametrize("runtime", ["", "gvisor"])
def test_a_pod_prepared_ahead_begins_when_its_turn_comes(lab: Lab, runtime: str) -> None:
    runs = lab.runs(runtime_class=runtime)
    run = lab.launch(
        runs,
        """
  - {name: a, image: busybox, commands: [sleep 4, date +%s]}
  - {name: b, image: busybox, dependsOn: [a], commands: [date +%s, "env | grep c8s_ || :"]}
""",
        head="prepareAhead: true",
    )
    assert run.status.phase is Phase.SUCCEEDED
    first, second = run.status.steps
    assert first.completion_time <= second.start_time
    (pod,) = [pod for pod in lab.items("pods") if pod["metadata"]["labels"]["c8s.dev/step"] == "b"]
    made = datetime.datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
    assert made < first.completion_time
    # It waited in its own container, and began with its release.
    (status,) = pod["status"]["containerStatuses"]
    released = status["state"]["terminated"]["message"].strip()
    assert datetime.datetime.fromisoformat(released) == second.start_time
    assert "initContainers" not in pod["spec"]
    assert int(lab.log(run, "a")) <= int(lab.log(run, "b"))


def test_an_image_without_a_shell_and_one_that_gets_files_can_be_prepared_ahead(lab: Lab) -> None:
    run = lab.run(
        """
  - {name: a, image: busybox, commands: [sleep 3, echo made > x], artifacts: [x]}
  - {name: b, image: busybox, dependsOn: [a], commands: [cat x]}
  - {name: c, image: busybox, dependsOn: [a], entrypoint: [/bin/cat], args: [x]}
""",
        head="prepareAhead: true",
    )
    assert run.status.phase is Phase.SUCCEEDED, run.status.message
    assert lab.log(run, "b") == lab.log(run, "c") == "made\n"


def test_the_time_of_a_step_counts_from_its_release(lab: Lab) -> None:
    run = lab.run(
        """
  - {name: a, image: busybox, commands: [sleep 6]}
  - {name: b, image: busybox, dependsOn: [a], timeout: 5s, commands: [sleep 1]}
  - {name: c, image: busybox, dependsOn: [a], timeout: 2s, commands: [sleep 60]}
""",
        head="prepareAhead: true",
    )
    assert run.status.step("b").phase is Phase.SUCCEEDED
    assert run.status.step("c").reason == "Timeout"


def test_a_pod_prepared_in_vain_is_removed(lab: Lab) -> None:
    run = lab.run(
        """
  - {name: a, image: busybox, commands: [sleep 3, exit 1]}
  - {name: b, image: busybox, dependsOn: [a], commands: [echo never]}
""",
        head="prepareAhead: true",
    )
    assert run.status.phase is Phase.FAILED
    assert run.status.step("b").phase is Phase.SKIPPED
    assert lab.log_of_none(run, "b")
    pods = [pod for pod in lab.items("pods") if pod["metadata"]["labels"]["c8s.dev/step"] == "b"]
    assert all("deletionTimestamp" in pod["metadata"] for pod in pods)
