# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: E402
from __future__ import annotations

DOCUMENTATION = r"""
name: journal
type: notification
short_description: Write results down for the tests
description:
  - Adds each result as a line of JSON to the file that E(C8S_TEST_JOURNAL) names.
requirements:
  - to be enabled
"""

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Hears what the other callbacks hear, and shows nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "journal"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        self._note("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._note("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._note("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._note("skipped", result)

    def _note(self, how: str, result: Any) -> None:
        line = json.dumps({"task": result._task.get_name(), "how": how, "result": result._result})
        with open(os.environ["C8S_TEST_JOURNAL"], "a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")
