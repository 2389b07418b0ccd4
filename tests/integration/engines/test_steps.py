"""What a step finds in its container, and how its end is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run

from integration.engines.engine_yard import EngineYard, Launch

SECRET = "correct-horse-battery"
KEY = "-----BEGIN KEY-----\nbWFueSBieXRlcw==\n-----END KEY-----\n"
SECRETS = {"vault": {"token": SECRET, "key": KEY, "host": "host-of-nobody"}}

STEPS = {
    "order": ["for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done"],
    "environment": ["env", "pwd"],
    "user": ["echo $(id -u):$(id -g)", "grep -E 'Cap|NoNewPrivs' /proc/self/status"],
    "first": ["ps -o pid,args"],
    "places": ["touch file $HOME/file $TMPDIR/file", "! touch /secrets/file"],
    "secrets": {
        "commands": [
            'test "$TOKEN" = correct-horse""-battery && echo token',
            'test "$(echo "$KEY" | wc -l)" = 4 && echo key',
            'test "$DOCKER_HOST" = host-of""-nobody && echo host',
            "grep -c correct-horse'-battery' /secrets/token",
            "echo $(cat /secrets/token)",
            "echo $TOKEN",
        ],
        "secrets": [
            {"secretRef": "vault", "key": "token", "envVar": "TOKEN"},
            {"secretRef": "vault", "key": "key", "envVar": "KEY"},
            {"secretRef": "vault", "key": "host", "envVar": "DOCKER_HOST"},
            {"secretRef": "vault", "key": "token", "file": "token"},
        ],
    },
    "failing": ["echo one", "sh -c 'exit 7'", "echo never"],
    "halves": ["false && true", "echo never"],
    "plain": {"entrypoint": ["/bin/echo", "-e"], "args": ["a\\tb", "$HOME"]},
    "missing-command": {"entrypoint": ["no-such-program"]},
    "missing-image": {"image": "nowhere.invalid/nothing:1", "commands": ["true"]},
    "hungry": {
        "commands": ["x=$(yes | head -c 60000000)"],
        "resources": {"memory": "16Mi", "limits": {"memory": "16Mi"}},
    },
    "signalled": {"commands": ["kill -9 $$"]},
    "bulk": ["yes 0123456789abcde | head -n 200000"],
}


@pytest.fixture(scope="module")
def tour(engine: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[EngineYard, Run]:
    """All the steps above in one run."""
    yard = EngineYard(tmp_path_factory.mktemp("tour"), SECRETS, log_cap=8 << 20, engine=engine)
    yard.parallel = 4
    steps = {}
    for name, step in STEPS.items():
        own = {"commands": step} if isinstance(step, list) else step
        steps[name] = {**own, "allowFailure": True}
    return yard, yard.run(steps)


def log(tour: tuple[EngineYard, Run], step: str) -> str:
    yard, run = tour
    assert run.status.step(step).exit_code == 0, (run.status.step(step), yard.log(run.name, step))
    return yard.log(run.name, step)


def test_both_streams_come_in_the_order_they_were_written(tour):
    lines = log(tour, "order").splitlines()
    assert lines == [f"{stream} {i}" for i in range(1, 10) for stream in ("out", "err")]


def test_all_of_a_long_output_arrives(tour):
    assert log(tour, "bulk") == "0123456789abcde\n" * 200000


def test_the_environment_is_the_step_s_own(tour, monkeypatch):
    lines = log(tour, "environment").splitlines()
    assert lines.pop() == "/workspace"
    found = dict(line.split("=", 1) for line in lines)
    assert found["C8S_STEP"] == "environment"
    assert found["C8S_WORKSPACE"] == "/workspace"
    assert found["CI"] == "true"
    assert not {"DOCKER_HOST", "CONTAINERS_CONF", "PYTEST_CURRENT_TEST", "VIRTUAL_ENV"} & set(found)


def test_a_step_has_the_caller_s_ids_and_no_right_beside(tour):
    ids, *rest = log(tour, "user").splitlines()
    facts = dict(line.split(":\t") for line in rest)
    assert ids == "0:0"
    assert facts.pop("NoNewPrivs") == "1"
    assert set(facts.values()) == {"0" * 16}


def test_an_init_process_is_the_first(tour):
    processes = [line.split()[:2] for line in log(tour, "first").splitlines()[1:]]
    assert processes[0][0] == "1"
    assert "init" in processes[0][1]


def test_workspace_home_and_temporary_folder_can_be_written_secrets_cannot(tour):
    log(tour, "places")


def test_secrets_arrive_whole_and_are_masked(tour):
    lines = log(tour, "secrets").splitlines()
    assert lines[:4] == ["token", "key", "host", "1"]
    assert lines[4:] == ["***REDACTED***"] * 2


@pytest.mark.parametrize(
    ("step", "code", "reason", "message", "output"),
    [
        ("failing", 7, "StepFailed", "", "one\n"),
        ("halves", 1, "StepFailed", "", ""),
        ("missing-command", 127, "StepFailed", "", None),
        ("missing-image", None, "ImagePullFailed", "nowhere.invalid/nothing:1", ""),
        ("hungry", 137, "OOMKilled", "16Mi", None),
        ("signalled", 137, "StepFailed", "", ""),
    ],
)
def test_a_failure_is_told_as_it_was(tour, step, code, reason, message, output):
    yard, run = tour
    status = run.status.step(step)
    assert (status.phase, status.exit_code, status.reason) == ("Failed", code, reason)
    assert message in status.message
    if output is not None:
        assert yard.log(run.name, step) == output


def test_an_entry_point_needs_no_shell(tour):
    assert log(tour, "plain") == "a\tb $HOME\n"


def test_nothing_stays(tour):
    yard, _run = tour
    assert yard.containers() == []
    assert list(yard.workspaces.iterdir()) == []


def test_secrets_are_on_no_command_line_and_only_in_the_container_s_environment(yard: EngineYard):
    yard.secrets = SECRETS
    step = {
        "commands": ["touch mark", "until test -e go; do sleep 0.05; done"],
        "secrets": [{"secretRef": "vault", "key": "token", "envVar": "TOKEN"}],
    }
    launch = Launch(yard, {"quiet": step})
    mark = yard.mark("quiet")
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    found = yard.inspected("quiet")
    mark.with_name("go").touch()
    assert launch.ended().status.phase == "Succeeded"
    assert not [line for line in lines if SECRET.encode() in line]
    config = found.pop("Config")
    assert f"TOKEN={SECRET}" in config.pop("Env")
    assert SECRET not in f"{found}{config}"


def test_a_container_is_confined(yard: EngineYard):
    step = {
        "commands": ["touch mark", "until test -e go; do sleep 0.05; done"],
        "resources": {"cpu": "500m", "memory": "32Mi", "limits": {"cpu": "1", "memory": "64Mi"}},
    }
    launch = Launch(yard, {"quiet": step})
    mark = yard.mark("quiet")
    host = yard.inspected("quiet")["HostConfig"]
    mark.with_name("go").touch()
    assert launch.ended().status.phase == "Succeeded"
    assert host["Privileged"] is False
    assert host["NetworkMode"] != "host"
    assert host["PidMode"] in ("", "private")
    assert host["PidsLimit"] == 4096
    assert (host["Memory"], host["MemorySwap"]) == (64 << 20, 64 << 20)
    assert (host["NanoCpus"], host["CpuShares"]) == (10**9, 512)
    assert "no-new-privileges" in str(host["SecurityOpt"])
