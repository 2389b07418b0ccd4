"""What starts a run, and which steps are skipped, with reasons that tell what to do."""

from __future__ import annotations

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Trigger
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import (
    Event,
    Pipeline,
    Step,
    When,
    WhenStatus,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.when import (
    no_run_reason,
    skip_reason,
    triggers,
)


def pipeline(branches: tuple[str, ...] = ("*",), tags: tuple[str, ...] = ()) -> Pipeline:
    return Pipeline("x", (Step("a", "b", ("c",)),), branches=branches, tags=tags)


@pytest.mark.parametrize(
    ("wanted", "trigger", "reason"),
    [
        (pipeline(), Trigger(Event.PUSH, branch="main"), None),
        (pipeline(), Trigger(Event.PUSH, branch="feature/a/b"), None),
        (pipeline(("feature/*",)), Trigger(Event.PUSH, branch="feature/a/b"), None),
        (
            pipeline(("main", "release-?")),
            Trigger(Event.PUSH, branch="dev"),
            "branches: 'dev' matches none of main, release-?",
        ),
        (
            pipeline(("*", "!wip/*")),
            Trigger(Event.PUSH, branch="wip/x"),
            "branches: 'wip/x' is excluded by !wip/*",
        ),
        (
            pipeline((), ("v*",)),
            Trigger(Event.PUSH, branch="main"),
            "branches: branch 'main' starts nothing, because the file's list is empty",
        ),
        (pipeline(("main",)), Trigger(Event.PULL_REQUEST, branch="main"), None),
        (
            pipeline(),
            Trigger(Event.TAG, tag="v1"),
            "tags: tag 'v1' starts nothing, because the file names no tags",
        ),
        (pipeline(tags=("v*",)), Trigger(Event.TAG, tag="v1"), None),
        (
            pipeline(tags=("v*",)),
            Trigger(Event.TAG, tag="x"),
            "tags: 'x' matches none of v*",
        ),
        (pipeline(("main",)), Trigger(Event.MANUAL, branch="dev"), None),
        (pipeline(("main",)), Trigger(Event.SCHEDULE), None),
    ],
)
def test_what_starts_a_run(wanted, trigger, reason):
    assert no_run_reason(wanted, trigger) == reason
    assert triggers(wanted, trigger) is (reason is None)


@pytest.mark.parametrize(
    ("when", "trigger", "reason"),
    [
        (When(), Trigger(), None),
        (When(status=WhenStatus.FAILURE), Trigger(), None),
        (
            When(branch=("main", "release-*")),
            Trigger(branch="dev"),
            "when.branch: 'dev' matches none of main, release-*",
        ),
        (
            When(branch=("main",)),
            Trigger(Event.TAG, tag="v1"),
            "when.branch: the run has no branch, and main is wanted",
        ),
        (When(branch=("!wip/*",)), Trigger(branch="main"), None),
        (When(tag=("v*",)), Trigger(Event.TAG, tag="v1"), None),
        (When(event=("push", "tag")), Trigger(Event.PUSH), None),
        (
            When(event=("push",)),
            Trigger(Event.SCHEDULE),
            "when.event: 'schedule' matches none of push",
        ),
        (When(event=("!schedule",)), Trigger(Event.PUSH), None),
        (When(paths=("docs/**",)), Trigger(changed_paths=("docs/a/b.md", "x")), None),
        (
            When(paths=("docs/*",)),
            Trigger(changed_paths=("docs/a/b.md", "x")),
            "when.paths: none of 2 changed files matches docs/*",
        ),
        (When(paths=("docs/**", "!**/*.png")), Trigger(changed_paths=("docs/a.md",)), None),
        (
            When(paths=("docs/**", "!**/*.png")),
            Trigger(changed_paths=("docs/a.png",)),
            "when.paths: none of 1 changed files matches docs/**, !**/*.png",
        ),
        (When(paths=("docs/**",)), Trigger(changed_paths=None), None),
        (
            When(branch=tuple("abcdefgh")),
            Trigger(branch="x"),
            "when.branch: 'x' matches none of a, b, c, d, e, f, ...",
        ),
    ],
)
def test_which_steps_are_skipped(when, trigger, reason):
    assert skip_reason(Step("a", "b", ("c",), when=when), trigger) == reason


def test_a_hostile_branch_is_shown_safely():
    step = Step("a", "b", ("c",), when=When(branch=("main",)))
    reason = skip_reason(step, Trigger(branch="\x1b[31m" + "x" * 5000))
    assert reason is not None
    assert reason.isprintable()
    assert len(reason) < 200
