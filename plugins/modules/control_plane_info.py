#!/usr/bin/python
# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: control_plane_info
short_description: Find out whether a cluster and this host have what runs need
version_added: 0.1.0
author:
  - The c8s.ci maintainers (@c8s-ci)
description:
  - Looks at the host, at the API server, and at a namespace, as the user that is to launch runs
    there, and says what is missing and how to mend it.
  - Asks for the version of Kubernetes, the clocks, the namespace, each right that runs need, the
    Pod Security Standard, quotas and limit ranges, classes, images and Secrets of the settings,
    whether the API server would take a Job, and whether a control plane is installed.
  - What is wrong is told in RV(checks), the task itself does not fail. It takes some seconds at
    most, whatever does not answer.
extends_documentation_fragment:
  - c8s.ci.attributes
  - c8s.ci.attributes.actiongroup_k8s
  - c8s.ci.attributes.info_module
  - c8s.ci.store
  - c8s.ci.kubernetes
  - c8s.ci.cluster
  - c8s.ci.object_store
  - c8s.ci.cluster.pods
options: {}
seealso:
  - module: c8s.ci.pipeline_run
  - module: c8s.ci.pipeline_secret
"""

EXAMPLES = r"""
- name: Look at a namespace before it is used
  c8s.ci.control_plane_info:
    namespace: ci
    agent_image: registry.example.com/c8s-agent:0.1.0
  register: found

- name: Show what was found
  ansible.builtin.debug:
    msg: "{{ found.table.splitlines() }}"

- name: Go on only where all is well
  ansible.builtin.assert:
    that: found.healthy
    fail_msg: "{{ found.checks | selectattr('status', 'eq', 'failed') | map(attribute='what') }}"
"""

RETURN = r"""
healthy:
  description: Whether nothing has failed; there may be warnings.
  type: bool
  returned: success
  sample: true
checks:
  description: What was looked at.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The name of the check.
      type: str
      sample: rights
    status:
      description:
        - V(passed), V(failed), or V(warning), which is of what not everybody needs or of what could
          not be seen.
      type: str
      sample: failed
    what:
      description: What was found.
      type: str
      sample: you may not create jobs.batch in namespace ci
    remedy:
      description: How to mend it; empty where that goes without saying.
      type: str
exit_code:
  description:
    - What the command C(c8s doctor) would end with, V(0) when nothing has failed, V(4) when a right
      is missing, V(5) when something cannot be reached, else V(1).
  type: int
  returned: success
  sample: 0
table:
  description: The checks as text.
  type: str
  returned: success
server:
  description: The URL of the API server; empty where none was found.
  type: str
  returned: success
  sample: https://10.0.0.1:6443
context:
  description: The context of the kubeconfig.
  type: str
  returned: success
  sample: kind-ci
namespace:
  description: The namespace that was looked at.
  type: str
  returned: success
  sample: ci
version:
  description: The version of Kubernetes; empty where the API server did not answer.
  type: str
  returned: success
  sample: v1.36.3
"""

import os
from importlib.util import find_spec

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError
from ansible_collections.c8s.ci.plugins.module_utils.kube.arguments import secret_values
from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
from ansible_collections.c8s.ci.plugins.module_utils.runs.doctor.examination import examined
from ansible_collections.c8s.ci.plugins.module_utils.runs.place import (
    POD_OPTIONS,
    STORE_OPTIONS,
    place_spec,
)

ARGUMENTS = {
    "store": {"type": "path"},
    **place_spec(env_fallback),
    **POD_OPTIONS,
    **STORE_OPTIONS,
}


def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.no_log_values.update(secret_values(module.params))
    for library in ("yaml", "urllib3"):
        if not find_spec(library):
            module.fail_json(msg=missing_required_lib(library))
    try:
        report = examined(module.params, os.environ, utc_now)
    except C8sError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False, table=report.table, exit_code=report.exit_code, **report.as_dict()
    )


if __name__ == "__main__":
    main()
