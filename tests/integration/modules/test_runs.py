"""Runs of real plays: many at once, interrupted, cancelled by others, shown while they go on."""

from __future__ import annotations

import json
import os
import signal
import textwrap
from pathlib import Path
from typing import Any

import pytest

from host_yard import alive

LONG = """\
version: v1alpha1
name: long
steps:
  - name: first
    image: none:1
    commands: ["echo once >> FOLDER/count"]
  - name: second
    image: none:1
    dependsOn: [first]
    commands: ["(sleep 300 &)", "until test -f FOLDER/go; do sleep 0.1; done"]
"""
SHORT = """\
version: v1alpha1
name: short
steps:
  - {name: only, image: "none:1", commands: ["echo short"]}
"""
USER_INTERRUPTED = 99
"""What `ansible-playbook` exits with then."""


def task(options: str, content: str = "", name: str = "launch") -> str:
    lines = [f"- name: {name}", "  c8s.ci.pipeline_run:", textwrap.indent(options.strip(), "    ")]
    if content:
        lines += ["    content: |", textwrap.indent(content, "      ")]
    return "\n".join(lines) + "\n"


@pytest.fixture
def long(stage) -> str:
    return LONG.replace("FOLDER", str(stage.folder))


def test_twenty_runs_are_launched_by_one_task(stage):
    options = "runs:\n" + "".join(f"  - name: r{number}\n" for number in range(20))
    done = stage.play(task(options, SHORT))
    assert done.code == 0, done.text
    result = done.result("launch")
    assert [run["metadata"]["name"] for run in result["runs"]] == [f"r{n}" for n in range(20)]
    assert {run["status"]["phase"] for run in result["runs"]} == {"Succeeded"}


def test_lines_come_while_the_run_goes_on(stage, long: str):
    """Also into a pipe; and what a callback writes as JSON stays whole."""
    going = stage.begin(stage.tasks(task("name: one\nfollow: true", long)))
    going.wait_for("Succeeded  one/first")
    going.wait_for("Running    one/second")
    assert stage.phase("one") == "Running"
    (stage.folder / "go").touch()
    done = going.ended()
    assert done.code == 0, done.text
    assert "Succeeded  one" in done.text


def test_lines_come_also_from_a_job_in_the_background(stage, long: str):
    """As on a host that is not the control node: with become, commands follow one another."""
    options = "name: one\nfollow: true"
    tasks = task(options, long) + "  become: true\n  become_method: ansible.builtin.su\n"
    going = stage.begin(stage.tasks(tasks))
    going.wait_for("Running    one/second")
    stage.play("- c8s.ci.pipeline_run: {name: one, state: cancelled}")
    done = going.ended()
    assert "Cancelled  one" in done.text
    assert done.result("launch")["run"]["status"]["phase"] == "Cancelled"
    assert list((stage.home / ".ansible_async").iterdir()) == []
    assert "ansible_job_id" not in done.result("launch")


@pytest.mark.parametrize(
    ("victim", "number", "follow"),
    [
        ("play", signal.SIGINT, "true"),
        ("play", signal.SIGTERM, "false"),
        ("play", signal.SIGKILL, "true"),
        ("worker", signal.SIGTERM, "true"),
        ("worker", signal.SIGKILL, "false"),
    ],
)
def test_when_a_play_is_broken_off_nothing_of_it_goes_on(
    stage, long: str, number: signal.Signals, victim: str, follow: str
):
    going = stage.begin(stage.tasks(task(f"name: one\nfollow: {follow}", long)))
    stage.wait_for_step("one", "second")
    for process in [going.process.pid] if victim == "play" else children(going.process.pid):
        os.kill(process, number)
    going.ended()
    stage.wait_for_silence()
    assert stage.phase("one") == "Cancelled"
    assert (stage.phase("one", "first"), stage.phase("one", "second")) == ("Succeeded", "Cancelled")


SLOW_QUEUE = """
import multiprocessing.queues, pickle, time
def put(queue, sent):
    with queue._wlock:
        if multiprocessing.parent_process():
            time.sleep(0.5)
        queue._writer.send_bytes(pickle.dumps(sent))
multiprocessing.queues.SimpleQueue.put = put
"""


def test_a_play_that_is_broken_off_while_it_shows_a_line_ends(stage, long: str):
    """What a worker shows goes through a lock that the whole play has in common."""
    (stage.folder / "sitecustomize.py").write_text(SLOW_QUEUE, encoding="utf-8")
    path = f"{stage.folder}{os.pathsep}{stage.environment['PYTHONPATH']}"
    going = stage.begin(stage.tasks(task("name: one\nfollow: true", long)), PYTHONPATH=path)
    going.wait_for("Succeeded  one/first")
    os.kill(going.process.pid, signal.SIGINT)
    assert going.ended().code == USER_INTERRUPTED
    stage.wait_for_silence()
    assert stage.phase("one", "second") == "Cancelled"


