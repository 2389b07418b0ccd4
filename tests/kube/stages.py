"""What kwok plays: nodes that are ready, pods that start, and Jobs' pods that end as asked."""

from __future__ import annotations

from pathlib import Path

from kube.instance import Instance

OWN = Path(__file__).with_name("stages")
FAKE_LOG = "2026-01-01T00:00:00.000000000Z stdout F played by kwok\n"


def write(instance: Instance, kwok: Path) -> None:
    """Write kwok's configuration: the stages that came with it (in folder `kwok`) and ours."""
    parts = [path for folder in (kwok, OWN) for path in sorted(folder.glob("*.yaml"))]
    text = "\n---\n".join(path.read_text().removeprefix("---\n") for path in parts)
    (instance.folder / "stages.yaml").write_text(text)
    (instance.folder / "fake.log").write_text(FAKE_LOG)
