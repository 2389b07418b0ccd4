"""What a launch would do, without doing any of it: the plan that people see beforehand."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..pipeline.demand import Demand, peak_demand, total_demand
from ..pipeline.graph import Graph
from ..pipeline.matrix import Combination, combinations
from ..pipeline.record import pipeline_for
from ..pipeline.run import Trigger
from ..pipeline.spec import Pipeline, When
from ..pipeline.when import no_run_reason, skip_reason


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """Layers of step names, combinations of the matrix, steps that would be skipped with the
    reason, and what the steps ask for: at most at one time, and all together.

    `no_run_reason` tells why the trigger by itself starts no run; None where it does.
    """

    pipeline: Pipeline
    layers: tuple[tuple[str, ...], ...]
    matrix: tuple[Combination, ...]
    skipped: dict[str, str]
    peak: Demand
    total: Demand
    no_run_reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; cpu in cores, memory and storage in bytes."""
        return {
            "name": self.pipeline.name,
            "starts": self.no_run_reason is None,
            "reason": self.no_run_reason or "",
            "layers": [list(layer) for layer in self.layers],
            "matrix": [dict(combination) for combination in self.matrix],
            "runs": max(1, len(self.matrix)),
            "skipped": [{"step": name, "reason": reason} for name, reason in self.skipped.items()],
            "steps": [
                {
                    "name": step.name,
                    "image": step.image,
                    "dependsOn": list(step.depends_on),
                    "runs": step.name not in self.skipped,
                }
                for step in self.pipeline.steps
            ],
            "peakDemand": _demand(self.peak),
            "totalDemand": _demand(self.total),
        }


def preview(pipeline: Pipeline, trigger: Trigger, name: str = "preview") -> Preview:
    """Work out what `trigger` would start. InvalidInput where the matrix yields nothing.

    Steps are shown as in the file where a matrix gives each run another rendering.
    """
    found = combinations(pipeline.matrix) if pipeline.matrix else ()
    rendered = pipeline_for(pipeline, name, trigger, {})
    skipped: dict[str, str] = {}
    for step in rendered.steps:
        reason = skip_reason(step, trigger)
        if reason is not None:
            skipped[step.name] = reason
    graph = Graph.of(rendered.steps)
    return Preview(
        rendered,
        graph.layers(),
        found,
        skipped,
        peak_demand(rendered.steps, graph, skipped),
        total_demand([step for step in rendered.steps if step.name not in skipped]),
        no_run_reason(pipeline, trigger),
    )


def outline(pipeline: Pipeline) -> dict[str, Any]:
    """What a pipeline is, whatever starts it: its preview as if no condition left out a step."""
    steps = tuple(
        dataclasses.replace(step, when=When(status=step.when.status)) for step in pipeline.steps
    )
    return preview(dataclasses.replace(pipeline, steps=steps), Trigger()).as_dict()


def _demand(demand: Demand) -> dict[str, Any]:
    return {
        "cpu": float(demand.cpu),
        "memory": int(demand.memory),
        "ephemeralStorage": int(demand.ephemeral_storage),
        "pods": demand.pods,
    }
