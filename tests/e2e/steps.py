"""Steps that tests can watch and end, and how they do that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from e2e.lab import SMALL, Lab

CHATTY = f"""
  - name: a
    image: busybox
    {SMALL}
    commands: ['i=0; until [ -e /tmp/end ]; do i=$((i+1)); echo "line $i"; sleep 0.2; done']
    timeout: 90s
"""


def touch(lab: Lab, path: str) -> None:
    """Make a file in the step's container of the only pod."""
    (pod,) = lab.items("pods")
    lab.exec(pod["metadata"]["name"], "touch", path)


def let_it_end(lab: Lab) -> None:
    touch(lab, "/tmp/end")


def container_runs(lab: Lab) -> bool:
    return any("running" in step_state(pod) for pod in lab.items("pods"))


def step_state(pod: Mapping[str, Any]) -> dict[str, Any]:
    """The state of the step's own container; empty while there is none."""
    for status in pod["status"].get("containerStatuses", ()):
        if status["name"] == "step":
            return dict(status["state"])
    return {}
