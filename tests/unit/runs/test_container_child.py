"""How a container's last state becomes the end of a step."""

from __future__ import annotations

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.quantities import Resources
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Step
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.containers.child import ending_of
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.containers.state import state_of
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.engine import Ending

BEGUN = "2026-11-21T08:57:12Z"
NEVER = "0001-01-01T00:00:00Z"
FREE = Step("build", "img")
LIMITED = Step("build", "img", limits=Resources.of(memory="16Mi"))
OOM = Ending(137, "OOMKilled", "it needed more memory than its limit of 16Mi")


def ending(step=FREE, killed=False, version=2, **state):
    found = {"Status": "exited", "ExitCode": 0, "StartedAt": BEGUN, "OOMKilled": False, "Error": ""}
    return ending_of(state_of({**found, **state}), step, killed=killed, version=version)


@pytest.mark.parametrize("code", [0, 1, 127, 137, 255])
def test_the_exit_code_is_the_container_s(code):
    assert ending(ExitCode=code) == Ending(code)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({"step": LIMITED, "ExitCode": 137, "OOMKilled": True}, OOM),
        ({"ExitCode": 1, "OOMKilled": True},
         Ending(1, "OOMKilled", "it needed more memory than there was")),
        # Something in it was killed for memory, and the step got over it.
        ({"step": LIMITED, "OOMKilled": True}, Ending(0)),
        # podman on version 1 does not tell.
        ({"step": LIMITED, "ExitCode": 137, "version": 1}, OOM),
        ({"step": LIMITED, "ExitCode": 137, "version": 1, "killed": True}, Ending(137)),
        ({"step": FREE, "ExitCode": 137, "version": 1}, Ending(137)),
        ({"step": LIMITED, "ExitCode": 1, "version": 1}, Ending(1)),
    ],
)  # fmt: skip
def test_memory(case, expected):
    assert ending(**case) == expected


@pytest.mark.parametrize(
    ("state", "code", "reason", "message"),
    [
        ({"ExitCode": 127, "Error": 'exec: "x": not found'}, 127, "", "not found"),
        ({"ExitCode": 128, "Error": "no mount"}, 128, "StartFailed", "no mount"),
        ({"ExitCode": 0}, 0, "StartFailed", "see the step's log"),
    ],
)
def test_a_container_that_never_started(state, code, reason, message):
    found = ending(StartedAt=NEVER, Status="created", **state)
    assert (found.exit_code, found.reason) == (code, reason)
    assert message in found.message
    assert not found.disruption


@pytest.mark.parametrize("status", ["running", "paused", "removing", "dead"])
def test_an_end_that_was_not_the_step_s(status):
    found = ending(Status=status, ExitCode=137)
    assert (found.exit_code, found.reason, found.disruption) == (None, "EngineFailed", True)
