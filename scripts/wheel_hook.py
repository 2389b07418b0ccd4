"""Puts the collection into the wheel, where ansible-core finds it by itself.

An editable install leaves it out: there `scripts/link-collection` links the checkout instead.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COLLECTION = "ansible_collections/c8s/ci"
SCHEMA = "docs/c8s-pipeline.schema.json"
CONTENT = ("galaxy.yml", "LICENSE", "README.md", SCHEMA, "examples", "meta", "playbooks", "plugins")


class CollectionHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        for name in CONTENT:
            build_data["force_include"][name] = f"{COLLECTION}/{name}"
