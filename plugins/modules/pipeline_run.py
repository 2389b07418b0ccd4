#!/usr/bin/python
# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_run
short_description: Run pipelines, cancel and remove their runs
version_added: 0.1.0
author:
  - The c8s.ci maintainers (@c8s-ci)
description:
  - Launches runs of pipelines and waits for their end; goes on with runs that were interrupted.
  - One call launches one run, or by O(runs) any number of them, side by side.
  - The task fails when a run does not succeed, and shows the failing steps with the end of their
    logs. What it returns is there all the same for whoever registers it.
extends_documentation_fragment:
  - c8s.ci.attributes
  - c8s.ci.attributes.actiongroup_k8s
  - c8s.ci.store
  - c8s.ci.wishes
  - c8s.ci.driving
  - c8s.ci.kubernetes
  - c8s.ci.cluster
  - c8s.ci.object_store
  - c8s.ci.cluster.pods
attributes:
  check_mode:
    support: full
    details:
      - Files, commits and names are judged as they would be. Missing secrets are told in RV(plan)
        and by a warning.
      - With O(executor=kubernetes) the cluster is asked, too, what it would say - rights, Secrets,
        quotas, limit ranges and classes are looked up, the Jobs are tried by a server-side dry run.
  diff_mode:
    support: full
    details:
      - In check mode the diff is a plan, with the steps that would run or be skipped and why.
  idempotent:
    support: partial
    details:
      - A run that has a O(name) or an O(idempotency_key) is launched once. Without, every call
        launches a new one, as it does with O(rerun).
options:
  state:
    description:
      - With V(present), runs are launched and driven to their end. What has ended already stays.
      - With V(cancelled), the runs named by O(name) are cancelled if they have not ended.
      - With V(absent), the runs named by O(name) are removed with their logs and artifacts. One
        that goes on has to be cancelled first.
    type: str
    choices: [present, cancelled, absent]
    default: present
  rerun:
    description:
      - Run the ended run named by O(name) again, as a new run. With V(failed), what succeeded in
        it is taken over with its artifacts.
    type: str
    choices: [all, failed]
  executor:
    description:
      - Where the steps run. With V(local) as processes of the host, where images do not matter,
        with V(docker) and V(podman) in containers, with V(kubernetes) as Jobs of a cluster in which
        nothing has to be installed. There O(secrets) has no use, the steps' secrets are Secrets.
    type: str
    choices: [local, docker, podman, kubernetes]
    default: local
  secrets:
    description:
      - The values of the secrets that steps ask for, by secret and key. They are masked in logs,
        artifacts and messages. In a loop keep them out of C(item), which Ansible shows.
    type: dict
notes:
  - When the play is broken off, its runs end as cancelled, with all their processes.
requirements:
  - git, for repositories
  - hyperscan >= 0.7.30 (optional, makes masking faster)
seealso:
  - module: c8s.ci.pipeline_run_info
  - module: c8s.ci.pipeline_logs
  - module: c8s.ci.pipeline_validate
"""

EXAMPLES = r"""
- name: Run the pipeline of a repository, and show how it goes on
  c8s.ci.pipeline_run:
    repository: "{{ playbook_dir }}/project"
    branch: main
    follow: true
  register: launched

- name: Show what has become of it
  ansible.builtin.debug:
    msg: "{{ launched.steps_table.splitlines() }}"

- name: Run it as Jobs of a cluster, with its logs and files in a bucket
  c8s.ci.pipeline_run:
    repository: https://git.example.com/team/app.git
    executor: kubernetes
    namespace: ci
    agent_image: registry.example.com/c8s-agent:0.1.0
    object_store: s3://builds/ci

- name: See what would run for a tag, and why a step would not
  c8s.ci.pipeline_run:
    repository: "{{ playbook_dir }}/project"
    tag: v1.0
  check_mode: true
  diff: true

- name: See what a cluster would say to it, with the manifests of the Jobs
  c8s.ci.pipeline_run:
    repository: https://git.example.com/team/app.git
    executor: kubernetes
    namespace: ci
  check_mode: true
  diff: true

