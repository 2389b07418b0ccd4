"""The rights that runs in a cluster need, and the Role that gives them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from ...kube.access import Right


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """Verbs on one resource (`pods/log`) of a group, as a rule of a Role has them."""

    group: str
    resource: str
    verbs: tuple[str, ...]

    def rights(self, namespace: str) -> tuple[Right, ...]:
        """One right for each verb."""
        resource, _slash, subresource = self.resource.partition("/")
        return tuple(
            Right(verb, resource, self.group, subresource, namespace) for verb in self.verbs
        )


DRIVING = (
    Rule("batch", "jobs", ("create", "get", "list", "patch", "delete")),
    Rule("", "pods", ("list", "watch", "delete")),
    Rule("", "pods/log", ("get",)),
    Rule("", "configmaps", ("create", "get", "list", "patch")),
    Rule("", "secrets", ("get",)),
    Rule("", "events", ("list",)),
)
"""What every run needs."""
TELLING = (Rule("", "pods", ("patch",)),)
"""What pods that are prepared ahead need beside it, and artifacts and caches in an object store."""
CARRYING = (Rule("", "pods/exec", ("create", "get")),)
"""What artifacts and caches need where there is no object store."""
REMOVING = (Rule("", "configmaps", ("delete",)),)
"""What the removal of runs needs beside it."""
KEEPING = (Rule("", "secrets", ("get", "create", "patch")),)
"""What `pipeline_secret` needs."""


def rights(rules: Iterable[Rule], namespace: str) -> tuple[Right, ...]:
    """Every right of the rules, in a namespace."""
    return tuple(right for rule in rules for right in rule.rights(namespace))


def needed(right: Right) -> bool:
    """Whether nothing goes without it: who may not watch only sees things later."""
    return right.verb != "watch"


def role(missing: Sequence[Right], namespace: str, name: str = "c8s-runs") -> str:
    """The Role that gives these rights, as YAML."""
    rules: dict[tuple[str, str], list[str]] = {}
    for right in missing:
        resource = f"{right.resource}/{right.subresource}" if right.subresource else right.resource
        rules.setdefault((right.group, resource), []).append(right.verb)
    lines = [
        "apiVersion: rbac.authorization.k8s.io/v1",
        "kind: Role",
        f"metadata: {{name: {name}, namespace: {namespace}}}",
        "rules:",
    ]
    for (group, resource), verbs in rules.items():
        lines.append(
            f"  - {{apiGroups: [{group or chr(34) * 2}], resources: [{resource}],"
            f" verbs: [{', '.join(verbs)}]}}"
        )
    return "\n".join(lines)
