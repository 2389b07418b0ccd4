"""A driver as a process of its own, to be killed: `python -m e2e.launching JSON`.

The JSON has kubeconfig, namespace, agent, store, name (of the run), text (of the pipeline), and
objects: the settings of the object store, or null.
It prints the phase in which the run ended.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3_settings import S3Settings

from e2e.lab import Lab


def main() -> int:
    wanted = json.loads(sys.argv[1])
    runs = Lab.driver(
        Path(wanted["kubeconfig"]),
        Path(wanted["store"]),
        objects=S3Settings(**wanted["objects"]) if wanted["objects"] else None,
        namespace=wanted["namespace"],
        agent_image=wanted["agent"],
    )
    request = Request(wanted["text"].encode(), name=wanted["name"])
    (launched,) = runs.launch(runs.orders([request]))
    print(launched.run.status.phase)
    return 0


if __name__ == "__main__":
    sys.exit(main())
