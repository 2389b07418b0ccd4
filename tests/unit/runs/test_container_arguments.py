"""The arguments of containers, branch by branch."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.core.quantities import Resources
from ansible_collections.c8s.ci.plugins.module_utils.images.engine_client import EngineFacts
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Service, Step
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.containers.arguments import (
    SERVICE_CAPABILITIES,
    Habitat,
    service_arguments,
    step_arguments,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.containers.remedies import Remedies
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.engine import HostStep, Place

from unit.pipeline.runs import pipeline_of, run_of

SECRET = "correct-horse"
PLACE = Place(Path("/place"))


def host_step(secret_env: dict[str, str] | None = None, **fields: Any) -> HostStep:
    step = Step("build", "img:1", **{"commands": ("make",), **fields})
    run = run_of(pipeline_of(step, env={"A": "1"}))
    return HostStep(run, step, 2, PLACE, secret_env or {})


def habitat(*, podman: bool = False, **facts: Any) -> Habitat:
    return Habitat(podman, "driver", 1000, 100, EngineFacts(**{"cpus": 4, **facts}), Remedies())


def values(arguments: list[str], option: str) -> list[str]:
    """Every value of an option."""
    return [value for word, value in itertools.pairwise(arguments) if word == option]


def of_step(
    step: HostStep | None = None, of: Habitat | None = None, network: str = ""
) -> list[str]:
    return step_arguments(step or host_step(), "img:1", of or habitat(), network)


def test_name_and_labels_lead_back_to_the_run():
    arguments = of_step()
    assert values(arguments, "--name") == ["c8s-uid-build-2"]
    assert values(arguments, "--label") == [
        "c8s.dev/run-id=uid", "c8s.dev/driver-id=driver", "c8s.dev/run=demo-1",
        "c8s.dev/step=build",
    ]  # fmt: skip


def test_a_step_is_confined():
    arguments = of_step()
    assert values(arguments, "--cap-drop") == ["ALL"]
    assert values(arguments, "--cap-add") == []
    assert values(arguments, "--security-opt") == ["no-new-privileges"]
    assert values(arguments, "--pids-limit") == ["4096"]
    assert values(arguments, "--network") == []
    assert "--privileged" not in arguments


def test_of_this_host_a_step_sees_its_own_folders():
    assert values(of_step(), "--mount") == [
        "type=bind,source=/place/workspace,target=/workspace",
        "type=bind,source=/place/home,target=/home/c8s",
        "type=bind,source=/place/tmp,target=/tmp",
        "type=bind,source=/place/secrets,target=/secrets,readonly",
    ]


def test_a_comma_in_a_path_stays_in_it():
    step = dataclasses.replace(host_step(), place=Place(Path("/a,b")))
    assert values(of_step(step), "--mount")[0] == (
        'type=bind,"source=/a,b/workspace",target=/workspace'
    )


@pytest.mark.parametrize(
    ("engine", "user", "userns"),
    [
        (habitat(), "1000:100", []),
        (habitat(podman=True), "1000:100", []),
        (habitat(rootless=True), "0:0", []),
        (habitat(podman=True, rootless=True), "0:0", []),
        (habitat(remapped=True), "1000:100", ["host"]),
    ],
)
def test_the_user_is_the_caller_by_whatever_name(engine, user, userns):
    arguments = of_step(of=engine)
    assert values(arguments, "--user") == [user]
    assert values(arguments, "--userns") == userns


def test_labels_of_selinux():
    docker, podman = habitat(labels=True), habitat(podman=True, labels=True)
    assert "label=disable" in values(of_step(of=docker), "--security-opt")
    assert "label=disable" not in values(of_step(of=podman), "--security-opt")
    assert all("relabel" not in mount for mount in values(of_step(of=docker), "--mount"))
    assert all(mount.endswith("relabel=private") for mount in values(of_step(of=podman), "--mount"))


@pytest.mark.parametrize(
    ("step", "program", "rest"),
    [
        ({"commands": ("a",), "shell": ("/bin/bash", "-c")}, "/bin/bash", ["-c"]),
        ({"commands": (), "entrypoint": ("/e", "x"), "args": ("y",)}, "/e", ["x", "y"]),
    ],
)
def test_the_entry_point_of_the_image_is_replaced(step, program, rest):
    arguments = of_step(host_step(**step))
    assert values(arguments, "--entrypoint") == [program]
    after = arguments[arguments.index("img:1") + 1 :]
    assert after[: len(rest)] == rest


def test_arguments_alone_go_to_the_entry_point_of_the_image():
    arguments = of_step(host_step(commands=(), args=("x", "y")))
    assert "--entrypoint" not in arguments
    assert arguments[-3:] == ["img:1", "x", "y"]


def test_both_streams_are_one_where_a_shell_can_do_that():
    assert of_step()[-1].startswith("exec 2>&1; trap 'exit 143' TERM; make\n")
    other = host_step(commands=("print 1",), shell=("/usr/bin/perl", "-e"))
    assert of_step(other)[-1] == "print 1"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"--cpu-shares": ["512"]}),
        ({"requests": Resources()}, {"--cpu-shares": []}),
        ({"requests": Resources.of(cpu="1m")}, {"--cpu-shares": ["2"]}),
        ({"requests": Resources.of(cpu="1000")}, {"--cpu-shares": ["262144"]}),
        ({"limits": Resources.of(cpu="1500m")}, {"--cpus": ["1.500"]}),
        ({"limits": Resources.of(cpu="64")}, {"--cpus": ["4.000"]}),
        ({"limits": Resources.of(cpu="1m")}, {"--cpus": ["0.010"]}),
        (
            {"limits": Resources.of(memory="64Mi")},
            {"--memory": ["67108864"], "--memory-swap": ["67108864"]},
        ),
        (
            {"limits": Resources.of(ephemeral_storage="1Ki")},
            {"--ulimit": ["core=0:0", "fsize=1024:1024"]},
        ),
    ],
)
def test_requests_and_limits(fields, expected):
    arguments = of_step(host_step(**fields))
    assert {option: values(arguments, option) for option in expected} == expected


@pytest.mark.parametrize(
    ("remedies", "expected"),
    [
        (Remedies(), {"--init": 1, "--init-path": 0, "--cpu-shares": 1, "--pids-limit": 1}),
        (Remedies(init_path="/i"), {"--init": 1, "--init-path": 1}),
        (Remedies(init=False), {"--init": 0, "--init-path": 0}),
        (Remedies(cpu_shares=False), {"--cpu-shares": 0, "--pids-limit": 1}),
        (Remedies(pids_limit=False), {"--cpu-shares": 1, "--pids-limit": 0}),
        (Remedies(ulimits=("nofile=1:2", "nproc=3:3")), {"nofile=1:2": 1, "nproc=3:3": 1}),
    ],
)
def test_remedies_change_what_they_are_for(remedies, expected):
    arguments = of_step(of=dataclasses.replace(habitat(), remedies=remedies))
    assert {word: arguments.count(word) for word in expected} == expected


def test_variables_are_the_step_s():
    arguments = of_step(host_step(env={"B": "x=y\nz"}))
    variables = dict(value.split("=", 1) for value in values(arguments, "--env"))
    assert variables["A"] == "1"
    assert variables["B"] == "x=y\nz"
    assert variables["C8S_WORKSPACE"] == "/workspace"
    assert variables["HOME"] == "/home/c8s"


def test_a_secret_is_named_and_not_shown():
    arguments = of_step(host_step({"TOKEN": SECRET, "A": SECRET}))
    assert {"TOKEN", "A"} <= set(values(arguments, "--env"))
    assert "A=1" not in arguments
    assert SECRET not in " ".join(arguments)
    assert "--env-file" not in arguments


@pytest.mark.parametrize(
    "name", ["PATH", "HOME", "DOCKER_HOST", "LD_PRELOAD", "https_proxy", "_X", "XDG_RUNTIME_DIR"]
)
def test_a_secret_that_would_mislead_the_engine_s_program_is_in_a_file(name):
    arguments = of_step(host_step({name: SECRET}))
    assert name not in values(arguments, "--env")
    assert values(arguments, "--env-file") == ["/place/reserved.env"]
    assert SECRET not in " ".join(arguments)


@pytest.mark.parametrize("name", ["SSH_PRIVATE_KEY", "GOOGLE_CREDENTIALS", "STORAGE_KEY", "KEY"])
def test_a_secret_of_many_lines_is_passed_like_any_other(name):
    assert name in values(of_step(host_step({name: "a\nb"})), "--env")


@pytest.mark.parametrize(("name", "value"), [("DOCKER_AUTH_CONFIG", "a\nb"), ("TOKEN", "a\0b")])
def test_a_secret_that_cannot_be_passed_is_refused_unseen(name, value):
    with pytest.raises(InvalidInput, match=f"variable {name}.*use `file`") as caught:
        of_step(host_step({name: value}))
    assert value not in str(caught.value)


def test_a_service_keeps_its_user_and_sees_nothing_of_this_host():
    service = Service("db", "pg:1", env={"P": "1"})
    arguments = service_arguments(host_step(), service, "pg:1", habitat(), "")
    assert values(arguments, "--name") == ["c8s-uid-build-2-db"]
    assert "c8s.dev/service=db" in values(arguments, "--label")
    assert values(arguments, "--cap-drop") == ["ALL"]
    assert values(arguments, "--cap-add") == list(SERVICE_CAPABILITIES)
    assert values(arguments, "--env") == ["P=1"]
    assert not {"--user", "--mount", "--init", "--entrypoint"} & set(arguments)
    assert arguments[-1] == "pg:1"


def test_commands_of_a_service_replace_its_entry_point():
    service = Service("db", "pg:1", env={"A": "2"}, commands=("a ${C8S_BRANCH}", "b"))
    arguments = service_arguments(host_step(), service, "pg:1", habitat(), "")
    variables = dict(value.split("=", 1) for value in values(arguments, "--env"))
    assert variables["A"] == "2"
    assert variables["C8S_BRANCH"] == ""
    assert values(arguments, "--entrypoint") == ["/bin/sh"]
    assert arguments[-4:-1] == ["pg:1", "-eu", "-c"]
    assert arguments[-1].startswith("a ${C8S_BRANCH}\n")


def test_services_and_step_share_a_network():
    service = Service("web", "w:1")
    shared = ["container:owner"]
    assert values(of_step(network="owner"), "--network") == shared
    arguments = service_arguments(host_step(), service, "w:1", habitat(), "owner")
    assert values(arguments, "--network") == shared
