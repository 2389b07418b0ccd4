"""An API server that is away for longer than a driver waits for it."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import records

from faults.driving import check_end, ended
from faults.fault import Asked, Fault
from faults.field import LOGS, TEXT, Field
from faults.sightings import watching
from kube.cluster import Cluster

OUTAGE_SECONDS = 1
# The command, with less patience: five minutes are long for a test.
IMPATIENT = f"""
import sys
from {records.__name__} import __name__ as _name
sys.modules[_name].OUTAGE_SECONDS = {OUTAGE_SECONDS}
from c8s.cli.main import main
sys.exit(main())
"""


def test_the_driver_gives_up_and_the_same_call_goes_on(
    control_plane: Cluster, tmp_path: Path
) -> None:
    with watching(control_plane) as sightings, ExitStack() as stack:
        place, proxy = Field(control_plane, sightings, tmp_path).place(stack)
        file = tmp_path / "pipeline.yaml"
        file.write_bytes(TEXT)
        away = False

        def judge(asked: Asked) -> Fault | None:
            nonlocal away
            away = away or (asked.resource == "configmaps" and asked.method == "PATCH")
            return Fault(times=0, lost=True) if away else None

        proxy.judge = judge
        driver = place.begin(file, program=(sys.executable, "-c", IMPATIENT))
        output, said = driver.communicate(timeout=120)
        assert driver.returncode == 5, (output, said)
        assert b"keep the record of run p-" in said, said
        assert b"call again to go on with it" in said, said
        (kept,) = place.records()
        assert "completionTime" not in kept["status"]
        proxy.judge = lambda _asked: None
        check_end(place, sightings, ended(place.begin(file)), LOGS)
