"""Whether what happened starts a run of a pipeline, and which of its steps run then."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.tree import shown
from .glob import matches, selects
from .run import Trigger
from .spec import Event, Pipeline, Step

_SHOWN_PATTERNS = 6


def triggers(pipeline: Pipeline, trigger: Trigger) -> bool:
    """Whether the pipeline wants a run for it; who starts one by hand or by the clock does."""
    return no_run_reason(pipeline, trigger) is None


def no_run_reason(pipeline: Pipeline, trigger: Trigger) -> str | None:
    """Why a pipeline wants no run for a trigger, or None where it does."""
    match trigger.event:
        case Event.PUSH | Event.PULL_REQUEST if not pipeline.branches:
            branch = shown(trigger.branch)
            return f"branches: branch {branch} starts nothing, because the file's list is empty"
        case Event.PUSH | Event.PULL_REQUEST:
            return _mismatch("branches", pipeline.branches, "branch", trigger.branch)
        case Event.TAG if not pipeline.tags:
            return f"tags: tag {shown(trigger.tag)} starts nothing, because the file names no tags"
        case Event.TAG:
            return _mismatch("tags", pipeline.tags, "tag", trigger.tag)
    return None


def skip_reason(step: Step, trigger: Trigger) -> str | None:
    """Why the step does not run for a trigger, or None where it does.

    The outcome of other steps (`when.status`) is not looked at here.
    """
    when = step.when
    wanted = (
        ("event", when.event, str(trigger.event)),
        ("branch", when.branch, trigger.branch),
        ("tag", when.tag, trigger.tag),
    )
    for name, patterns, value in wanted:
        if patterns and (reason := _mismatch(f"when.{name}", patterns, name, value)):
            return reason
    if when.paths and trigger.changed_paths is not None:
        return _unchanged(when.paths, trigger.changed_paths)
    return None


def _mismatch(field: str, patterns: Sequence[str], name: str, value: str) -> str | None:
    if not value:
        return f"{field}: the run has no {name}, and {_shown(patterns)} is wanted"
    if selects(patterns, value):
        return None
    for pattern in patterns:
        if pattern.startswith("!") and matches(pattern[1:], value):
            return f"{field}: {shown(value)} is excluded by {pattern}"
    return f"{field}: {shown(value)} matches none of {_shown(patterns)}"


def _unchanged(patterns: Sequence[str], changed: Sequence[str]) -> str | None:
    if any(selects(patterns, file, path=True) for file in changed):
        return None
    return f"when.paths: none of {len(changed)} changed files matches {_shown(patterns)}"


def _shown(patterns: Sequence[str]) -> str:
    more = "" if len(patterns) <= _SHOWN_PATTERNS else ", ..."
    return ", ".join(patterns[:_SHOWN_PATTERNS]) + more
