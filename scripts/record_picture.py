"""Records the pictures of the documentation: real runs of the sample project, caught in the middle.

Run it after a change of how runs are shown: `.venv/bin/python scripts/record_picture.py`.
"""

from __future__ import annotations

import dataclasses
import inspect
import io
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase
from ansible_collections.c8s.ci.plugins.module_utils.runs.clock import utc_now
from ansible_collections.c8s.ci.plugins.module_utils.runs.events import Event, StepChanged
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.runs import HostRuns
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from c8s.cli.view.board import Board
from c8s.cli.view.glyphs import FINE
from c8s.cli.view.picture import Picture

CHECKOUT = Path(__file__).resolve().parent.parent
PROJECT = CHECKOUT / "examples" / "sample-project"
IMAGES = CHECKOUT / "docs" / "images"
SIZE = (84, 24)
IDENTITY = {
    "GIT_AUTHOR_NAME": "Demo",
    "GIT_AUTHOR_EMAIL": "demo@example.com",
    "GIT_COMMITTER_NAME": "Demo",
    "GIT_COMMITTER_EMAIL": "demo@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
# No font is fetched from anywhere: the reader's own will do.
FORMAT = inspect.signature(Console.export_svg).parameters["code_format"].default
TEMPLATE = re.sub(r"@font-face \{\{.*?\}\}\n", "", FORMAT, flags=re.DOTALL)


@dataclasses.dataclass(slots=True)
class Recorder:
    """Keeps the picture of a launch as it was when the last of its steps began to run."""

    title: str
    picture: str = ""
    board: Board = dataclasses.field(default_factory=Board)

    def take(self, event: Event) -> None:
        self.board.take(event)
        if isinstance(event, StepChanged) and event.step.phase is Phase.RUNNING:
            self.picture = self._drawn()

    def _drawn(self) -> str:
        width, height = SIZE
        console = Console(
            file=io.StringIO(), record=True, width=width, height=height, force_terminal=True
        )
        console.print(Picture(self.board, FINE, "local", utc_now))
        name = re.sub(r"\W+", "-", self.title)
        return console.export_svg(
            title=self.title, theme=DIMMED_MONOKAI, code_format=TEMPLATE, unique_id=name
        )


def history(folder: Path) -> None:
    """The sample project as a repository of its own, with a release in its past."""
    shutil.copytree(PROJECT, folder)

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=folder, check=True, env={**os.environ, **IDENTITY})

    git("init", "--quiet", "--initial-branch=main")
    git("add", "README.md", ".gitignore", "nextver/__init__.py", "nextver/version.py")
    git("commit", "--quiet", "--message=Read and compare versions")
    git("tag", "--annotate", "--message=The first release", "v1.0.0")
    git("add", "--all")
    git("commit", "--quiet", "--message=feat: Tell the next version from the subjects of commits")


def record(folder: Path, store: Path, file: str, title: str) -> str:
    """The picture of a run of a pipeline file."""
    recorder = Recorder(title)
    secrets = {"signing": {"token": "a-token-that-nobody-sees"}}
    runs = HostRuns("local", store, secrets=secrets, report=recorder.take)
    text = (folder / file).read_bytes()
    runs.launch(runs.orders([Request(text, file, str(folder), branch="main")]))
    return recorder.picture


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folder, store = Path(place) / "nextver", Path(place) / "store"
        history(folder)
        for name, file, title in (
            ("run", ".c8s.yaml", "c8s run"),
            ("matrix", ".c8s.matrix.yaml", "c8s run .c8s.matrix.yaml"),
        ):
            picture = record(folder, store, file, title)
            (IMAGES / f"{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
