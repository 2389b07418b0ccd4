# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What modules say of check mode, diff, their action group and what all of them need."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and tell what it would do, without doing any of it.
  diff_mode:
    description: Returns what it has changed, or in check mode would change, when in diff mode.
  idempotent:
    description: When run twice in a row with the same options, the second run changes nothing.
requirements:
  - Python >= 3.11
  - PyYAML >= 6.0.1
"""

    ACTIONGROUP_K8S = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/c8s.ci.k8s) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - c8s.ci.k8s
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This action does not change anything.
  diff_mode:
    support: N/A
    details:
      - This action does not change anything.
  idempotent:
    support: full
    details:
      - This action does not change anything.
"""
