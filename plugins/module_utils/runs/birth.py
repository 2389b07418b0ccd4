"""New runs: what is decided about them before anything starts."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping
from typing import Any

from ..pipeline.load import load_document
from ..pipeline.matrix import Combination, child_name
from ..pipeline.plan import first_status
from ..pipeline.record import pipeline_for
from ..pipeline.run import Run, Trigger
from ..pipeline.status import RunStatus
from ..pipeline.when import skip_reason


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """A wish for a run: a pipeline file as it was read, and what starts it.

    `name` may be empty: then one is made. With `rerun_of`, the run of that name is run again;
    with `reuse` what succeeded in it is taken over. `executor` says where its steps are to run.
    """

    document: Mapping[str, Any]
    trigger: Trigger
    name: str = ""
    idempotency_key: str = ""
    rerun_of: str = ""
    reuse: RunStatus | None = None
    executor: str = ""


def run_of(order: Order, name: str, uid: str, now: datetime.datetime) -> Run:
    """The run that an order asks for, not begun."""
    pipeline = pipeline_for(load_document(order.document), name, order.trigger, {})
    run = Run(
        name=name,
        uid=uid,
        created_at=now,
        pipeline=pipeline,
        document=order.document,
        trigger=order.trigger,
        status=RunStatus(),
        rerun_of=order.rerun_of,
        reuses=order.reuse is not None,
        executor=order.executor,
        idempotency_key=order.idempotency_key,
    )
    if run.is_matrix_parent:
        return run
    return dataclasses.replace(run, status=_first(run, order.reuse))


def child_of(
    parent: Run,
    name: str,
    values: Combination,
    uid: str,
    now: datetime.datetime,
    known: Callable[[str], Run | None],
) -> Run:
    """The run for one combination of a matrix.

    Where the parent reruns another, what the same combination reached there is taken over, if
    the parent was told to. `known` finds a run by its name.
    """
    child = Run(
        name=name,
        uid=uid,
        created_at=now,
        pipeline=pipeline_for(load_document(parent.document), name, parent.trigger, values),
        document=parent.document,
        trigger=parent.trigger,
        status=RunStatus(),
        matrix_values=values,
        parent=parent.name,
        executor=parent.executor,
    )
    reuse = None
    if parent.rerun_of and parent.reuses:
        earlier = known(child_name(parent.rerun_of, values))
        reuse = earlier.status if earlier else None
    return dataclasses.replace(child, status=_first(child, reuse))


def _first(run: Run, reuse: RunStatus | None) -> RunStatus:
    return first_status(run.pipeline, lambda step: skip_reason(step, run.trigger), reuse)
