# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module of the same name, and with `follow` shows live how it goes on.

On the control node itself the module runs as always, while a thread reads the file to which it
adds its events. Anywhere else two commands cannot go over one connection at the same time: there
the module runs as a job in the background, and is asked for news again and again.
"""

from __future__ import annotations

import os
import pathlib
import secrets
import tempfile
import time
from typing import Any

from ansible import constants as C
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.vars import merge_hash
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.account import failure_message
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.deferred_signals import (
    DeferredSignals,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.follower import (
    Follower,
    News,
    Watch,
)

LONGEST_SECONDS = 7 * 24 * 3600
LOOK_SECONDS = 1.0
JOB_KEYS = frozenset("ansible_job_id finished results_file started".split())


class ActionModule(ActionBase):
    """`run` is what Ansible calls in the worker of a task."""

    TRANSFERS_FILES = False
    _supports_async = True
    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        with DeferredSignals() as self._signals:
            return dict(merge_hash(result, self._run(task_vars)))

    def _run(self, task_vars: Any) -> dict[str, Any]:
        in_background = self._task.async_val and not self._connection.has_native_async
        followed = not self._task.check_mode and boolean(
            self._task.args.get("follow", False), strict=False
        )
        if in_background or not self._is_here():
            follows = followed and not in_background
            return self._there(task_vars) if follows else self._module(task_vars, in_background)
        return self._here(task_vars, followed)

    def _is_here(self) -> bool:
        """Whether the module runs on the control node, as the same user."""
        return self._connection.transport == "local" and not self._connection.become

    def _module(self, task_vars: Any, in_background: bool = False, **more: Any) -> dict[str, Any]:
        done: dict[str, Any] = self._execute_module(
            module_args={**self._task.args, **more}, task_vars=task_vars, wrap_async=in_background
        )
        return done

    # --- here ----------------------------------------------------------------------------------

    def _here(self, task_vars: Any, followed: bool) -> dict[str, Any]:
        """Run the module and watch over it: when the play dies, it does not go on alone."""
        if not followed:
            with Watch(os.getppid()):
                return self._module(task_vars)
        # The play removes this folder at its end, also when this process was killed.
        with tempfile.TemporaryDirectory(dir=C.DEFAULT_LOCAL_TMP) as folder:
            given = self._task.args.get("progress_file")
            path = pathlib.Path(given).expanduser() if given else pathlib.Path(folder) / "events"
            with Watch(os.getppid()), Follower(path, self._show):
                done = self._module(task_vars, progress_file=str(path))
        self._show_failures(done)
        return done

    # --- elsewhere -----------------------------------------------------------------------------

    def _there(self, task_vars: Any) -> dict[str, Any]:
        """Run the module in the background, and ask for news until it has ended."""
        path = f"/tmp/c8s-events-{secrets.token_hex(16)}"
        self._task.async_val = LONGEST_SECONDS
        job = self._module(task_vars, in_background=True, progress_file=path)
        self._task.async_val = 0
        if "ansible_job_id" not in job:
            return job
        news = News(self._show)
        try:
            while True:
                done = self._status(job, task_vars)
                news.take(self._tail(path, news.size))
                if done.get("finished") or "ansible_job_id" not in done:
                    break
                time.sleep(LOOK_SECONDS)
        finally:
            news.close()
            self._low_level_execute_command(f"rm -f {path}")
            self._status(job, task_vars, mode="cleanup")
        self._show_failures(done)
        return {name: done[name] for name in done if name not in JOB_KEYS}

    def _status(self, job: dict[str, Any], task_vars: Any, mode: str = "status") -> dict[str, Any]:
        folder = os.path.dirname(job["results_file"])
        found: dict[str, Any] = self._execute_module(
            module_name="ansible.legacy.async_status",
            module_args={"jid": job["ansible_job_id"], "mode": mode, "_async_dir": folder},
            task_vars=task_vars,
        )
        return found

    def _tail(self, path: str, offset: int) -> str:
        """What the file on the host holds beyond `offset` bytes."""
        command = f"tail -c +{offset + 1} {path} 2>/dev/null || :"
        return str(self._low_level_execute_command(command)["stdout"])

    # --- what people see -----------------------------------------------------------------------

    def _show(self, text: str, phase: str) -> None:
        colours = {
            "Succeeded": C.COLOR_OK,
            "Failed": C.COLOR_ERROR,
            "Skipped": C.COLOR_SKIP,
            "Cancelled": C.COLOR_WARN,
        }
        # Standard output is held back by Ansible where it is no terminal, and has to stay whole for
        # callbacks that write JSON to it.
        with self._signals.section():
            self._display.display(text, color=colours.get(phase), stderr=True)

    def _show_failures(self, done: dict[str, Any]) -> None:
        """Show why runs have failed; the message of the task leaves out what is shown here."""
        if done.get("failures"):
            self._show(failure_message(done["failures"]), "Failed")
