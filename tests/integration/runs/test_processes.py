"""No process of a step outlives it, whatever it does to get away."""

from __future__ import annotations

import resource
import time
import uuid

import pytest

from host_yard import Yard, alive

DAEMON = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.chdir("/")
null = os.open(os.devnull, os.O_RDWR)
for descriptor in (0, 1, 2): os.dup2(null, descriptor)
environment = {} if sys.argv[2] == "bare" else os.environ
os.execve("/bin/sh", ["sh", "-c", "sleep 300; : " + sys.argv[1]], environment)
"""


@pytest.fixture
def marker() -> str:
    return f"mark-{uuid.uuid4().hex}"


def test_children_in_the_background_end_with_the_step(yard: Yard, marker: str):
    began = time.monotonic()
    status = yard.step([f"sh -c 'sleep 300; : {marker}' >&- 2>&- &", "true"])
    assert status.phase == "Succeeded"
    assert time.monotonic() - began < 10
    assert alive(marker) == []


def test_a_child_that_holds_the_output_open_does_not_hold_the_step(yard: Yard, marker: str):
    began = time.monotonic()
    run = yard.run({"only": ["echo early", f"sh -c 'echo late; sleep 300; : {marker}' &",
                             "sleep 0.1"]})  # fmt: skip
    assert run.status.phase == "Succeeded"
    assert yard.log(run.name).split() == ["early", "late"]
    assert time.monotonic() - began < 10
    assert alive(marker) == []


@pytest.mark.parametrize("environment", ["kept", "bare"])
def test_a_daemon_ends_with_its_step(yard: Yard, marker: str, environment: str):
    step = {"entrypoint": ["python3", "-c", DAEMON], "args": [marker, environment]}
    assert yard.step(step).phase == "Succeeded"
    assert alive(marker) == []


@pytest.mark.parametrize("environment", ["kept", "bare"])
def test_a_daemon_of_another_step_goes_on(yard: Yard, marker: str, environment: str):
    """One step's end must not take what another one, still running, has started."""
    starts = f"""
import subprocess, sys, time
subprocess.run([sys.executable, "-c", {DAEMON!r}, {marker!r}, {environment!r}])
seen = lambda: {marker!r} in "".join(
    open(f"/proc/{{p}}/cmdline", errors="replace").read()
    for p in __import__("os").listdir("/proc") if p.isdigit() and alive(p))
def alive(p):
    try: return open(f"/proc/{{p}}/stat") and "python" not in open(f"/proc/{{p}}/comm").read()
    except OSError: return False
while not seen(): time.sleep(0.02)
time.sleep(0.8)
print(seen())
"""
    run = yard.run(
        {
            "keeper": {"entrypoint": ["python3", "-c", starts]},
            "other": ["sleep 0.5; sleep 60 >&- 2>&- & true"],
        }
    )
    assert yard.log(run.name, "keeper") == "True\n"
    assert alive(marker) == []


def test_a_step_that_kills_its_keeper_ends_with_all_it_has_started(yard: Yard, marker: str):
    """It may: it has the same user. It gains nothing by it, and other steps go on."""
    run = yard.run(
        {
            "rebel": ["echo up", f"(trap '' TERM; sleep 300; : {marker}) &",
                      f"kill -9 $PPID; sleep 300; : {marker}"],
            "other": ["sleep 0.3; echo done"],
        }
    )  # fmt: skip
    status = run.status.step("rebel")
    assert (status.phase, status.reason, status.exit_code) == ("Failed", "KeeperKilled", None)
    assert yard.log(run.name, "rebel") == "up\n"
    assert yard.log(run.name, "other") == "done\n"
    assert alive(marker) == []


def test_who_kills_the_parent_of_all_keepers_harms_no_other_step(yard: Yard, marker: str):
    parent = "kill -9 $(cut -d' ' -f4 /proc/$PPID/stat)"
    run = yard.run(
        {
            "rebel": [parent, "echo on"],
            "other": [f"sleep 0.3; (sleep 300; : {marker}) >&- 2>&- & echo done"],
            "later": {"commands": ["echo too"], "dependsOn": ["rebel", "other"]},
        }
    )
    assert run.status.phase == "Succeeded", run.status
    assert [yard.log(run.name, step) for step in ("rebel", "other", "later")] == [
        "on\n", "done\n", "too\n"
    ]  # fmt: skip
    assert alive(marker) == []


