"""A task that validates a pipeline against the shortest task there is."""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile

from timing import alternate, command

TASKS = 5
BIN = pathlib.Path(sys.executable).parent
PIPELINE = "version: v1alpha1\nname: p\nsteps:\n  - {name: a, image: b, commands: [c]}\n"


def table() -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / ".c8s.yaml").write_text(PIPELINE)
        ours = _play(folder, {"c8s.ci.pipeline_validate": {"src": str(folder / ".c8s.yaml")}})
        bare = _play(folder, {"ansible.builtin.ping": {}})
        book = str(BIN / "ansible-playbook")
        version = str(BIN / "c8s")
        first, second, third = alternate(
            [command(book, str(ours)), command(book, str(bare)), command(version, "--version")], 5
        )
    added = (first.median - second.median) / TASKS * 1000
    return "\n".join(
        [
            "| what | time |",
            "| --- | --- |",
            f"| a play of {TASKS} tasks `pipeline_validate` | {first.shown()} |",
            f"| a play of {TASKS} tasks `ansible.builtin.ping` | {second.shown()} |",
            f"| added per task | {added:.0f} ms |",
            f"| `c8s --version` | {third.shown()} |",
        ]
    )


def _play(folder: pathlib.Path, task: dict[str, object]) -> pathlib.Path:
    path = folder / f"{next(iter(task))}.yml"
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [task] * TASKS}
    path.write_text(json.dumps([play]))
    return path


if __name__ == "__main__":
    print(table())
