"""What a driver tells the door that started it, as it happens."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

from ..pipeline.run import Run
from ..pipeline.status import Phase, StepStatus


@dataclasses.dataclass(frozen=True, slots=True)
class RunChanged:
    """A run is new or has changed its phase; `run` is as it is now."""

    run: Run
    before: Phase | None


@dataclasses.dataclass(frozen=True, slots=True)
class StepChanged:
    """A step of a run has changed in something that people see."""

    run: Run
    step: StepStatus
    before: StepStatus


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """Something worth knowing that is no change of a phase."""

    run: Run
    text: str


Event: TypeAlias = "RunChanged | StepChanged | Notice"
Report = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """A report for those who only want the result."""
