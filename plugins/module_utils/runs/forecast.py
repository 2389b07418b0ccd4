"""What a launch would do with each of its orders, without doing any of it."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from ..core.errors import InvalidInput
from ..pipeline.load import load_document
from ..pipeline.record import from_record
from ..pipeline.run import Run
from ..pipeline.spec import Pipeline
from ..pipeline.status import Reason
from .birth import Order, run_of
from .launch import judged, matching
from .preview import Preview, preview
from .records import Record


class Act(enum.StrEnum):
    """What becomes of an order."""

    LAUNCH = "launch"
    RESUME = "resume"
    FOLLOW = "follow"
    NOTHING = "nothing"


class Said(Protocol):
    """What a place says to a run that is foretold, beside what would be refused."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What would be refused."""

    def lines(self, *, manifests: bool = True) -> Iterator[str]:
        """The rest, for people, with the manifests of what begins first."""

    def as_dict(self) -> dict[str, Any]:
        """The rest, JSON-able."""


@dataclasses.dataclass(frozen=True, slots=True)
class Forecast:
    """`run` as it is, or as it would begin; `name` is empty where one would be made.

    `reused` are the steps whose result an earlier run gives, `problems` what would be refused.
    `where` tells what the place of the run says to it, where that was asked.
    """

    act: Act
    name: str
    run: Run
    preview: Preview
    reused: tuple[str, ...]
    problems: tuple[str, ...]
    where: Said | None = None

    @property
    def existing(self) -> Run | None:
        """The run, where there is one already."""
        return None if self.act is Act.LAUNCH else self.run

    @property
    def changes(self) -> bool:
        """Whether the launch would begin a run, or go on with one."""
        return self.act in (Act.LAUNCH, Act.RESUME)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able: what `preview` tells, and what is known of the run."""
        trigger = self.run.trigger
        return {
            "act": str(self.act),
            "run": self.name,
            "phase": str(self.run.status.phase) if self.act is not Act.LAUNCH else "",
            "event": str(trigger.event),
            "repository": trigger.repository,
            "commit": trigger.commit,
            "branch": trigger.branch,
            "tag": trigger.tag,
            **self.preview.as_dict(),
            "reused": list(self.reused),
            "problems": list(self.problems),
            **(self.where.as_dict() if self.where else {}),
        }


class Known(Protocol):
    """The runs there are, as far as a forecast asks for them."""

    def existing(self, pipeline: str, wanted: str, key: str) -> str:
        """The run that an order stands for already; empty where it would make a new one."""

    def read(self, name: str) -> Record:
        """A run's record."""

    def driven(self, name: str) -> bool:
        """Whether a process drives the run now."""


Check = Callable[[Pipeline], None]


def forecasts(
    known: Known, orders: Sequence[Order], check: Check, now: datetime.datetime
) -> list[Forecast]:
    """Foretell every order, in order. `check` raises InvalidInput for what would be refused.

    Raises what the launch itself would raise: InvalidInput for a name that cannot be, Conflict for
    one that stands for another run.
    """
    return [_forecast(known, order, check, now) for order in judged(orders)]


def _forecast(known: Known, order: Order, check: Check, now: datetime.datetime) -> Forecast:
    pipeline = str(order.document["name"])
    name = known.existing(pipeline, order.name, order.idempotency_key)
    run = run_of(order, name or order.name or pipeline, "", now)
    act = Act.LAUNCH
    if name:
        run = matching(from_record(known.read(name)), run)
        act = Act.NOTHING
        if not run.status.phase.terminal:
            act = Act.FOLLOW if known.driven(name) else Act.RESUME
    return Forecast(
        act,
        name or order.name,
        run,
        preview(load_document(run.document), run.trigger),
        tuple(step.name for step in run.status.steps if step.reason == Reason.REUSED),
        () if act is Act.NOTHING else _problems(run.pipeline, check),
    )


def _problems(pipeline: Pipeline, check: Check) -> tuple[str, ...]:
    try:
        check(pipeline)
    except InvalidInput as error:
        return tuple(problem.message for problem in error.problems)
    return ()
