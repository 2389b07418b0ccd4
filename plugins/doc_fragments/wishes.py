# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Which runs a task is about, one or many. What both have in common is said once."""

    DOCUMENTATION = r"""
options:
  runs:
    description:
      - Many runs at once, each with options of its own.
      - What one does not say is taken from the option of the same name of the task itself, but for
        O(runs[].name) and O(runs[].idempotency_key).
    type: list
    elements: dict
    suboptions:
      name: &name
        description:
          - The name of the run, at most 50 lower-case letters, digits and C(-). One is made up for
            a new run that has none.
          - With O(rerun), the run to run again.
        type: str
      src: &src
        description:
          - The pipeline file on the host.
          - Without one, and without O(content), O(file) is read from the repository.
        type: path
      content: &content
        description:
          - The text of the pipeline file.
          - A text that stands in a playbook needs C(!unsafe) where it uses C(${{ }}), which Ansible
            would otherwise take for a template of its own.
        type: str
      file: &file
        description:
          - The pipeline file in the repository, read as it is in the commit.
          - The default is V(.c8s.yaml).
        type: str
      repository: &repository
        description:
          - What the steps work on, C(https://), C(ssh://), C(user@host:path) or a folder of the
            host. Every step gets a clone of its own.
          - Without one, the workspaces of the steps are empty.
        type: str
      commit: &commit
        description:
          - The commit, 7 to 64 hex digits. Without it, that of the tag, the branch or C(HEAD).
          - Of a O(repository) that is a checkout on the host, without commit, branch and tag, the
            last commit of the branch that is checked out; the run is for that branch, as with the
            command C(c8s run).
        type: str
      branch: &branch
        description:
          - The branch that the run is for. Of a checkout see O(commit).
        type: str
      tag: &tag
        description:
          - The tag that the run is for.
        type: str
      event: &event
        description:
          - What the run is to be started by, for the conditions of steps.
          - Without it, V(tag) where there is a tag, V(push) where there is a branch, else
            V(manual).
        type: str
        choices: [push, tag, pull_request, manual, schedule]
      idempotency_key: &key
        description:
          - Any text that stands for the run. A key that was given before means the same run again,
            so that the task can be repeated without launching twice.
        type: str
  name: *name
  src: *src
  content: *content
  file: *file
  repository: *repository
  commit: *commit
  branch: *branch
  tag: *tag
  event: *event
  idempotency_key: *key
"""