def test_what_is_orphaned_does_not_pile_up(yard: Yard):
    """Each of these daemons ends before its step: no zombie stays of them meanwhile."""
    many = "for n in $(seq 300); do (true >&- 2>&- &); done"
    count = "grep -l '^PPid:.'$PPID /proc/[0-9]*/status 2>/dev/null | wc -l"
    wait = f"until test $({count}) -lt 10; do sleep 0.1; done"
    assert yard.step({"commands": [many, wait], "timeout": "20s"}).phase == "Succeeded"


@pytest.mark.parametrize(
    ("value", "why"),
    [("x" * 200_000, "Argument list too long"),
     ("first\0second", "an argument or a variable holds a zero byte")],
)  # fmt: skip
def test_what_no_process_can_be_given_is_told(yard: Yard, value: str, why: str):
    yard.secrets = {"vault": {"key": value}}
    secret = {"secretRef": "vault", "key": "key", "envVar": "LARGE"}
    status = yard.step({"commands": ["true"], "secrets": [secret]})
    assert (status.phase, status.reason) == ("Failed", "StepRefused")
    assert status.message == f"step 'only' cannot be started: {why}"


def test_a_step_that_closes_its_output_lives_on(yard: Yard):
    run = yard.run({"only": ["echo said; exec >&- 2>&-; sleep 0.4; exit 7"]})
    status = run.status.step("only")
    assert status.exit_code == 7
    assert (status.completion_time - status.start_time).total_seconds() >= 0.4
    assert yard.log(run.name) == "said\n"


def test_a_timeout_asks_first(yard: Yard):
    run = yard.run(
        {"only": {"commands": ["trap 'echo asked; exit 0' TERM", "sleep 60 & wait"],
                  "timeout": "1s"}}
    )  # fmt: skip
    status = run.status.step("only")
    assert (status.phase, status.reason) == ("Failed", "Timeout")
    assert yard.log(run.name) == "asked\n"


def test_a_timeout_ends_what_does_not_listen(yard: Yard, marker: str):
    began = time.monotonic()
    step = {"commands": [f"trap '' TERM; sh -c 'sleep 300; : {marker}'"], "timeout": "1s"}
    status = yard.step(step)
    assert (status.phase, status.reason) == ("Failed", "Timeout")
    assert "1 s" in status.message
    assert 1 < time.monotonic() - began < 8
    assert alive(marker) == []


def test_the_timeout_of_the_run_ends_all_steps(yard: Yard, marker: str):
    wait = [f"sh -c 'sleep 300; : {marker}'"]
    run = yard.run(
        {"a": wait, "b": wait, "c": {"commands": ["true"], "dependsOn": ["a"]}}, timeout="1s"
    )
    assert (run.status.phase, run.status.reason) == ("Failed", "Timeout")
    assert all(step.phase.terminal for step in run.status.steps)
    assert run.status.step("c").phase in ("Skipped", "Cancelled")
    assert alive(marker) == []


def test_a_gigabyte_is_read_in_bounded_memory_and_its_head_and_tail_are_kept(yard: Yard):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run = yard.run(
        {"only": ["echo first-line", "head -c 1073741824 /dev/zero", "echo", "echo last-line"]}
    )
    assert run.status.phase == "Succeeded"
    kept = yard.records.log(run.name, "only", 1).read_bytes()
    assert kept.startswith(b"first-line\n")
    assert kept.endswith(b"\nlast-line\n")
    assert b"bytes of output were cut here" in kept
    assert len(kept) <= yard.log_cap + 100
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_steps_that_print_much_at_once_do_not_wait_for_each_other(yard: Yard):
    noisy = ["head -c 20000000 /dev/zero"]
    run = yard.run({f"n-{number}": noisy for number in range(4)})
    assert run.status.phase == "Succeeded"
