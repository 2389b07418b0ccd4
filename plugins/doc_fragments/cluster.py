# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules ask about a namespace and its pods; types are in module_utils/runs/place."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of runs in a cluster."""

    DOCUMENTATION = r"""
options:
  namespace:
    description:
      - The namespace of the cluster; by default that of the kubeconfig's context.
    type: str
"""

    PODS = r"""
options:
  agent_image:
    description:
      - The image that clones and carries files in pods, as C(make image) builds it.
      - Can also be set by E(C8S_AGENT_IMAGE).
    type: str
  clone_secret:
    description:
      - The Secret to clone with. It holds C(token), or C(username) and C(password), or C(ssh-key)
        and C(known-hosts). Only the container that clones sees it.
    type: str
  authorities:
    description:
      - A ConfigMap whose C(ca.crt) git trusts beside the usual authorities.
    type: str
  runtime_class:
    description:
      - The RuntimeClass of pods, such as V(gvisor).
    type: str
  pull_secrets:
    description:
      - Names of the Secrets to pull images with.
    type: list
    elements: str
  priority_class_prefix:
    description:
      - With V(c8s-), pods get the PriorityClass C(c8s-high), C(c8s-medium) or C(c8s-low), by the
        pipeline's priority. Without it they get none.
    type: str
  run_as_user:
    description:
      - The user and group of everything in a pod. V(-1) leaves it to the images, which namespaces
        that enforce the C(restricted) standard do not take.
      - By default V(10001).
    type: int
"""
