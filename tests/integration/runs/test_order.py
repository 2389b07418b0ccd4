"""Which steps run, when, and what becomes of the others."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.runs import inspection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host_yard import Yard, pipeline


def after(*names: str, **fields: object) -> dict[str, object]:
    return {"commands": ["true"], "dependsOn": list(names), **fields}


def phases(run) -> dict[str, str]:
    return {step.name: str(step.phase) for step in run.status.steps}


def test_a_step_begins_when_its_own_dependencies_have_ended(yard: Yard):
    run = yard.run(
        {
            "slow": ["sleep 1.5"],
            "quick": ["true"],
            "behind-quick": after("quick"),
            "behind-both": after("slow", "quick"),
        }
    )
    steps = {step.name: step for step in run.status.steps}
    assert run.status.phase == "Succeeded"
    assert steps["behind-quick"].completion_time < steps["slow"].completion_time
    assert steps["behind-both"].start_time >= steps["slow"].completion_time


def test_a_failure_skips_what_is_behind_it_and_nothing_else(yard: Yard):
    run = yard.run(
        {
            "bad": ["exit 3"],
            "behind": after("bad"),
            "far-behind": after("behind"),
            "aside": ["sleep 0.5"],
            "behind-aside": after("aside"),
        }
    )
    assert run.status.phase == "Failed"
    assert phases(run) == {
        "bad": "Failed",
        "behind": "Skipped",
        "far-behind": "Skipped",
        "aside": "Succeeded",
        "behind-aside": "Succeeded",
    }
    assert "bad" in run.status.step("behind").message
    assert "bad" in run.status.message


def test_fail_fast_stops_the_rest(yard: Yard):
    run = yard.run({"bad": ["sleep 0.2; exit 3"], "aside": ["sleep 60"]}, failFast=True)
    assert (run.status.phase, phases(run)["bad"]) == ("Failed", "Failed")
    assert phases(run)["aside"] == "Cancelled"


def test_a_failure_that_is_allowed_fails_nothing(yard: Yard):
    run = yard.run({"bad": {"commands": ["exit 3"], "allowFailure": True}, "next": after("bad")})
    assert run.status.phase == "Succeeded"
    assert phases(run) == {"bad": "Failed", "next": "Succeeded"}
    assert run.status.step("bad").exit_code == 3


def test_steps_may_wait_for_failure_or_run_always(yard: Yard):
    steps = {
        "bad": ["exit 1"],
        "report": after("bad", when={"status": "failure"}),
        "clean": after("bad", when={"status": "always"}),
        "publish": after("bad"),
    }
    assert phases(yard.run(steps)) == {
        "bad": "Failed", "report": "Succeeded", "clean": "Succeeded", "publish": "Skipped",
    }  # fmt: skip
    steps["bad"] = ["true"]
    assert phases(yard.run(steps)) == {
        "bad": "Succeeded", "report": "Skipped", "clean": "Succeeded", "publish": "Succeeded",
    }  # fmt: skip


def test_conditions_skip_steps_and_say_why(yard: Yard, project):
    run = yard.run(
        {
            "main": {"commands": ["true"], "when": {"branch": "main"}},
            "release": {"commands": ["true"], "when": {"branch": "release/*"}},
            "nightly": {"commands": ["true"], "when": {"event": "schedule"}},
            "docs": {"commands": ["true"], "when": {"paths": ["docs/**"]}},
        },
        {"repository": str(project), "branch": "main"},
    )
    assert run.status.phase == "Succeeded"
    assert phases(run) == {
        "main": "Succeeded", "release": "Skipped", "nightly": "Skipped", "docs": "Skipped",
    }  # fmt: skip
    assert "release/*" in run.status.step("release").message


def test_retries_wait_longer_each_time_and_stop_at_the_first_success(yard: Yard, tmp_path):
    count = tmp_path / "count"
    step = {"commands": [f"echo x >>{count}; test $(wc -l <{count}) -ge 3"], "retries": 5}
    run = yard.run({"only": step}, retryPolicy={"backoffSeconds": 1})
    status = run.status.step("only")
    assert (status.phase, status.attempts, status.failures) == ("Succeeded", 3, 2)
    assert (run.status.completion_time - run.status.start_time).total_seconds() >= 3
    for attempt in (1, 2, 3):
        assert yard.log(run.name, "only", attempt) == ""


def test_retries_end(yard: Yard):
    run = yard.run(
        {"only": {"commands": ["echo again; exit 4"], "retries": 1}},
        retryPolicy={"backoffSeconds": 1},
    )
    status = run.status.step("only")
    assert (status.phase, status.attempts, status.exit_code) == ("Failed", 2, 4)


def test_no_more_steps_at_one_time_than_allowed(yard: Yard, tmp_path):
    yard.parallel = 2
    busy = [f"echo + >>{tmp_path}/busy; sleep 0.2; echo - >>{tmp_path}/busy"]
    run = yard.run({f"n-{number}": busy for number in range(6)})
    assert run.status.phase == "Succeeded"
    level, highest = 0, 0
    for sign in (tmp_path / "busy").read_text().split():
        level += 1 if sign == "+" else -1
        highest = max(highest, level)
    assert highest == 2


def test_500_steps(yard: Yard):
    run = yard.run({f"n-{number}": ["true"] for number in range(500)})
    assert run.status.phase == "Succeeded"
    assert len(run.status.steps) == 500


def test_no_step_is_refused_before_anything_is_made(yard: Yard):
    with pytest.raises(InvalidInput):
        yard.run({})
    assert not yard.store.exists()


# --- matrix


def test_a_matrix_makes_children_that_its_record_lists(yard: Yard):
    run = yard.run(
        {"only": ["echo $C8S_MATRIX_GO_VERSION ${{ matrix.os }}"]},
        matrix={"dimensions": {"go_version": ["1.21", "1.22"], "os": ["a b", "c"]}},
    )
    assert run.status.phase == "Succeeded"
    assert run.status.steps == ()
    children = run.status.matrix.children
    assert len(children) == 4
    printed = sorted(yard.log(name) for name in children)
    assert printed == ["1.21 a b\n", "1.21 c\n", "1.22 a b\n", "1.22 c\n"]
    for name in children:
        record = inspection.one(yard.records, name)
        assert record["spec"]["parent"] == run.name
        assert record["status"]["phase"] == "Succeeded"


def test_one_failing_child_fails_the_matrix_and_no_sibling(yard: Yard):
    run = yard.run({"only": ["test ${{ matrix.n }} != 2"]}, matrix={"dimensions": {"n": [1, 2, 3]}})
    matrix = run.status.matrix
    assert run.status.phase == "Failed"
    assert (matrix.succeeded, matrix.failed, matrix.cancelled) == (2, 1, 0)


def test_a_matrix_fails_fast_where_it_is_told_to(yard: Yard):
    run = yard.run(
        {"only": ["test ${{ matrix.n }} != 1; sleep 60"]},
        matrix={"dimensions": {"n": [1, 2, 3]}, "failFast": True},
    )
    assert run.status.phase == "Failed"
    assert (run.status.matrix.failed, run.status.matrix.cancelled) == (1, 2)


def test_a_matrix_keeps_to_its_bound(yard: Yard, tmp_path):
    run = yard.run(
        {"only": [f"mkdir {tmp_path}/busy && sleep 0.1 && rmdir {tmp_path}/busy"]},
        matrix={"dimensions": {"n": [1, 2, 3, 4]}, "maxParallel": 1},
    )
    assert run.status.phase == "Succeeded"


# --- cancel


def test_an_interrupt_ends_everything_as_cancelled(yard: Yard, tmp_path):
    running = tmp_path / "running"
    runs = yard.runs()
    steps = {"busy": [f"touch {running}; sleep 60"], "next": after("busy")}
    orders = runs.orders([_request(pipeline(steps))])

    def interrupt() -> None:
        while not running.exists():
            threading.Event().wait(0.01)
        runs.interrupt("Ada")
        runs.interrupt("Ada")

    thread = threading.Thread(target=interrupt)
    thread.start()
    (launched,) = runs.launch(orders)
    thread.join()
    assert (launched.run.status.phase, launched.run.status.reason) == ("Cancelled", "CancelledBy")
    assert phases(launched.run) == {"busy": "Cancelled", "next": "Cancelled"}
    assert "Ada" in launched.run.status.message


def _request(text: bytes):
    from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request

    return Request(text)


# --- against an oracle


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, dict]:
    steps: dict[str, dict] = {}
    for number in range(draw(st.integers(1, 6))):
        earlier = list(steps)
        step: dict = {"commands": [f"exit {draw(st.sampled_from([0, 0, 0, 1, 7]))}"]}
        needs = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
        if needs:
            step["dependsOn"] = needs
            step["when"] = {"status": draw(st.sampled_from(["success", "failure", "always"]))}
        if draw(st.booleans()):
            step["allowFailure"] = True
        steps[f"s-{number}"] = step
    return steps


def expected(steps: dict[str, dict]) -> tuple[str, dict[str, str]]:
    """What the rules say, step by step: each is behind all that came before it."""
    ends: dict[str, str] = {}
    hard: dict[str, bool] = {}
    for name, step in steps.items():
        bad_before = any(hard[need] for need in step.get("dependsOn", []))
        status = step.get("when", {}).get("status", "success")
        runs = status == "always" or bad_before == (status == "failure")
        failed = runs and step["commands"] != ["exit 0"]
        ends[name] = "Failed" if failed else "Succeeded" if runs else "Skipped"
        own = failed and not step.get("allowFailure", False)
        hard[name] = own or (not runs and bad_before)
    failed = any(
        ends[name] == "Failed" and not step.get("allowFailure") for name, step in steps.items()
    )
    return ("Failed" if failed else "Succeeded"), ends


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=graphs())
def test_real_processes_end_as_the_rules_say(yard: Yard, steps: dict[str, dict]):
    run = yard.run(steps)
    assert (str(run.status.phase), phases(run)) == expected(steps)
