"""What kwok plays: nodes that are ready, pods that start, and Jobs' pods that end as asked."""

from __future__ import annotations

from pathlib import Path

from kube.instance import Instance

OWN = Path(__file__).with_name("stages.yaml")
FAKE_LOG = "2026-01-01T00:00:00.000000000Z stdout F played by kwok\n"


def write(instance: Instance, kwok: Path) -> None:
    """Write kwok's configuration: the stages that came with it (in folder `kwok`) and ours."""
    parts = [path.read_text() for path in sorted(kwok.glob("*.yaml"))] + [OWN.read_text()]
    (instance.folder / "stages.yaml").write_text("\n---\n".join(parts))
    (instance.folder / "fake.log").write_text(FAKE_LOG)
