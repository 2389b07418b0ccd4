# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Where runs are looked for by modules that only look at them."""

    DOCUMENTATION = r"""
options:
  executor:
    description:
      - Where the runs are. Those of V(local), V(docker) and V(podman) are in O(store), those of
        V(kubernetes) in the cluster, with their logs in the O(object_store), or without one on the
        host that launched them.
    type: str
    choices: [local, docker, podman, kubernetes]
    default: local
"""
