"""Each module in check mode and for real, each twice: `changed` and diff are true every time."""

from __future__ import annotations

from pathlib import Path

TASKS = """
- name: {name} check 1
  {module}: &{name} {options}
  check_mode: true
- name: {name} check 2
  {module}: *{name}
  check_mode: true
- name: {name} real 1
  {module}: *{name}
- name: {name} real 2
  {module}: *{name}
"""


def tasks(name: str, module: str, options: str) -> str:
    return TASKS.format(name=name, module=f"c8s.ci.{module}", options=options)


def test_runs_are_launched_cancelled_and_removed(stage, project: Path):
    done = stage.play(
        tasks("launch", "pipeline_run", "{repository: project, branch: main, name: one}")
        + tasks("cancel", "pipeline_run", "{name: one, state: cancelled}")
        + tasks("log", "pipeline_logs", "{name: one, step: lint, dest: lint.log}")
        + tasks("info", "pipeline_run_info", "{name: one}")
        + tasks("validate", "pipeline_validate", "{src: project}")
        + tasks("remove", "pipeline_run", "{name: one, state: absent}"),
        "--diff",
    )
    assert done.code == 0, done.text
    changed = {}
    differs = {}
    for entry in done.entries:
        name = entry.task.split()[0]
        changed.setdefault(name, []).append(entry.result["changed"])
        diffs = entry.result.get("diff") or []
        diffs = diffs if isinstance(diffs, list) else [diffs]
        differs.setdefault(name, []).append(any(diff["before"] != diff["after"] for diff in diffs))
    once = [True, True, True, False]
    never = [False] * 4
    assert changed == {
        "launch": once, "cancel": never, "log": once, "info": never, "validate": never,
        "remove": once,
    }  # fmt: skip
    assert differs == changed
    assert "+  publish: skipped, when.tag: the run has no tag, and v2* is wanted" in done.text
    assert "-phase: Succeeded" in done.text
    assert "+Warning: nothing is perfect" in done.text
