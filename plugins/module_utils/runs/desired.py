"""Runs brought to the state that somebody wants them in, or only foretold how."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

from ..pipeline.run import Run
from ..pipeline.status import Phase
from .birth import Order
from .difference import Difference, became, would_become
from .forecast import Forecast
from .launch import Launched


class Runs(Protocol):
    """What is done with runs, wherever they run."""

    def forecast(self, orders: Sequence[Order]) -> list[Forecast]:
        """What `launch` would do."""

    def rehearsed(self, orders: Sequence[Order]) -> list[Forecast]:
        """The same, with all that the place of the runs would say to them."""

    def launch(self, orders: Sequence[Order]) -> list[Launched]:
        """Launch and drive to the end."""

    def cancel(self, names: Sequence[str], by: str, *, wait: bool = True) -> list[Run]:
        """Ask for the end of runs and see it come."""

    def remove(self, name: str) -> None:
        """Forget a run with all it left."""

    def named(self, name: str) -> Run:
        """The run of that name; NotFound without one."""

    def found(self, name: str) -> Run | None:
        """The run of that name, None where there is none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """`names` are those of the runs that are there now; `plan` only where it is foretold."""

    names: tuple[str, ...]
    changed: bool
    differences: tuple[Difference, ...] = ()
    plan: tuple[Forecast, ...] = ()

    @property
    def problems(self) -> list[str]:
        """What would be refused."""
        return sorted({problem for one in self.plan for problem in one.problems})


def present(runs: Runs, orders: Sequence[Order], *, check: bool) -> Outcome:
    """Launch the orders and drive them to their end; with `check` only foretell it."""
    plan = runs.rehearsed(orders) if check else runs.forecast(orders)
    if check:
        return Outcome(
            tuple(one.existing.name for one in plan if one.existing),
            any(one.changes for one in plan),
            tuple(would_become(one) for one in plan),
            tuple(plan),
        )
    launched = runs.launch(orders)
    pairs = zip(plan, launched, strict=True)
    return Outcome(
        tuple(one.run.name for one in launched),
        any(one.created or one.driven for one in launched),
        tuple(became(before.existing, after.run) for before, after in pairs),
    )


def cancelled(
    runs: Runs, names: Sequence[str], *, by: str, wait: bool = True, check: bool
) -> Outcome:
    """End the runs that have not ended; NotFound for one that does not exist."""
    before = [runs.named(name) for name in names]
    if check:
        after = [_as_cancelled(run) for run in before]
    else:
        after = runs.cancel(names, by, wait=wait)
    return Outcome(
        tuple(names),
        any(not run.status.phase.terminal for run in before),
        tuple(became(*pair) for pair in zip(before, after, strict=True)),
    )


def absent(runs: Runs, names: Sequence[str], *, check: bool) -> Outcome:
    """Forget the runs; those that do not exist are no problem."""
    there = [run for run in map(runs.found, names) if run]
    for run in [] if check else there:
        runs.remove(run.name)
    return Outcome((), bool(there), tuple(became(run, None) for run in there))


def _as_cancelled(run: Run) -> Run:
    """The run as it would be after its cancellation; one that has ended stays as it is."""
    if run.status.phase.terminal:
        return run
    steps = tuple(
        step if step.phase.terminal else dataclasses.replace(step, phase=Phase.CANCELLED)
        for step in run.status.steps
    )
    status = dataclasses.replace(run.status, phase=Phase.CANCELLED, steps=steps)
    return dataclasses.replace(run, status=status)
