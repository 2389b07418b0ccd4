#!/usr/bin/python
# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pipeline_validate
short_description: Check pipeline files
version_added: 0.1.0
author:
  - The c8s.ci maintainers (@c8s-ci)
description:
  - Finds every error of one or many pipeline files at once, each with its place.
  - For files that are valid it returns the layers of their graph, the combinations of their matrix
    and what their steps ask for at most at one time.
  - The task fails where a file is not valid. Use O(ignore:failed_when=false) to only look.
extends_documentation_fragment:
  - c8s.ci.attributes
  - c8s.ci.attributes.actiongroup_k8s
  - c8s.ci.attributes.info_module
options:
  src:
    description:
      - Files on the host, or folders that hold a C(.c8s.yaml).
    type: list
    elements: path
  content:
    description:
      - The text of a pipeline file.
      - For a file on the control node use the lookup P(ansible.builtin.file#lookup).
      - A text that stands in a playbook needs C(!unsafe) where it uses C(${{ }}), which Ansible
        would otherwise take for a template of its own.
    type: str
  strict:
    description:
      - Take advice as errors.
    type: bool
    default: false
seealso:
  - module: c8s.ci.pipeline_run
  - plugin: c8s.ci.graph_layers
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Check a pipeline
  c8s.ci.pipeline_validate:
    src: project/.c8s.yaml

- name: Check many of them, and take advice as errors
  c8s.ci.pipeline_validate:
    src:
      - project
      - other-project
    strict: true

- name: Check a file of the control node
  c8s.ci.pipeline_validate:
    content: "{{ lookup('ansible.builtin.file', 'project/.c8s.yaml') }}"

- name: Look at the errors of a file that may not be valid
  c8s.ci.pipeline_validate:
    content: !unsafe |
      version: v1alpha1
      name: broken
      steps:
        - name: test
          image: python:3.11
          dependsOn: [biuld]
          commands: ["echo ${{ run.commit }}"]
        - name: build
          image: python:3.11
          commands: ["true"]
  register: checked
  failed_when: checked.errors | map(attribute='suggestion') != ["did you mean 'build'?"]
"""

RETURN = r"""
valid:
  description: Whether all files are valid.
  type: bool
  returned: always
errors:
  description: All errors of all files, in their order.
  type: list
  elements: dict
  returned: always
  contains:
    file:
      description: The file, as it was named.
      type: str
      sample: .c8s.yaml
    line:
      description: The line, from 1; 0 where the place is not known.
      type: int
      sample: 14
    column:
      description: The column, from 1; 0 where the place is not known.
      type: int
      sample: 18
    path:
      description: Where the value stands in the document.
      type: str
      sample: "steps[2].dependsOn[0]"
    message:
      description: What is wrong.
      type: str
      sample: "no step is named 'biuld'"
    suggestion:
      description: What was probably meant; empty where nothing is close.
      type: str
      sample: "did you mean 'build'?"
advice:
  description:
    - What is valid and still probably not meant, in the form of RV(errors).
    - With O(strict=true) it is in RV(errors) instead.
  type: list
  elements: dict
  returned: always
files:
  description: What there is to say of each file.
  type: list
  elements: dict
  returned: always
  contains:
    file:
      description: The file, as it was named.
      type: str
      sample: .c8s.yaml
    valid:
      description: Whether it is valid.
      type: bool
      sample: true
    name:
      description: The pipeline's name. Only for a valid file, like all that follows.
      type: str
      sample: demo
    layers:
      description: The names of its steps by their distance from the start.
      type: list
      elements: list
      sample: [[lint, unit], [build]]
    matrix:
      description: Every combination of its matrix; empty without one.
      type: list
      elements: dict
      sample: [{"os": "linux", "python": "3.11"}]
    peak_demand:
      description:
        - What its steps ask for at most at one time, C(cpu) in cores, C(memory) and
          C(ephemeralStorage) in bytes, and how many C(pods) there are then.
      type: dict
      sample: {"cpu": 1.0, "memory": 2147483648, "ephemeralStorage": 0, "pods": 2}
    total_demand:
      description: The same for all of its steps together.
      type: dict
      sample: {"cpu": 1.5, "memory": 3221225472, "ephemeralStorage": 0, "pods": 3}
"""

import dataclasses
import pathlib
from importlib.util import find_spec

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    C8sError,
    InvalidInput,
    Problem,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import (
    FILE_NAME,
    load,
    warnings,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.preview import outline
from ansible_collections.c8s.ci.plugins.module_utils.storage.input_file import input_file

ARGUMENTS = {
    "src": {"type": "list", "elements": "path"},
    "content": {"type": "str"},
    "strict": {"type": "bool", "default": False},
}


def run(params):
    """What the module returns for these options."""
    findings = []
    if params["content"] is not None:
        findings.append(finding(params["content"], FILE_NAME, params["strict"]))
    for name in params["src"] or []:
        path = pathlib.Path(name) / FILE_NAME if pathlib.Path(name).is_dir() else pathlib.Path(name)
        try:
            text = input_file(path)
        except C8sError as error:
            findings.append({"file": str(path), "errors": [Problem(str(error))], "advice": []})
        else:
            findings.append(finding(text, str(path), params["strict"]))
    for found in findings:
        found["valid"] = not found["errors"]
    errors = [shown(error, found["file"]) for found in findings for error in found.pop("errors")]
    advice = [shown(hint, found["file"]) for found in findings for hint in found.pop("advice")]
    return {
        "changed": False,
        "valid": not errors,
        "errors": errors,
        "advice": advice,
        "files": findings,
    }


def finding(text, file, strict):
    """All there is to say of one text."""
    try:
        pipeline = load(text, file)
        hints = list(warnings(pipeline, text, file))
    except InvalidInput as error:
        return {"file": file, "errors": list(error.problems), "advice": []}
    told = outline(pipeline)
    return {
        "file": file,
        "errors": hints if strict else [],
        "advice": [] if strict else hints,
        "name": told["name"],
        "layers": told["layers"],
        "matrix": told["matrix"],
        "peak_demand": told["peakDemand"],
        "total_demand": told["totalDemand"],
    }


def shown(problem, file):
    """A problem as the module returns it."""
    return dataclasses.asdict(dataclasses.replace(problem, file=problem.file or file))


def text_of(problem):
    """A problem as people read it."""
    return str(Problem(**problem))


def main():
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        required_one_of=[("src", "content")],
        supports_check_mode=True,
    )
    if not find_spec("yaml"):
        module.fail_json(msg=missing_required_lib("PyYAML"))
    result = run(module.params)
    for hint in result["advice"]:
        module.warn(text_of(hint))
    if not result["valid"]:
        module.fail_json(msg="\n".join(map(text_of, result["errors"])), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
