# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How runs are driven to their end, and what is shown of them."""

    DOCUMENTATION = r"""
options:
  parallel:
    description:
      - How many steps may run at one time. The default is twice the number of the host's cores.
    type: int
  wait:
    description:
      - Whether to wait for the end. V(false) is only for O(state=cancelled), because the steps of
        these executors live as long as the task does. To go on with the play meanwhile, use
        C(async) and C(poll) of the task.
    type: bool
    default: true
  wait_timeout:
    description:
      - The longest to wait, in seconds. What this task drives is cancelled then.
      - By default the timeouts of the pipelines alone hold.
    type: int
  follow:
    description:
      - Show the progress live, a line for each change. With C(async) nothing is shown.
      - When the host is not the control node itself, or with C(become), the module runs as a job
        in the background of the host, which is asked for news every second. It goes on there when
        the play is broken off.
    type: bool
    default: false
  progress_file:
    description:
      - A file on the host to which a line of JSON is added for each change.
    type: path
  log_lines:
    description:
      - How many of the last lines of a failing step's log to return.
    type: int
    default: 20
"""
