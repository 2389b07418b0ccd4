"""Containers beside a step: on localhost, ready before it begins, gone after it."""

from __future__ import annotations

import time

import pytest

from integration.engines.engine_yard import IMAGE, EngineYard, Launch

ECHO = {
    "name": "echo",
    "image": IMAGE,
    "env": {"WORD": "hi there"},
    "commands": ["sleep 0.3", "exec nc -ll -p 7000 -e echo $WORD"],
    "readiness": {"port": 7000},
}
WEB = {
    "name": "web",
    "image": IMAGE,
    "commands": ["echo page > /tmp/x", "sleep 0.3", "exec httpd -f -vv -p 8080 -h /tmp"],
    "readiness": {"port": 8080, "path": "/x"},
}
FILE = {
    "name": "file",
    "image": IMAGE,
    "commands": ["echo I am the file; sleep 0.3", "touch /tmp/there", "exec sleep 100"],
    "readiness": {"command": ["test", "-e", "/tmp/there"]},
}


def test_services_are_ready_and_on_localhost(yard: EngineYard):
    step = {
        "commands": ["nc 127.0.0.1 7000 </dev/null", "wget -q -O - http://localhost:8080/x"],
        "services": [ECHO, WEB, FILE],
    }
    run = yard.run({"only": step})
    assert yard.log(run.name) == "hi there\npage\n"
    assert run.status.phase == "Succeeded"


def test_a_failed_step_shows_what_its_services_said(yard: EngineYard):
    run = yard.run({"only": {"commands": ["echo mine", "exit 3"], "services": [FILE]}})
    assert run.status.step("only").exit_code == 3
    assert yard.log(run.name) == "mine\n[c8s: last lines of service 'file']\nI am the file\n"


SILENT = {**ECHO, "commands": ["echo I sleep", "exec sleep 100"]}


@pytest.mark.parametrize(
    ("service", "said"),
    [
        (
            {**SILENT, "readiness": {"port": 7000, "timeout": "1s"}},
            ["not ready after 1 s", "nothing listens on port 7000", "I sleep"],
        ),
        (
            {**WEB, "readiness": {"port": 8080, "path": "/none", "timeout": "2s"}},
            ["not ready after 2 s", "404"],
        ),
        (
            {**SILENT, "readiness": {"command": ["sh", "-c", "echo no >&2; exit 4"],
                                     "timeout": "1s"}},
            ["not ready after 1 s", "its command ended with 4: no", "I sleep"],
        ),
        ({**ECHO, "commands": ["echo I give up", "exit 5"]}, ["ended with exit code 5", "give up"]),
    ],
    ids=["port", "path", "command", "ended"],
)  # fmt: skip
def test_a_step_does_not_begin_without_its_services(yard: EngineYard, service, said):
    run = yard.run({"only": {"commands": ["echo never"], "services": [service]}})
    status = run.status.step("only")
    assert (status.phase, status.exit_code, status.reason) == ("Failed", None, "ServiceNotReady")
    assert "service" in status.message
    for words in said:
        assert words in status.message
    assert yard.log(run.name) == ""


def test_an_image_of_a_service_that_does_not_exist(yard: EngineYard):
    services = [{"name": "none", "image": "nowhere.invalid/nothing:1"}]
    run = yard.run({"only": {"commands": ["echo never"], "services": services}})
    status = run.status.step("only")
    assert status.reason == "ImagePullFailed"
    assert "nowhere.invalid/nothing:1" in status.message


def test_a_cancel_does_not_wait_for_services(yard: EngineYard):
    service = {**SILENT, "readiness": {"port": 7000, "timeout": "5m"}}
    launch = Launch(yard, {"only": {"commands": ["echo never"], "services": [service]}})
    yard.inspected("only")
    began = time.monotonic()
    launch.runs.interrupt("a test")
    run = launch.ended()
    assert run.status.phase == "Cancelled"
    assert time.monotonic() - began < 10
