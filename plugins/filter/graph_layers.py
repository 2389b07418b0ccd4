# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a pipeline by their distance from the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.graph import Graph
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load, load_document


def graph_layers(value: Any) -> list[list[str]]:
    """The names of the steps, layer by layer.

    Raises AnsibleFilterError with every problem of the pipeline.
    """
    if not isinstance(value, str | Mapping):
        kind = type(value).__name__
        raise AnsibleFilterError(f"c8s.ci.graph_layers takes a text or a mapping, this is a {kind}")
    try:
        pipeline = load(str.__str__(value)) if isinstance(value, str) else load_document(value)
    except C8sError as error:
        raise AnsibleFilterError(f"c8s.ci.graph_layers: {error}") from error
    return [list(layer) for layer in Graph.of(pipeline.steps).layers()]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[[Any], list[list[str]]]]:
        return {"graph_layers": graph_layers}
