"""What a step finds in its environment, wherever it runs."""

from __future__ import annotations

import re

from .matrix import text
from .run import Run
from .spec import Step


def environment(run: Run, step: Step, workspace: str, namespace: str = "") -> dict[str, str]:
    """The variables of a step: what describes the run, then the pipeline's, then the step's own.

    Values of secrets are not among them. `workspace` is the path that the step sees.
    """
    trigger = run.trigger
    described = {
        "CI": "true",
        "C8S": "true",
        "C8S_RUN": run.name,
        "C8S_RUN_ID": run.uid,
        "C8S_STEP": step.name,
        "C8S_PIPELINE": run.pipeline.name,
        "C8S_COMMIT": trigger.commit,
        "C8S_BRANCH": trigger.branch,
        "C8S_TAG": trigger.tag,
        "C8S_EVENT": str(trigger.event),
        "C8S_REPOSITORY": trigger.repository,
        "C8S_WORKSPACE": workspace,
        "C8S_NAMESPACE": namespace,
        "COMMIT_SHA": trigger.commit,
        "BRANCH": trigger.branch,
        "PIPELINE_RUN": run.name,
        "STEP_NAME": step.name,
        "WORKSPACE": workspace,
    }
    for key, value in run.matrix_values.items():
        described[f"C8S_MATRIX_{re.sub('[^A-Za-z0-9]', '_', key).upper()}"] = text(value)
    return {**described, **run.pipeline.env, **step.env}
