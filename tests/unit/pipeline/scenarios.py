"""Random runs, and what must come of them, worked out without times, drivers or observations."""

from __future__ import annotations

import dataclasses
from random import Random

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.graph import Graph
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import RunStatus
from hypothesis import strategies as st

from unit.pipeline.runs import pipeline_of, run_of, step
from unit.pipeline.simulation import Chaos
from unit.pipeline.world import Outcome, Scenario

DISRUPTIONS_BORNE = 3


@st.composite
def graphs_of_steps(draw: st.DrawFn, most: int = 7):
    """Steps in an order of the file that is not that of the graph."""
    count = draw(st.integers(1, most))
    names = draw(st.permutations([f"s{n}" for n in range(count)]))
    steps = []
    for number, name in enumerate(names):
        needed = (
            draw(st.lists(st.sampled_from(names[:number]), unique=True, max_size=3))
            if number
            else []
        )
        steps.append(
            step(
                name,
                *needed,
                status=draw(st.sampled_from(["success"] * 5 + ["failure", "always"])),
                retries=draw(st.sampled_from([0, 0, 1, 2])),
                allow_failure=draw(st.sampled_from([False] * 4 + [True])),
                timeout=draw(st.sampled_from([1800, 1800, 10])),
            )
        )
    return sorted(steps, key=lambda step: step.name)


seconds = st.sampled_from([0, 1, 3, 5, 9, 20])
exits = st.builds(
    Outcome,
    kind=st.just("exit"),
    code=st.sampled_from([0, 0, 0, 1, 7]),
    delay=st.sampled_from([0, 0, 2]),
    seconds=seconds,
)
accidents = st.builds(
    Outcome,
    kind=st.sampled_from(["disrupted", "lost", "interrupted"]),
    delay=st.sampled_from([0, 2]),
    seconds=st.sampled_from([0, 1, 5]),
)
refusals = st.builds(Outcome, kind=st.just("refused"), delay=st.sampled_from([0, 2]))


@st.composite
def scenarios(draw: st.DrawFn):
    """Runs that nobody cancels and that have time enough: their end depends on nothing else.

    Nor does it on whether preparing a step ahead can fail; then times decide about the attempts.
    """
    steps = draw(graphs_of_steps())
    names = [step.name for step in steps]
    ahead = draw(st.booleans())
    endings = exits | accidents if ahead else exits | accidents | refusals
    pipeline = pipeline_of(
        *steps,
        timeout=10**6,
        backoff=draw(st.sampled_from([0, 1, 10])),
        prepare_ahead=ahead,
    )
    outcomes = {name: (*draw(st.lists(endings, max_size=4)), draw(exits)) for name in names}
    return Scenario(
        run_of(pipeline, draw(st.lists(st.sampled_from(names), unique=True, max_size=2))),
        outcomes,
        slots=draw(st.none() | st.integers(1, 3)),
        skew=draw(st.sampled_from([0, 0, -3, 5])),
    )


@st.composite
def halted_scenarios(draw: st.DrawFn):
    """Runs that are cancelled, run out of time, or fail fast, in any mixture."""
    scenario = draw(scenarios())
    pipeline = dataclasses.replace(
        scenario.run.pipeline,
        timeout=draw(st.sampled_from([1, 10, 30, 10**6])),
        fail_fast=draw(st.booleans()),
    )
    cancel_at = draw(st.none() | st.integers(0, 40))
    outcomes = dict(scenario.outcomes)
    for name in draw(st.lists(st.sampled_from(sorted(outcomes)), max_size=2)):
        outcomes[name] = (draw(refusals), *outcomes[name])
    if pipeline.timeout < 10**6:
        for name in draw(st.lists(st.sampled_from(sorted(outcomes)), max_size=1)):
            outcomes[name] = (Outcome("stuck"),)
    return dataclasses.replace(
        scenario,
        run=dataclasses.replace(scenario.run, pipeline=pipeline),
        outcomes=outcomes,
        cancel_at=cancel_at,
    )


@st.composite
def chaos(draw: st.DrawFn, *, blinks: bool = False):
    return Chaos(
        Random(draw(st.integers(0, 2**32))),
        loses=draw(st.booleans()),
        dawdles=draw(st.booleans()),
        dies=draw(st.booleans()),
        blinks=blinks,
    )


@dataclasses.dataclass
class Expected:
    """How a step has to end."""

    phase: str
    reason: str = ""
    attempts: int = 0
    failures: int = 0
    disruptions: int = 0
    interruptions: int = 0
    exit_code: int | None = None


def expected(scenario: Scenario) -> list[Expected]:
    """How every step has to end where nothing halts the run."""
    graph = Graph.of(scenario.run.pipeline.steps)
    ends: dict[int, Expected] = {}
    for position in graph.order:
        spoiled = any(_spoils(scenario, graph, ends, n) for n in graph.dependencies[position])
        wanted = scenario.run.pipeline.steps[position].when.status
        if scenario.left_out(position):
            ends[position] = Expected("Skipped", "ConditionNotMet")
        elif wanted == "success" and spoiled:
            ends[position] = Expected("Skipped", "DependencyFailed")
        elif wanted == "failure" and not spoiled:
            ends[position] = Expected("Skipped", "NothingFailed")
        else:
            ends[position] = _end_of_attempts(scenario, position)
    return [ends[position] for position in range(len(ends))]


def _spoils(scenario: Scenario, graph: Graph, ends: dict[int, Expected], position: int) -> bool:
    """Whether what waits for the success of this step waits in vain."""
    step = scenario.run.pipeline.steps[position]
    if scenario.left_out(position):
        return step.when.status == "success" and any(
            _spoils(scenario, graph, ends, n) for n in graph.dependencies[position]
        )
    end = ends[position]
    if end.phase == "Failed":
        return not step.allow_failure
    return end.reason == "DependencyFailed"


def _end_of_attempts(scenario: Scenario, position: int) -> Expected:
    step = scenario.run.pipeline.steps[position]
    end = Expected("Failed")
    while True:
        end.attempts += 1
        outcome = scenario.outcome(step.name, end.attempts)
        late = outcome.seconds >= step.timeout
        end.exit_code = None
        if outcome.kind == "interrupted" and not late:
            end.interruptions += 1
            continue
        if outcome.kind in ("disrupted", "lost") and not late:
            end.disruptions += 1
            if end.disruptions > DISRUPTIONS_BORNE:
                end.reason = "Evicted" if outcome.kind == "disrupted" else "Lost"
                end.exit_code = 137 if outcome.kind == "disrupted" else None
                return end
            continue
        if outcome.kind == "exit" and outcome.code == 0 and not late:
            end.phase, end.exit_code = "Succeeded", 0
            return end
        end.failures += 1
        if end.failures > step.retries:
            if outcome.kind == "refused":
                end.reason = "ImagePullBackOff"
            else:
                end.reason = "Timeout" if late else "StepFailed"
                end.exit_code = ANY if late else outcome.code
            return end


class _Any:
    """Equal to whatever a late attempt ended with: by itself, or stopped."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


ANY = _Any()


def found(status: RunStatus) -> list[Expected]:
    """How the steps ended, in the same words."""
    return [
        Expected(
            str(step.phase),
            step.reason,
            0 if step.phase == "Skipped" else step.attempts,
            0 if step.phase == "Skipped" else step.failures,
            0 if step.phase == "Skipped" else step.disruptions,
            0 if step.phase == "Skipped" else step.interruptions,
            None if step.phase == "Skipped" else step.exit_code,
        )
        for step in status.steps
    ]
