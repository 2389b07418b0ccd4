"""What is left, and what comes of a run, when the process that drives it is killed."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import uuid

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.runs import inspection

from faults_launching import Launch, end_for_good, lines, phases, record_of
from host_yard import Yard, alive, wait_for


@pytest.fixture
def marker() -> str:
    return f"mark-{uuid.uuid4().hex}"


def cut_off(yard: Yard, marker: str, **options: object) -> Launch:
    """A first step that succeeds at once, one that waits for `go` and one behind it."""
    folder = yard.folder
    return Launch(
        yard,
        {
            "quick": [f"echo + >>{folder}/quick"],
            "slow": {
                "commands": [
                    f"echo + >>{folder}/slow",
                    f"while [ ! -e {folder}/go ]; do sh -c 'sleep 0.05; : {marker}'; done",
                ],
                "dependsOn": ["quick"],
            },
            "last": {"commands": [f"echo + >>{folder}/last"], "dependsOn": ["slow"]},
        },
        **options,
    )


@pytest.mark.parametrize("whole_group", [False, True], ids=["launcher", "group"])
@pytest.mark.parametrize(
    "options", [("--name", "mine"), ("--idempotency-key", "k/1")], ids=["name", "key"]
)
def test_killed_resumed_and_nothing_done_twice(
    yard: Yard, marker: str, whole_group: bool, options: tuple[str, ...]
):
    launch = cut_off(yard, marker, options=options)
    process = launch.begin()
    wait_for(lambda: lines(yard.folder / "slow"), "the slow step has begun")
    name = yard.records.names()[0]
    wait_for(lambda: phases(yard.records.read(name))["slow"] == "Running", "the record says so")
    end_for_good(process, whole_group)
    wait_for(lambda: not alive(marker), "no process of the step is left")

    shown = inspection.one(yard.records, name)
    assert shown["status"]["reason"] == "Interrupted"
    assert "launch it again" in shown["status"]["message"]
    assert shown["status"]["phase"] == "Running"

    (yard.folder / "go").touch()
    record = launch.whole()
    assert record["metadata"]["name"] == name
    assert record["status"]["phase"] == "Succeeded"
    assert lines(yard.folder / "quick") == ["+"]
    assert lines(yard.folder / "slow") == ["+", "+"]
    assert lines(yard.folder / "last") == ["+"]
    assert list(yard.workspaces.iterdir()) == []
    assert yard.records.names() == [name]


def test_killed_at_any_moment_again_and_again_it_comes_to_the_same_end(yard: Yard, marker: str):
    moments = random.Random(7)
    steps = {f"s-{n}": {"commands": [f"sleep 0.1; : {marker}; echo + >>{yard.folder}/s-{n}"],
                        "dependsOn": [f"s-{n - 1}"] if n else []} for n in range(4)}  # fmt: skip
    launch = Launch(yard, steps)
    for _attempt in range(10):
        process = launch.begin()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(0.2, 0.9))
        end_for_good(process, whole_group=moments.random() < 0.5)
        wait_for(lambda: not alive(marker), "no process of a step is left")
    record = launch.whole()
    assert record["status"]["phase"] == "Succeeded"
    assert set(phases(record).values()) == {"Succeeded"}
    assert list(yard.workspaces.iterdir()) == []
    assert not list(yard.store.rglob(".record.json.*"))


def test_a_matrix_is_resumed(yard: Yard, marker: str):
    launch = Launch(
        yard,
        {"only": [f"echo $C8S_MATRIX_N >>{yard.folder}/n", f": {marker}",
                  f"test $C8S_MATRIX_N = 1 || while [ ! -e {yard.folder}/go ];"
                  " do sleep 0.05; done"]},
        {"matrix": {"dimensions": {"n": [1, 2]}}},
    )  # fmt: skip
    process = launch.begin()
    wait_for(lambda: len(lines(yard.folder / "n")) == 2, "both have begun")
    wait_for(
        lambda: "Succeeded" in [yard.records.read(name)["status"]["phase"]
                                for name in yard.records.names()],
        "the first has ended",
    )  # fmt: skip
    end_for_good(process)
    wait_for(lambda: not alive(marker), "no process of a step is left")
    (yard.folder / "go").touch()
    record = launch.whole()
    assert record["status"]["phase"] == "Succeeded"
    assert sorted(lines(yard.folder / "n")) == ["1", "2", "2"]


@pytest.mark.parametrize("environment", ["", "env -i "], ids=["kept", "bare"])
def test_a_daemon_does_not_outlive_a_killed_launcher(yard: Yard, marker: str, environment: str):
    daemon = f"{environment}setsid sh -c 'sleep 300; : {marker}' >/dev/null 2>&1 </dev/null &"
    launch = Launch(yard, {"only": [daemon, f"touch {yard.folder}/begun", "sleep 300"]})
    process = launch.begin()
    wait_for((yard.folder / "begun").exists, "the step has begun")
    wait_for(lambda: alive(marker), "the daemon runs")
    end_for_good(process, whole_group=True)
    wait_for(lambda: not alive(marker), "the daemon is gone")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_a_signal_cancels_the_run_and_waits_for_its_end(
    yard: Yard, marker: str, number: signal.Signals, code: int
):
    launch = cut_off(yard, marker)
    process = launch.begin()
    wait_for(lambda: lines(yard.folder / "slow"), "the slow step has begun")
    process.send_signal(number)
    record = record_of(process)
    assert process.returncode == code
    assert (record["status"]["phase"], record["status"]["reason"]) == ("Cancelled", "CancelledBy")
    assert phases(record) == {"quick": "Succeeded", "slow": "Cancelled", "last": "Cancelled"}
    assert alive(marker) == []
    assert alive(str(yard.workspaces)) == []
    assert list(yard.workspaces.iterdir()) == []
    assert yard.records.read("mine")["status"] == record["status"]


def test_another_process_cancels(yard: Yard, marker: str):
    launch = cut_off(yard, marker)
    process = launch.begin()
    wait_for(lambda: lines(yard.folder / "slow"), "the slow step has begun")
    inspection_of = yard.runs().cancel(["mine"], "Ada")
    assert [str(run.status.phase) for run in inspection_of] == ["Cancelled"]
    assert record_of(process)["status"]["phase"] == "Cancelled"
    assert process.returncode != 0
    assert alive(marker) == []


def test_one_that_nobody_drives_any_more_can_be_cancelled(yard: Yard, marker: str):
    launch = cut_off(yard, marker)
    process = launch.begin()
    wait_for(lambda: lines(yard.folder / "slow"), "the slow step has begun")
    end_for_good(process)
    (run,) = yard.runs().cancel(["mine"], "Ada")
    assert run.status.phase == "Cancelled"
    assert lines(yard.folder / "slow") == ["+"]
    assert alive(marker) == []


def test_two_launches_with_one_key_at_one_moment_are_one_run(yard: Yard, marker: str):
    launch = cut_off(yard, marker, options=("--idempotency-key", "the same"))
    processes = [launch.begin() for _each in range(3)]
    wait_for(lambda: lines(yard.folder / "slow"), "the slow step has begun")
    (yard.folder / "go").touch()
    records = [record_of(process) for process in processes]
    assert len({record["metadata"]["uid"] for record in records}) == 1
    assert {record["status"]["phase"] for record in records} == {"Succeeded"}
    assert lines(yard.folder / "quick") == ["+"]
    assert lines(yard.folder / "last") == ["+"]
    assert len(yard.records.names()) == 1


def test_a_second_launch_follows_the_first(yard: Yard, marker: str):
    launch = cut_off(yard, marker)
    first = launch.begin()
    wait_for(lambda: lines(yard.folder / "slow"), "the slow step has begun")
    second = launch.begin()
    (yard.folder / "go").touch()
    records = [record_of(first), record_of(second)]
    assert records[0]["metadata"]["uid"] == records[1]["metadata"]["uid"]
    assert lines(yard.folder / "slow") == ["+"]
