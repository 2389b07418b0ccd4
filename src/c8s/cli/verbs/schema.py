"""`c8s schema`: the form of a pipeline file, for editors."""

from __future__ import annotations

from ..writing import write_json

EXAMPLES = """\
  c8s schema > c8s.schema.json
  # then, as the first line of .c8s.yaml:
  # yaml-language-server: $schema=./c8s.schema.json
"""


def schema() -> None:
    """Print the JSON schema of the pipeline file."""
    from ansible_collections.c8s.ci.plugins.module_utils.pipeline.schema import json_schema

    write_json(json_schema())
