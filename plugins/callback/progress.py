# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: notification
short_description: Show the steps of runs as a tree
version_added: 0.1.0
author: The c8s.ci maintainers (@c8s-ci)
description:
  - Shows behind each task of M(c8s.ci.pipeline_run) what has become of its runs and their steps, as
    a tree below the ordinary output.
requirements:
  - to be enabled, with C(callbacks_enabled = c8s.ci.progress) or E(ANSIBLE_CALLBACKS_ENABLED)
options:
  ascii:
    description:
      - Draw with plain characters.
    type: bool
    default: false
    env:
      - name: C8S_PROGRESS_ASCII
    ini:
      - section: callback_c8s_ci_progress
        key: ascii
seealso:
  - module: c8s.ci.pipeline_run
"""

from collections.abc import Mapping
from typing import Any

from ansible import constants as C
from ansible.plugins.callback import CallbackBase
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError
from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.branches import ASCII, UNICODE
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.tree import tree

ACTIONS = frozenset({"c8s.ci.pipeline_run", "pipeline_run"})
COLOURS = {
    "Succeeded": C.COLOR_OK,
    "Failed": C.COLOR_ERROR,
    "Skipped": C.COLOR_SKIP,
    "Cancelled": C.COLOR_WARN,
}


class CallbackModule(CallbackBase):
    """Looks at the results of tasks that have run pipelines."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "c8s.ci.progress"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        self._show(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._show(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._show(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._show(result)

    def _show(self, result: Any) -> None:
        task = result.task if hasattr(result, "task") else result._task
        told = result.result if hasattr(result, "result") else result._result
        # A loop's own result holds those of its items, which were shown one by one.
        if task.action not in ACTIONS or not isinstance(told.get("runs"), list):
            return
        branches = ASCII if self.get_option("ascii") else UNICODE
        for line, phase in _lines(told, branches):
            self._display.display(line, color=COLOURS.get(phase))


def _lines(told: Mapping[str, Any], branches: Any) -> list[tuple[str, str]]:
    try:
        return tree(told["runs"], told.get("children", []), branches, utc_now())
    except C8sError as error:
        return [(f"c8s.ci.progress cannot show these runs: {error}", "Failed")]
