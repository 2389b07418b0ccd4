"""Drivers that die, and drivers that meet: one Job for each attempt, one end, whole logs."""

from __future__ import annotations

import collections
import functools
import signal
from collections.abc import Callable

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase

from e2e.lab import SMALL, Lab
from e2e.steps import step_state
from kube.waiting import wait_for

LINES = 40
STEPS = f"""
  - name: a
    image: busybox
    {SMALL}
    commands:
      - 'for i in $(seq {LINES}); do echo "a $i"; sleep 0.1; done'
      - mkdir out
      - echo made > out/it
    artifacts: [out/*]
  - name: b
    image: busybox
    {SMALL}
    dependsOn: [a]
    commands: [cat out/it, 'for i in $(seq {LINES}); do echo "b $i"; done']
"""


def same_as_ever(lab: Lab, name: str) -> None:
    """The run ended well, with one Job for each step, whole logs and nothing twice."""
    run = lab.runs().named(name)
    assert run.status.phase is Phase.SUCCEEDED, run.status
    assert [step.attempts for step in run.status.steps] == [1, 1]
    made = collections.Counter(
        (job["metadata"]["labels"]["c8s.dev/step"], job["metadata"]["labels"]["c8s.dev/attempt"])
        for job in lab.items("jobs")
    )
    assert made == {("a", "1"): 1, ("b", "1"): 1}
    assert len(lab.items("pods")) == 2
    assert lab.log(run, "a") == "".join(f"a {number + 1}\n" for number in range(LINES))
    assert lab.log(run, "b") == "made\n" + "".join(f"b {n + 1}\n" for n in range(LINES))


def record_is_there(lab: Lab) -> bool:
    return bool(lab.runs().records.names())


def job_is_there(lab: Lab) -> bool:
    return bool(lab.items("jobs"))


def log_is_kept(lab: Lab) -> bool:
    return any(path.stat().st_size > 60 for path in lab.store.rglob("a.log"))


def step_has_ended(lab: Lab) -> bool:
    return any("terminated" in step_state(pod) for pod in lab.items("pods"))


def second_job_is_there(lab: Lab) -> bool:
    return len(lab.items("jobs")) > 1


def both_have_ended(lab: Lab) -> bool:
    return second_job_is_there(lab) and all(
        "terminated" in state for pod in lab.items("pods") if (state := step_state(pod))
    )


@pytest.mark.parametrize(
    "moment",
    [
        record_is_there,
        job_is_there,
        log_is_kept,
        step_has_ended,
        second_job_is_there,
        both_have_ended,
    ],
)
def test_a_driver_that_is_killed_is_followed_by_another(
    lab: Lab, moment: Callable[[Lab], bool]
) -> None:
    first = lab.process(STEPS, "one")
    wait_for(moment.__name__, lambda: moment(lab) or first.poll() is not None, timeout=60)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    second = lab.process(STEPS, "one")
    said, _none = second.communicate(timeout=60)
    assert (second.returncode, said) == (0, "Succeeded\n"), lab.runs().named("one").status
    same_as_ever(lab, "one")


def test_a_driver_that_is_killed_again_and_again(lab: Lab) -> None:
    for count in range(1, 5):
        driver = lab.process(STEPS, "one")
        at_work = functools.partial(lab.is_driven_or_over, driver)
        wait_for(f"driver {count} at work", at_work, timeout=60)
        driver.kill()
        driver.communicate()
    last = lab.process(STEPS, "one")
    said, _none = last.communicate(timeout=60)
    assert said == "Succeeded\n"
    same_as_ever(lab, "one")


def test_two_drivers_of_one_host_lead_and_follow(lab: Lab) -> None:
    both = [lab.process(STEPS, "one") for _one in range(2)]
    said = [driver.communicate(timeout=80)[0] for driver in both]
    assert said == ["Succeeded\n"] * 2
    same_as_ever(lab, "one")
