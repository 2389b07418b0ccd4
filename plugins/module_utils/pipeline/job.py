"""What a step becomes in Kubernetes: a Job, built here as the plain dict that its YAML would be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence

from ..core.names import dns_label, label_value
from .container import Manifest
from .pod import HELD_BY, STEP_CONTAINER, JobSettings, holder, pod
from .run import Run
from .spec import Step

LABEL = "c8s.dev"
MANAGED_BY = {"app.kubernetes.io/managed-by": "c8s"}
_SEVERAL = 100


def run_selectors(base: str, runs: Sequence[str]) -> Iterator[str]:
    """Label selectors that together, besides `base`, ask for what is labelled with these runs: one
    for each hundred, for they are part of an address."""
    for start in range(0, len(runs), _SEVERAL):
        wanted = ",".join(map(label_value, runs[start : start + _SEVERAL]))
        yield f"{base},{LABEL}/run in ({wanted})"


def job_name(run: Run, step_name: str, attempt: int) -> str:
    """The name of the Job of one attempt: the same whenever it is asked for, no other's."""
    identity = json.dumps([run.uid, step_name, attempt])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    return dns_label(f"{run.name[:27]}-{step_name[:26]}".strip("-"), digest)


def job(
    run: Run,
    step: Step,
    attempt: int,
    settings: JobSettings,
    owner: Manifest | None,
    *,
    ahead: bool,
) -> Manifest:
    """The Job of one attempt of a step.

    `owner` is the owner reference to the run's record, None where there is none yet. With `ahead`
    the pod waits before its first command until it is released.
    """
    labels = _labels(run, step, attempt, settings)
    held = {HELD_BY: holder(run, step)} if ahead else {}
    # Whoever asks kubectl for the log of the pod means the step's.
    shown = {"kubectl.kubernetes.io/default-container": STEP_CONTAINER}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(run, step.name, attempt),
            "namespace": settings.namespace,
            "labels": labels,
            "annotations": _annotations(run),
            **({"ownerReferences": [owner]} if owner else {}),
        },
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "Ignore",
                        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                    }
                ]
            },
            "template": {
                "metadata": {"labels": labels, "annotations": _annotations(run) | held | shown},
                "spec": pod(run, step, settings, ahead=ahead),
            },
        },
    }


def _labels(run: Run, step: Step, attempt: int, settings: JobSettings) -> dict[str, str]:
    """Always valid, whatever the branch holds; raw values are in the annotations."""
    labels = {
        **dict(settings.labels),
        **MANAGED_BY,
        f"{LABEL}/run": label_value(run.name),
        f"{LABEL}/run-id": label_value(run.uid),
        f"{LABEL}/pipeline": label_value(run.pipeline.name),
        f"{LABEL}/step": label_value(step.name),
        f"{LABEL}/attempt": str(attempt),
        f"{LABEL}/priority": str(run.pipeline.priority),
    }
    if run.trigger.commit:
        labels[f"{LABEL}/commit"] = label_value(run.trigger.commit)
    if run.trigger.branch:
        labels[f"{LABEL}/branch"] = label_value(run.trigger.branch)
    if run.parent:
        labels[f"{LABEL}/matrix-parent"] = label_value(run.parent)
    return labels


def _annotations(run: Run) -> dict[str, str]:
    raw = {
        f"{LABEL}/branch": run.trigger.branch,
        f"{LABEL}/tag": run.trigger.tag,
        f"{LABEL}/repository": run.trigger.repository,
        f"{LABEL}/triggered-by": run.trigger.by,
    }
    return {name: value for name, value in raw.items() if value}
