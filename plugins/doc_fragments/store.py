# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Where runs are kept."""

    DOCUMENTATION = r"""
options:
  store:
    description:
      - The folder on the host in which runs are kept, with their logs and artifacts.
      - If it is not set, that is what the environment variable E(C8S_STORE) of the task names,
        else C(c8s) in E(XDG_DATA_HOME), else C(~/.local/share/c8s). The command C(c8s) looks there
        too.
    type: path
"""
