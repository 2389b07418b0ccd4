"""Launches one pipeline and says on one line how it ended: a launcher of its own to be killed.

usage: launcher.py ENGINE FOLDER FILE KEY
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from integration.engines.engine_yard import EngineYard


def main(engine: str, folder: str, file: str, key: str) -> None:
    yard = EngineYard(Path(folder), engine=engine)
    launched = yard.launch(Path(file).read_bytes(), idempotency_key=key)
    status = launched.run.status
    steps = {step.name: [step.phase, step.attempts] for step in status.steps}
    logs = {step.name: yard.log(launched.run.name, step.name) for step in status.steps}
    print(json.dumps({"phase": status.phase, "steps": steps, "logs": logs}))


if __name__ == "__main__":
    main(*sys.argv[1:])