- name: Run a commit once, however often this is played
  c8s.ci.pipeline_run:
    repository: "{{ playbook_dir }}/project"
    commit: "{{ launched.run.spec.commit }}"
    idempotency_key: nightly {{ launched.run.spec.commit }}

- name: Run a file that is in no repository, with a secret
  c8s.ci.pipeline_run:
    content: |
      version: v1alpha1
      name: sign
      steps:
        - name: sign
          image: alpine:3.20
          commands: ["echo signing with $KEY"]
          secrets: [{secretRef: signing, key: key, envVar: KEY}]
    secrets:
      signing:
        key: "{{ lookup('ansible.builtin.password', '/dev/null', length=20) }}"

- name: Run two branches side by side
  c8s.ci.pipeline_run:
    repository: "{{ playbook_dir }}/project"
    runs:
      - branch: main
      - branch: feature/faster

- name: Run again what has not succeeded
  c8s.ci.pipeline_run:
    name: "{{ launched.run.metadata.name }}"
    rerun: failed

- name: Cancel a run, if it goes on
  c8s.ci.pipeline_run:
    name: "{{ launched.run.metadata.name }}"
    state: cancelled

- name: Forget it
  c8s.ci.pipeline_run:
    name: "{{ launched.run.metadata.name }}"
    state: absent
"""

RETURN = r"""
runs:
  description: The records of the runs, in the order of O(runs); in check mode of those there are.
  type: list
  elements: dict
  returned: always
  contains: &record
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
      description: The C(phase), its C(reason) and C(message), C(steps) or the C(matrix), times.
      type: dict
      sample: {"phase": "Succeeded", "steps": [{"name": "test", "phase": "Succeeded"}]}
run:
  description: The first of RV(runs).
  type: dict
  returned: when there is a run
  contains: *record
children:
  description: The records of the runs of matrices, without their pipeline.
  type: list
  elements: dict
  returned: always
  contains: *record
failures:
  description: Every step that made a run fail, or the run itself where no step did.
  type: list
  elements: dict
  returned: always
  contains:
    run:
      description: The run of the step.
      type: str
      sample: demo-1
    step:
      description: The step; empty for the run itself.
      type: str
      sample: test
    phase:
      description: Its phase.
      type: str
      sample: Failed
    reason:
      description: The reason in one word.
      type: str
      sample: StepFailed
    message:
      description: The reason in a sentence.
      type: str
    lines:
      description: The last lines of its masked log.
      type: list
      elements: str
store:
  description: The folder in which the runs are kept.
  type: str
  returned: always
  sample: /home/jane/.local/share/c8s
table:
  description: A line of text for each run.
  type: str
  returned: always
steps_table:
  description: A line of text for each step.
  type: str
  returned: always
plan:
  description: What would be done, for each of the runs.
  type: list
  elements: dict
  returned: in check mode, with O(state=present)
  contains:
    act:
      description: V(launch), V(resume), V(follow) (another process drives it), or V(nothing).
      type: str
      sample: launch
    run:
      description: The name of the run; empty where one would be made up.
      type: str
      sample: demo-1
    steps:
      description: The steps, each with C(name), C(image), C(dependsOn), and whether it C(runs).
      type: list
      elements: dict
    skipped:
      description: The steps that would be skipped, each with the reason.
      type: list
      elements: dict
      sample: [{"step": "publish", "reason": "when.tag: the run has no tag, and v* is wanted"}]
    reused:
      description: The steps whose result an earlier run gives.
      type: list
      elements: str
    peakDemand:
      description: What the steps ask for at most at one time.
      type: dict
      sample: {"cpu": 1.0, "memory": 2147483648, "ephemeralStorage": 0, "pods": 2}
    problems:
      description: What would be refused, like missing secrets.
      type: list
      elements: str
    jobs:
      description:
        - The Jobs of the steps to come, each with its C(run) and C(step), whether it begins at once
          (C(first)), and its C(manifest). One that differs from another in names and values of
          variables alone says by C(like) which one it is like.
        - Returned with O(executor=kubernetes), as is what follows.
      type: list
      elements: dict
      sample: [{"run": "demo", "step": "test", "first": true, "manifest": {"kind": "Job"}}]
    quota:
      description:
        - What each ResourceQuota says to all runs of the task together, by resource. The C(room) is
          C(fits), C(waits) (now, or for each other) or C(never); amounts are in base units.
      type: list
      elements: dict
      sample: [{"quota": "ci", "resource": "pods", "room": "fits", "hard": 10, "peak": 2}]
    notes:
      description: What would go otherwise than expected, such as steps that wait for room.
      type: list
      elements: str
    unchecked:
      description: What could not be checked, because this user may not see it.
      type: list
      elements: str
