# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All combinations of a matrix, as runs would be made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load, load_document
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.matrix import combinations
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Pipeline

_STEP = {"name": "none", "image": "none", "commands": ["true"]}


def matrix(value: Any) -> list[dict[str, Any]]:
    """Every combination; of a pipeline without a matrix none.

    Raises AnsibleFilterError with every problem of the value.
    """
    try:
        pipeline = _pipeline(value)
        found = combinations(pipeline.matrix) if pipeline.matrix else ()
    except C8sError as error:
        raise AnsibleFilterError(f"c8s.ci.matrix: {error}") from error
    return [dict(combination) for combination in found]


def _pipeline(value: Any) -> Pipeline:
    """The pipeline of a file's text, of its parsed document, or around a matrix alone."""
    if isinstance(value, str):
        return load(str.__str__(value))  # Ansible marks texts by subclasses, which libyaml refuses.
    if not isinstance(value, Mapping):
        kind = type(value).__name__
        raise AnsibleFilterError(f"c8s.ci.matrix takes a text or a mapping, this is a {kind}")
    if "steps" in value:
        return load_document(value)
    alone = value if "dimensions" in value else {"dimensions": value}
    document = {"version": "v1alpha1", "name": "none", "steps": [_STEP], "matrix": alone}
    return load_document(document)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[[Any], list[dict[str, Any]]]]:
        return {"matrix": matrix}
