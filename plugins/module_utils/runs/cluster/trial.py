"""Jobs given to the API server to be judged, and not made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ...core.errors import C8sError, Conflict, Denied, InvalidInput, NotFound
from ...kube.access import Right, missing
from ...kube.faults import QuotaExceeded
from ...kube.resources import Resources
from .planned_jobs import PlannedJob

_SIDE_BY_SIDE = 8
_NO_RIGHT = "is forbidden: User"


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """What is said of a Job: that it is refused, that it would wait, that nobody may know."""

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    def __add__(self, other: Said) -> Said:
        return Said(
            (*self.problems, *other.problems),
            (*self.notes, *other.notes),
            (*self.unchecked, *other.unchecked),
        )


class Trial:
    """Tries Jobs, and their pods where the caller may make any, with all that the API server asks
    before it takes them."""

    def __init__(self, resources: Resources, namespace: str) -> None:
        self._resources = resources
        self._namespace = namespace

    def of_pods(self) -> bool:
        """Whether pods can be tried, too. Who only launches runs need not be allowed to make any,
        and what would refuse them is then worked out."""
        right = Right("create", "pods", namespace=self._namespace)
        return not missing(self._resources.client, [right])

    def said(self, jobs: Sequence[PlannedJob], *, pods: bool) -> list[Said]:
        """What is said of each Job, in order."""
        if not jobs:
            return []
        with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(jobs)), "c8s-trial") as pool:
            return list(pool.map(lambda planned: self._said(planned, pods=pods), jobs))

    def _said(self, planned: PlannedJob, *, pods: bool) -> Said:
        said = self._try(planned.manifest, "Job")
        if not pods:
            return said
        template = planned.manifest["spec"]["template"]
        metadata = {**template["metadata"], "generateName": f"{planned.step[:40]}-"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        return said + self._try(pod, "pod")

    def _try(self, manifest: Mapping[str, Any], what: str) -> Said:
        try:
            self._resources.create(manifest, self._namespace, dry_run=True, strict=True)
        except QuotaExceeded as error:
            return Said(notes=(f"its {what} would wait: {_reason(error)}",))
        except Conflict:
            return Said()  # It exists, for the run goes on.
        except NotFound as error:
            return Said(problems=(_reason(error),))
        except Denied as error:
            if _NO_RIGHT in error.message:
                return Said(unchecked=(f"whether {what}s would be taken: {_reason(error)}",))
            return Said(problems=(f"its {what} would be refused: {_reason(error)}",))
        except InvalidInput as error:
            return Said(problems=(f"its {what} would be refused: {_reason(error)}",))
        return Said()


def _reason(error: C8sError) -> str:
    """What the API server says, without what was asked of it; all in one line."""
    lines = error.message.splitlines()
    said = lines[0].partition(": ")[2] if len(lines) == 1 else "; ".join(lines[1:])
    _object, is_forbidden, why = said.partition(" is forbidden: ")
    return why if is_forbidden and _NO_RIGHT not in said else said
