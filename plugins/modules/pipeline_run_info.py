#!/usr/bin/python
# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_run_info
short_description: Look at runs of pipelines
version_added: 0.1.0
author:
  - The c8s.ci maintainers (@c8s-ci)
description:
  - Returns the records of one, some or all runs as they truly stand, as data and as tables.
  - A run that nobody drives any more keeps its phase; its reason is then V(Interrupted).
extends_documentation_fragment:
  - c8s.ci.attributes
  - c8s.ci.attributes.actiongroup_k8s
  - c8s.ci.attributes.info_module
  - c8s.ci.store
  - c8s.ci.kept
  - c8s.ci.kubernetes
  - c8s.ci.cluster
  - c8s.ci.object_store
options:
  name:
    description:
      - The names of the runs, in whose order they are returned. One that does not exist is an
        error.
      - Without a name all runs are returned, oldest first, but for those that are part of a matrix.
    type: list
    elements: str
  pipeline:
    description:
      - Only runs of this pipeline.
    type: str
  phase:
    description:
      - Only runs in this phase.
    type: str
    choices: [Pending, Queued, Running, Succeeded, Failed, Cancelled]
  branch:
    description:
      - Only runs for this branch.
    type: str
  limit:
    description:
      - Only so many of them, the latest ones. With V(0) all.
    type: int
    default: 0
  log_lines:
    description:
      - How many of the last lines of the log of each failed step to return in RV(failures).
    type: int
    default: 0
seealso:
  - module: c8s.ci.pipeline_run
  - module: c8s.ci.pipeline_logs
"""

EXAMPLES = r"""
- name: Look at a run
  c8s.ci.pipeline_run_info:
    name: demo-1
  register: demo

- name: Show its steps
  ansible.builtin.debug:
    msg: "{{ demo.steps_table.splitlines() }}"

- name: List the last ten runs of a pipeline
  c8s.ci.pipeline_run_info:
    pipeline: demo
    limit: 10
  register: latest

- name: Show them
  ansible.builtin.debug:
    msg: "{{ latest.table.splitlines() }}"

- name: See why runs have failed
  c8s.ci.pipeline_run_info:
    phase: Failed
    log_lines: 5
"""

RETURN = r"""
runs:
  description: The records of the runs. That of a matrix is its parent's.
  type: list
  elements: dict
  returned: success
  contains:
    apiVersion:
      description: The version of the record's form.
      type: str
      sample: c8s.dev/v1alpha1
    kind:
      description: The kind of the record.
      type: str
      sample: PipelineRun
    metadata:
      description: The C(name), C(uid) and C(creationTimestamp) of the run.
      type: dict
      sample: {"name": "demo-1", "uid": "0f0e", "creationTimestamp": "2026-01-01T00:00:00.000000Z"}
    spec:
      description: What was to be run, with the pipeline as it was read.
      type: dict
      sample: {"commit": "1a2b3c4", "branch": "main", "event": "push", "pipeline": {}}
    status:
      description:
        - The C(phase), its C(reason) and C(message), and the C(steps) with times and exit codes.
        - For a matrix C(matrix), with its C(children) and how many of them C(succeeded), C(failed),
          are C(running), C(pending) or were C(cancelled).
      type: dict
      sample: {"phase": "Succeeded", "steps": [{"name": "test", "phase": "Succeeded"}]}
children:
  description: The records of the runs of matrices, without their pipeline.
  type: list
  elements: dict
  returned: success
failures:
  description: Every step that made one of the runs fail, or the run itself where no step did.
  type: list
  elements: dict
  returned: success
  sample:
    - run: demo-1
      step: test
      phase: Failed
      reason: StepFailed
      message: ended with exit code 1
      lines: ["AssertionError: 1 != 2"]
store:
  description: The folder in which the runs are kept.
  type: str
  returned: success
  sample: /home/jane/.local/share/c8s
table:
  description: A line of text for each run.
  type: str
  returned: success
steps_table:
  description: A line of text for each step.
  type: str
  returned: success
"""

import os
from importlib.util import find_spec

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError
from ansible_collections.c8s.ci.plugins.module_utils.kube.arguments import secret_values
from ansible_collections.c8s.ci.plugins.module_utils.runs import inspection
from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
from ansible_collections.c8s.ci.plugins.module_utils.runs.place import (
    STORE_OPTIONS,
    kept_at,
    place_spec,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.account import account

ARGUMENTS = {
    "name": {"type": "list", "elements": "str"},
    "pipeline": {"type": "str"},
    "phase": {
        "type": "str",
        "choices": ["Pending", "Queued", "Running", "Succeeded", "Failed", "Cancelled"],
    },
    "branch": {"type": "str"},
    "limit": {"type": "int", "default": 0},
    "log_lines": {"type": "int", "default": 0},
    "store": {"type": "path"},
    "executor": {"choices": ["local", "docker", "podman", "kubernetes"], "default": "local"},
    **place_spec(env_fallback),
    **STORE_OPTIONS,
}


def run(params):
    """What the module returns."""
    store = kept_at(params, os.environ)
    names = params["name"]
    if names is None:
        found = inspection.many(
            store,
            pipeline=params["pipeline"] or "",
            phase=params["phase"] or "",
            branch=params["branch"] or "",
            limit=params["limit"],
            children=False,
        )
        names = [record["metadata"]["name"] for record in found]
    return account(store, names, utc_now(), params["log_lines"])


def main():
    filters = ("pipeline", "phase", "branch")
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        mutually_exclusive=[("name", option) for option in filters],
        supports_check_mode=True,
    )
    module.no_log_values.update(secret_values(module.params))
    if not find_spec("yaml"):
        module.fail_json(msg=missing_required_lib("PyYAML"))
    try:
        module.exit_json(changed=False, **run(module.params))
    except C8sError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
