"""What all containers of a step's pod have in common."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]

HOME = "/tmp"


def literal(value: str) -> str:
    """Kubernetes expands $(NAME) and $$ in values and arguments; doubled dollars keep a text."""
    return value.replace("$", "$$")


def container_security(*, privileged: bool = False) -> Manifest:
    if privileged:
        return {"privileged": True}
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def without_none(manifest: Manifest) -> Manifest:
    return {key: value for key, value in manifest.items() if value is not None}