"""

import dataclasses
import os
from importlib.util import find_spec

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError, InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.kube.arguments import secret_values
from ansible_collections.c8s.ci.plugins.module_utils.runs import desired, place, wishes
from ansible_collections.c8s.ci.plugins.module_utils.runs.caller import heeded
from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
from ansible_collections.c8s.ci.plugins.module_utils.runs.report import account
from ansible_collections.c8s.ci.plugins.module_utils.runs.report.event_record import reporting_to

ARGUMENTS = {
    **wishes.ARGUMENTS,
    "state": {"choices": ["present", "cancelled", "absent"], "default": "present"},
    "rerun": {"choices": ["all", "failed"]},
    "executor": {"choices": ["local", "docker", "podman", "kubernetes"], "default": "local"},
    "secrets": {"type": "dict", "no_log": True},
    "store": {"type": "path"},
    "parallel": {"type": "int"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int"},
    "follow": {"type": "bool", "default": False},
    "progress_file": {"type": "path"},
    "log_lines": {"type": "int", "default": 20},
    **place.place_spec(env_fallback),
    **place.STORE_OPTIONS,
    **place.POD_OPTIONS,
}


def outcome(params, runs, check):
    """Bring the runs to their state, or foretell it."""
    if params["state"] == "absent":
        return desired.absent(runs, wishes.names(params), check=check)
    if params["state"] == "cancelled":
        names = wishes.names(params)
        return desired.cancelled(runs, names, by="ansible", wait=params["wait"], check=check)
    if not params["wait"]:
        raise InvalidInput(
            f"wait: steps of the executor {params['executor']} live as long as the task does, so it"
            " has to wait for them; to go on with the play, use async and poll of the task"
        )
    orders = wishes.orders(params, runs, "ansible", with_secrets=not check)
    return desired.present(runs, orders, check=check)


def run(params, check):
    """What the module returns, and the warnings beside it."""
    runs = place.runs_at(params, os.environ, reporting_to(params["progress_file"], utc_now))
    with heeded(runs.interrupt, limit=params["wait_timeout"]):
        came = outcome(params, runs, check)
    result = account.account(runs.records, came.names, utc_now(), params["log_lines"])
    result |= {"changed": came.changed, "diff": list(came.differences)}
    if result["runs"]:
        result["run"] = result["runs"][0]
    if came.plan:
        result["plan"] = [one.as_dict() for one in came.plan]
    return result, came.problems


def main():
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        mutually_exclusive=[wishes.FILES],
        required_if=[
            ("state", "present", ("runs", "src", "content", "repository", "rerun"), True),
            ("state", "cancelled", ("runs", "name"), True),
            ("state", "absent", ("runs", "name"), True),
        ],
        supports_check_mode=True,
    )
    module.no_log_values.update(secret_values(module.params))
    if not find_spec("yaml"):
        module.fail_json(msg=missing_required_lib("PyYAML"))
    try:
        result, problems = run(module.params, module.check_mode)
    except C8sError as error:
        faults = error.problems if isinstance(error, InvalidInput) else ()
        module.fail_json(msg=str(error), errors=[dataclasses.asdict(fault) for fault in faults])
    for problem in problems:
        module.warn(f"the launch would be refused: {problem}")
    if result["failures"] and module.params["state"] == "present":
        seen = module.params["follow"] and module.params["progress_file"]
        message = account.failure_message(result["failures"], with_lines=not seen)
        module.fail_json(msg=message, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
