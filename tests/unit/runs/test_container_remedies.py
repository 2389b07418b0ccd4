"""What engines say on hosts that allow less, and what is tried then."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.containers.remedies import (
    Remedies,
    own_ulimits,
    remedy,
)

RLIMITS = [
    "runc: runc create failed: error setting rlimits for ready process: error setting rlimit type"
    " 7: operation not permitted: OCI permission denied",
    "crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied",
]
NO_INIT = "container-init binary not found on the host: stat /usr/libexec/podman/catatonit"


@pytest.mark.parametrize("words", RLIMITS)
def test_limits_that_may_not_be_raised_become_our_own(words):
    found = remedy(words, Remedies())
    assert found == Remedies(ulimits=own_ulimits())
    assert remedy(words, found) is None


def test_own_limits_name_files_and_processes():
    files, processes = own_ulimits()
    assert files.startswith("nofile=")
    assert processes.startswith("nproc=")
    highest = int(Path("/proc/sys/kernel/pid_max").read_text())
    assert int(processes.rpartition(":")[2]) <= highest


def test_another_init_is_looked_for_before_none_is_used(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert remedy(NO_INIT, Remedies()) == Remedies(init=False)
    program = tmp_path / "tini-static"
    program.touch(mode=0o755)
    found = remedy(NO_INIT, Remedies())
    assert found == Remedies(init_path=str(program))
    assert remedy(NO_INIT, found) == Remedies(init=False)
    assert remedy(NO_INIT, Remedies(init=False)) is None


@pytest.mark.parametrize(
    ("name", "after"),
    [("cpu", Remedies(cpu_shares=False)), ("pids", Remedies(pids_limit=False))],
)
def test_a_controller_that_is_not_there_is_not_used(name, after):
    words = f"crun: the requested cgroup controller `{name}` is not available: OCI runtime error"
    assert remedy(words, Remedies()) == after
    assert remedy(words, after) is None


def test_remedies_add_up():
    found = remedy(RLIMITS[0], Remedies(init=False))
    assert found == Remedies(ulimits=own_ulimits(), init=False)


@pytest.mark.parametrize("words", ["", "no such image", "the requested cgroup controller `memory`"])
def test_nothing_is_tried_against_anything_else(words):
    assert remedy(words, Remedies()) is None