def children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8")
    return [int(child) for child in listed.split()]


def test_a_module_that_was_killed_is_gone_on_with(stage, long: str):
    """Killed without warning, it leaves nothing running, and the same task goes on from there."""
    tasks = stage.tasks(task("name: one", long))
    going = stage.begin(tasks)
    stage.wait_for_step("one", "second")
    for process in alive(str(stage.folder)):
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        if any(word.endswith(b"AnsiballZ_pipeline_run.py") for word in words[:2]):
            os.kill(process, signal.SIGKILL)
    assert going.ended().code == 2
    stage.wait_for_silence()
    (stage.folder / "go").touch()
    done = stage.play(
        "- {name: look, c8s.ci.pipeline_run_info: {name: one}}\n"
        + task("name: one", long)
        + task("name: one", long, "launch again")
    )
    assert done.result("look")["runs"][0]["status"]["reason"] == "Interrupted"
    assert done.code == 0, done.text
    assert done.result("launch")["changed"]
    assert (stage.folder / "count").read_text(encoding="utf-8") == "once\n"
    assert not done.result("launch again")["changed"]


def test_another_play_cancels_a_run(stage, long: str):
    going = stage.begin(stage.tasks(task("name: one", long)))
    stage.wait_for_step("one", "second")
    other = stage.play(
        """
        - name: foretell
          c8s.ci.pipeline_run: {name: one, state: cancelled}
          check_mode: true
        - name: too early
          c8s.ci.pipeline_run: {name: one, state: absent}
          ignore_errors: true
        - name: cancel
          c8s.ci.pipeline_run: {name: one, state: cancelled}
        - name: again
          c8s.ci.pipeline_run: {name: one, state: cancelled}
        """
    )
    assert other.result("foretell")["changed"]
    assert "is being driven; cancel it first" in other.result("too early")["msg"]
    assert other.result("cancel")["changed"]
    assert other.result("cancel")["run"]["status"]["phase"] == "Cancelled"
    assert not other.result("again")["changed"]
    done = going.ended()
    assert done.code == 2
    assert "run 'one' is Cancelled (CancelledBy: cancelled by ansible)" in done.text


def test_a_wait_comes_to_its_end(stage, long: str):
    done = stage.play(task("name: one\nwait_timeout: 2", long))
    assert done.code == 2
    assert "cancelled by a wait of more than 2 s" in done.result("launch")["msg"]


def test_two_plays_with_one_key_have_one_run(stage, long: str):
    tasks = stage.tasks(task("idempotency_key: nightly", long))
    both = [stage.begin(tasks), stage.begin(tasks)]
    stage.wait_for_step("long-1", "second")
    (stage.folder / "go").touch()
    ended = [one.ended().result("launch") for one in both]
    names = {result["run"]["metadata"]["name"] for result in ended}
    assert names == {"long-1"}
    assert (stage.folder / "count").read_text(encoding="utf-8") == "once\n"


def test_a_play_goes_on_while_a_task_runs_in_the_background(stage):
    done = stage.play(
        task("name: one\nfollow: true", SHORT)
        + """\
  async: 60
  poll: 0
  register: begun
- name: wait
  ansible.builtin.async_status: {jid: "{{ begun.ansible_job_id }}"}
  register: job
  until: job is finished
  retries: 300
  delay: 0.1
"""
    )
    assert done.code == 0, done.text
    assert done.result("wait")["run"]["status"]["phase"] == "Succeeded"


def test_a_tree_comes_below_the_task_and_events_into_a_file(stage):
    enabled = {"ANSIBLE_CALLBACKS_ENABLED": "c8s.ci.progress,journal"}
    done = stage.play(task("name: one\nprogress_file: events", SHORT), **enabled)
    assert done.code == 0, done.text
    lines = [line for line in done.text.splitlines() if line.startswith(("one  ", "└─ only"))]
    assert [line.split()[-2] for line in lines] == ["Succeeded", "Succeeded"]
    told = (stage.folder / "events").read_text(encoding="utf-8").splitlines()
    events: list[dict[str, Any]] = [json.loads(line) for line in told]
    assert [event["phase"] for event in events if event["event"] == "run"] == [
        "Pending", "Running", "Succeeded"
    ]  # fmt: skip
