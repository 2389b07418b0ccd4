#!/usr/bin/python
# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_logs
short_description: Read the logs of runs
version_added: 0.1.0
author:
  - The c8s.ci maintainers (@c8s-ci)
description:
  - Returns what steps of a run have printed, or writes it to a file on the host.
  - Logs are masked before they are kept, so no secret that was given to the run is in them.
  - Logs are read from one place, that which the options name. Those of a run that was launched with
    another O(object_store), or without one, are not in it; a warning, or with O(step) the error,
    says where they are.
extends_documentation_fragment:
  - c8s.ci.attributes
  - c8s.ci.attributes.actiongroup_k8s
  - c8s.ci.store
  - c8s.ci.kept
  - c8s.ci.kubernetes
  - c8s.ci.cluster
  - c8s.ci.object_store
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - For O(dest), as far as both files are smaller than 1 MiB.
  idempotent:
    support: full
options:
  name:
    description:
      - The run. For a matrix the logs of all of its runs are taken.
    type: str
    required: true
  step:
    description:
      - The steps. By default all that have a log.
    type: list
    elements: str
  attempt:
    description:
      - The attempt of steps that were tried more than once, from 1. By default the last one.
    type: int
    default: 0
  tail:
    description:
      - Only the last lines of each log, so many of them.
    type: int
  grep:
    description:
      - Only lines in which this regular expression is found, of those that O(tail) leaves.
    type: str
  since:
    description:
      - Leave out steps that had ended before, a duration back from now like V(10m), or a time like
        V(2026-01-31T12:00:00Z). Lines have no time of their own.
    type: str
  dest:
    description:
      - A file on the host that the logs are written to. One log is written as it is kept, several
        of them each behind a line that names it.
      - Nothing but the file's size is returned then.
    type: path
seealso:
  - module: c8s.ci.pipeline_run
  - module: c8s.ci.pipeline_run_info
"""

EXAMPLES = r"""
- name: Read the logs of a run
  c8s.ci.pipeline_logs:
    name: demo-1
  register: demo

- name: Show them
  ansible.builtin.debug:
    msg: "{{ item.lines }}"
  loop: "{{ demo.logs }}"
  loop_control:
    label: "{{ item.run }}/{{ item.step }}"

- name: Look for warnings in the last lines of a step
  c8s.ci.pipeline_logs:
    name: demo-1
    step: lint
    tail: 100
    grep: (?i)warning

- name: Keep all of them in a file
  c8s.ci.pipeline_logs:
    name: demo-1
    dest: demo-1.log
"""

RETURN = r"""
logs:
  description: The logs, in the order of the pipeline.
  type: list
  elements: dict
  returned: success
  contains:
    run:
      description: The run; of a matrix the one that the step is part of.
      type: str
      sample: demo-1
    step:
      description: The step.
      type: str
      sample: test
    attempt:
      description: The attempt.
      type: int
      sample: 1
    phase:
      description: The phase of the step.
      type: str
      sample: Succeeded
    lines:
      description: The lines.
      type: list
      elements: str
      returned: without O(dest)
      sample: ["Ran 12 tests in 0.1s", "OK"]
    truncated:
      description: Whether lines before these were left out, because they are more than 1 MiB.
      type: bool
      returned: without O(dest)
      sample: false
dest:
  description: The file.
  type: str
  returned: with O(dest)
  sample: /tmp/demo-1.log
size:
  description: How many bytes it has.
  type: int
  returned: with O(dest)
  sample: 4711
"""

import os
from importlib.util import find_spec

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError
from ansible_collections.c8s.ci.plugins.module_utils.kube.arguments import secret_values
from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
from ansible_collections.c8s.ci.plugins.module_utils.runs.inspection import logs_elsewhere
from ansible_collections.c8s.ci.plugins.module_utils.runs.place import (
    STORE_OPTIONS,
    kept_at,
    place_spec,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.log_extract import extracts, wanted
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.log_file import Draft, texts

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "step": {"type": "list", "elements": "str"},
    "attempt": {"type": "int", "default": 0},
    "tail": {"type": "int"},
    "grep": {"type": "str"},
    "since": {"type": "str"},
    "dest": {"type": "path"},
    "store": {"type": "path"},
    "executor": {"choices": ["local", "docker", "podman", "kubernetes"], "default": "local"},
    **place_spec(env_fallback),
    **STORE_OPTIONS,
}


def run(module):
    """What the module returns."""
    params = module.params
    asked = wanted(
        utc_now(),
        steps=params["step"] or (),
        attempt=params["attempt"],
        tail=params["tail"],
        grep=params["grep"] or "",
        since=params["since"] or "",
    )
    kept = kept_at(params, os.environ)
    found = extracts(kept, params["name"], asked)
    if not asked.steps:
        for text in logs_elsewhere(kept, params["name"]):
            module.warn(text)
    if not params["dest"]:
        return {"changed": False, "logs": [{**one.as_dict(), **texts(one)} for one in found]}
    dest = os.path.abspath(params["dest"])
    with Draft(found, dest, module.tmpdir) as draft:
        changed = draft.differs()
        diff = draft.difference()
        if changed and not module.check_mode:
            module.atomic_move(draft.path, dest)
    return {
        "changed": changed,
        "logs": [one.as_dict() for one in found],
        "dest": dest,
        "size": draft.size,
        "diff": diff,
    }


def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.no_log_values.update(secret_values(module.params))
    if not find_spec("yaml"):
        module.fail_json(msg=missing_required_lib("PyYAML"))
    try:
        result = run(module)
    except C8sError as error:
        module.fail_json(msg=str(error))
    cut = [log["step"] for log in result["logs"] if log.get("truncated")]
    if cut:
        module.warn(f"only the last 1 MiB of the logs of {', '.join(cut)} is returned; use dest")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
