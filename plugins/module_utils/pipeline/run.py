"""A run: one pipeline, started by one trigger, with all that is known of it."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from .spec import Event, Pipeline, Scalar, nothing
from .status import RunStatus


@dataclasses.dataclass(frozen=True, slots=True)
class Trigger:
    """What started a run. `changed_paths` is None where the changed files are not known."""

    event: Event = Event.MANUAL
    commit: str = ""
    branch: str = ""
    tag: str = ""
    repository: str = ""
    by: str = "system"
    at: datetime.datetime | None = None
    number: int = 0
    author: str = ""
    message: str = ""
    changed_paths: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Cancel:
    """The wish that a run end now."""

    by: str
    at: datetime.datetime
    reason: str = "CancelledBy"


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """`document` is the pipeline file as it was read; `pipeline` is what it means for this run,
    with templates expanded. A matrix parent has a matrix in its pipeline and no `matrix_values`.
    With `reuses`, what succeeded in the run `rerun_of` is taken over. `executor` is where its
    steps run, in a word; empty where that is not known.
    """

    name: str
    uid: str
    created_at: datetime.datetime
    pipeline: Pipeline
    document: Mapping[str, Any]
    trigger: Trigger
    status: RunStatus
    matrix_values: Mapping[str, Scalar] = dataclasses.field(default_factory=nothing)
    parent: str = ""
    rerun_of: str = ""
    reuses: bool = False
    executor: str = ""
    idempotency_key: str = ""
    cancel: Cancel | None = None

    @property
    def is_matrix_parent(self) -> bool:
        return self.pipeline.matrix is not None and not self.matrix_values
