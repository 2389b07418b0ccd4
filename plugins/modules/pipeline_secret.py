#!/usr/bin/python
# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_secret
short_description: Keep the secrets of pipelines in a cluster
version_added: 0.1.0
author:
  - The c8s.ci maintainers (@c8s-ci)
description:
  - Makes a Secret of values from variables, a vault, files and the environment, changes it, or
    removes it.
  - No value is ever returned, shown in a diff, or put on a command line.
  - Needs the rights to C(get), C(create) and C(patch) secrets in the namespace, and to C(delete)
    them with O(state=absent).
extends_documentation_fragment:
  - c8s.ci.attributes
  - c8s.ci.attributes.actiongroup_k8s
  - c8s.ci.kubernetes
  - c8s.ci.cluster
attributes:
  check_mode:
    support: full
    details:
      - The API server judges the change without carrying it out.
  diff_mode:
    support: full
    details:
      - Shows which keys are added, replaced and removed.
  idempotent:
    support: full
options:
  name:
    description:
      - The name of the Secret, which steps give as C(secretRef).
    type: str
    required: true
  state:
    description:
      - With V(present), the Secret holds the values that are given.
      - With V(absent), there is no Secret of that name.
    type: str
    choices: [present, absent]
    default: present
  literals:
    description:
      - Values by their keys, from variables or a vault.
      - Each is a string of 6 bytes or more, because shorter ones cannot be masked in logs. Only the
        C(username) of a secret to clone with may be shorter.
    type: dict
  files:
    description:
      - Paths of files on the host by the keys that take their content.
      - A file that is one line of text loses the newline at its end. One of several lines keeps it,
        as keys and certificates want it, and so does what is no text.
    type: dict
  env:
    description:
      - Names of environment variables of the task by the keys that take their values.
    type: dict
  purge:
    description:
      - Whether keys that are not given are removed.
    type: bool
    default: false
  force:
    description:
      - Whether to change or remove a Secret that c8s has not made. What is changed is managed by
        c8s from then on.
    type: bool
    default: false
notes:
  - All keys together may hold 1 MiB.
seealso:
  - module: c8s.ci.pipeline_run
"""

EXAMPLES = r"""
- name: Keep what a pipeline deploys with
  c8s.ci.pipeline_secret:
    namespace: ci
    name: deploy
    literals:
      TOKEN: "{{ vault_deploy_token }}"
    files:
      kubeconfig: /etc/deploy/kubeconfig
  register: deploy

- name: Show how a step of .c8s.yaml refers to it
  ansible.builtin.debug:
    msg: "{{ deploy.snippet.splitlines() }}"

- name: Clone with a key, and trust one server
  c8s.ci.pipeline_secret:
    namespace: ci
    name: clone
    files:
      ssh-key: ~/.ssh/id_ci
      known-hosts: ~/.ssh/known_hosts

- name: Take a value from the environment, and keep no other key
  c8s.ci.pipeline_secret:
    namespace: ci
    name: registry
    env:
      PASSWORD: REGISTRY_PASSWORD
    purge: true

- name: See which keys would change
  c8s.ci.pipeline_secret:
    namespace: ci
    name: deploy
    literals:
      TOKEN: "{{ vault_deploy_token }}"
  check_mode: true
  diff: true

- name: Forget it
  c8s.ci.pipeline_secret:
    namespace: ci
    name: deploy
    state: absent
"""

RETURN = r"""
name:
  description: The name of the Secret.
  type: str
  returned: success
  sample: deploy
namespace:
  description: Its namespace.
  type: str
  returned: success
  sample: ci
secret_keys:
  description: The keys that it holds now; in check mode those that it would hold.
  type: list
  elements: str
  returned: success
  sample: [TOKEN, kubeconfig]
added:
  description: The keys that are new.
  type: list
  elements: str
  returned: success
  sample: [TOKEN]
replaced:
  description: The keys that have another value now.
  type: list
  elements: str
  returned: success
  sample: []
removed:
  description: The keys that have gone.
  type: list
  elements: str
  returned: success
  sample: []
references:
  description: How steps refer to each key, as entries of C(secrets) in a pipeline file.
  type: list
  elements: dict
  returned: success
  sample: [{"secretRef": "deploy", "key": "TOKEN"}]
snippet:
  description: The same as a text for C(.c8s.yaml).
  type: str
  returned: with O(state=present)
  sample: "secrets:\n  - {secretRef: deploy, key: TOKEN}"
"""

import dataclasses
import os
from importlib.util import find_spec

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError
from ansible_collections.c8s.ci.plugins.module_utils.kube.arguments import secret_values
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import secret_data
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.managed_secrets import (
    managed_secrets,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.place import place_spec

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "state": {"choices": ["present", "absent"], "default": "present"},
    "literals": {"type": "dict", "no_log": True},
    "files": {"type": "dict"},
    "env": {"type": "dict"},
    "purge": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    **place_spec(env_fallback),
}


def brought(module, data):
    """What becomes of the Secret."""
    params = module.params
    secrets = managed_secrets(params, os.environ)
    options = {"force": params["force"], "check": module.check_mode}
    if params["state"] == "absent":
        return secrets.absent(params["name"], **options)
    return secrets.present(params["name"], data, purge=params["purge"], **options)


def gathered(module):
    """The values; whatever is shown from now on, they are not in it."""
    params = module.params
    if params["state"] == "absent":
        return {}
    data = secret_data.gathered(
        literals=params["literals"],
        files=params["files"],
        variables=params["env"],
        environment=os.environ,
    )
    texts = (value.decode(errors="replace") for value in data.values())
    module.no_log_values.update(text for text in texts if text)
    return data


def result_of(change):
    """What the module returns."""
    told = dataclasses.asdict(change)
    entries = secret_data.references(change.name, change.keys)
    result = {name: told[name] for name in ("name", "namespace", "added", "replaced", "removed")}
    result |= {"secret_keys": change.keys, "references": entries, "changed": change.changed}
    if entries:
        result["snippet"] = secret_data.snippet(entries)
    return result | {"diff": change.difference()}


def main():
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        required_if=[("state", "present", ("literals", "files", "env"), True)],
        supports_check_mode=True,
    )
    module.no_log_values.update(secret_values(module.params))
    for library in ("yaml", "urllib3"):
        if not find_spec(library):
            module.fail_json(msg=missing_required_lib(library))
    try:
        data = gathered(module)
        change = brought(module, data)
    except C8sError as error:
        module.fail_json(msg=str(error))
    for hint in secret_data.advice(data):
        module.warn(hint)
    module.exit_json(**result_of(change))


if __name__ == "__main__":
    main()
