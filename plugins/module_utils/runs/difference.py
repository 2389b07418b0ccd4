"""Runs before and after, as texts that a diff can be made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..pipeline.matrix import label
from ..pipeline.run import Run
from .forecast import Act, Forecast
from .table import revision

Difference = dict[str, str]


def became(before: Run | None, after: Run | None) -> Difference:
    """What a run was, and what has become of it; None where there is none."""
    return {
        "before_header": before.name if before else "no run",
        "after_header": after.name if after else "no run",
        "before": _written(_lines(before)) if before else "",
        "after": _written(_lines(after)) if after else "",
    }


def would_become(forecast: Forecast) -> Difference:
    """What a run is, and what would become of it."""
    existing = forecast.existing
    before = _written(_lines(existing)) if existing else ""
    return {
        "before_header": existing.name if existing else "no run",
        "after_header": forecast.name or f"a new run of {forecast.run.pipeline.name}",
        "before": before,
        "after": before if forecast.act is Act.NOTHING else _written(_foretold(forecast)),
    }


def _lines(run: Run) -> Iterator[str]:
    yield from _head(run)
    yield f"phase: {run.status.phase}"
    if run.status.matrix:
        yield f"matrix: {run.status.matrix.summary}"
    if run.status.steps:
        yield "steps:"
        yield from (f"  {step.name}: {step.phase}" for step in run.status.steps)


def _foretold(forecast: Forecast) -> Iterator[str]:
    told = forecast.preview.as_dict()
    yield from _head(forecast.run)
    if forecast.preview.matrix:
        yield f"matrix: {len(forecast.preview.matrix)} runs"
        yield from (f"  {label(values)}" for values in forecast.preview.matrix)
    yield "steps:"
    for step in told["steps"]:
        yield f"  {step['name']}: {_fate(forecast, step['name'])}"
    yield f"at most at one time: {_amounts(told['peakDemand'])}"
    if forecast.problems:
        yield "it would be refused:"
        yield from (f"  {problem}" for problem in forecast.problems)
    if forecast.where is not None:
        yield from forecast.where.lines()


def _head(run: Run) -> Iterator[str]:
    yield f"pipeline: {run.pipeline.name}"
    if revision(run):
        yield f"revision: {revision(run)}"
    yield f"event: {run.trigger.event}"


def _fate(forecast: Forecast, step: str) -> str:
    if step in forecast.reused:
        return f"taken over from {forecast.run.rerun_of}"
    if step in forecast.preview.skipped:
        return f"skipped, {forecast.preview.skipped[step]}"
    return "runs"


def _amounts(demand: dict[str, Any]) -> str:
    mebibytes = demand["memory"] / 1024**2
    return f"{demand['pods']} steps, {demand['cpu']:g} cores, {mebibytes:g} MiB of memory"


def _written(lines: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
