"""Planning: from a file's text to the first plan, and one turn of a run.

Beside it stand the parts that it cannot be faster than: PyYAML's own parser in C, which makes the
same text into events, and the standard library's sort of the same graph. The figures are processor
time, since all of it only computes.
"""

from __future__ import annotations

import dataclasses
import datetime
import graphlib
import time
from collections.abc import Callable

import yaml
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.graph import Graph
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.observation import Observation, State
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.plan import first_status, plan
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run, Trigger
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Pipeline
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import RunStatus
from timing import Times, alternate

TURN_STEPS = 500
SIZES = (1_000, 2_000, 5_000, 10_000)
WIDTH = 20
ROUNDS = 15
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def table() -> str:
    """Two tables: one call of `plan` on a large run, and the way to it by the size of the file."""
    return f"{_turns()}\n\n{_sizes()}"


def file_text(steps: int) -> str:
    """A pipeline file of layers of 20 steps, each waiting for two of the layer before."""
    lines = ["version: v1alpha1", "name: large", "steps:"]
    for number in range(steps):
        before = [f"s{number - WIDTH}", f"s{number - number % WIDTH - WIDTH}"]
        lines += [f"  - name: s{number}", "    image: busybox", f"    commands: [echo {number}]"]
        if number >= WIDTH:
            lines.append(f"    dependsOn: [{', '.join(dict.fromkeys(before))}]")
    return "\n".join(lines)


def new_run(pipeline: Pipeline) -> Run:
    status = first_status(pipeline, lambda _step: None)
    return Run("large-1", "uid", NOW, pipeline, {}, Trigger(), status)


# --- one turn ----------------------------------------------------------------------------------


def _turns() -> str:
    layered = load(file_text(TURN_STEPS))
    flat = dataclasses.replace(
        layered,
        steps=tuple(dataclasses.replace(step, depends_on=()) for step in layered.steps),
    )
    running = [_running(step.name) for step in flat.steps]
    half = [_ended(step.name) for step in flat.steps[: TURN_STEPS // 2]]
    going = _after(new_run(flat), running)
    named: dict[str, Callable[[], object]] = {
        "first turn, 20 may start": _turn(new_run(layered), []),
        "first turn, all 500 may start": _turn(new_run(flat), []),
        "all running, nothing new": _turn(going, running),
        "all running, one has ended": _turn(going, [_ended("s0"), *running[1:]]),
        "half done, nothing new": _turn(
            _after(going, half + running[len(half) :]), half + running[len(half) :]
        ),
        "half end in one look": _turn(going, half + running[len(half) :]),
        "*graphlib alone, same graph*": _sort(layered),
    }
    times = dict(
        zip(named, alternate(list(named.values()), ROUNDS, clock=time.process_time), strict=True)
    )
    rows = [f"| {name} | {found.shown()} |" for name, found in times.items()]
    return "\n".join(["| `plan()` on 500 steps | time |", "| --- | --- |", *rows])


def _turn(run: Run, seen: list[Observation]) -> Callable[[], object]:
    graph = Graph.of(run.pipeline.steps)
    return lambda: plan(run, graph, seen, NOW)


def _after(run: Run, seen: list[Observation]) -> Run:
    graph = Graph.of(run.pipeline.steps)
    started = dataclasses.replace(run, status=plan(run, graph, [], NOW).status)
    return dataclasses.replace(run, status=plan(started, graph, seen, NOW).status)


def _running(step: str) -> Observation:
    return Observation(step, 1, State.RUNNING, start_time=NOW, job_name=f"large-1-{step}")


def _ended(step: str) -> Observation:
    return dataclasses.replace(_running(step), state=State.ENDED, completion_time=NOW, exit_code=0)


def _sort(pipeline: Pipeline) -> Callable[[], object]:
    graph = {step.name: step.depends_on for step in pipeline.steps}
    return lambda: tuple(graphlib.TopologicalSorter(graph).static_order())


# --- from text to the first turn ---------------------------------------------------------------


def _sizes() -> str:
    head = (
        "| steps | text to first plan | of it `load` | of it graph and plan | a thousand steps"
        " | PyYAML's C parser alone |\n| --- | --- | --- | --- | --- | --- |"
    )
    rows = []
    first = 0.0
    for steps in SIZES:
        whole, loading, planning, parsing = _of_size(steps)
        each = whole.median / steps * 1000
        first = first or each
        rows.append(
            f"| {steps:,} | {whole.shown()} | {loading.shown()} | {planning.shown()}"
            f" | {each * 1000:.1f} ms, {each / first:.2f} times | {parsing.shown()} |"
        )
    return "\n".join([head, *rows])


def _of_size(steps: int) -> list[Times]:
    text = file_text(steps)
    pipeline = load(text)
    return alternate(
        [
            lambda: _first_plan(load(text)),
            lambda: load(text),
            lambda: _first_plan(pipeline),
            lambda: sum(1 for _event in yaml.parse(text, Loader=yaml.CSafeLoader)),
        ],
        rounds=5,
        clock=time.process_time,
    )


def _first_plan(pipeline: Pipeline) -> RunStatus:
    run = new_run(pipeline)
    return plan(run, Graph.of(pipeline.steps), [], NOW).status


if __name__ == "__main__":
    print(table())
