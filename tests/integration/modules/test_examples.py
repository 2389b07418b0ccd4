"""Every example of every module and filter is played as it is written."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
MODULES = ("pipeline_validate", "pipeline_run", "pipeline_run_info", "pipeline_logs")
FILTERS = ("matrix", "graph_layers")


def of_module(name: str) -> str:
    source = (CHECKOUT / "plugins" / "modules" / f"{name}.py").read_text(encoding="utf-8")
    match = re.search(r'^EXAMPLES = r"""\n(.*?)^"""', source, re.MULTILINE | re.DOTALL)
    return match.group(1) if match else ""


def of_filter(name: str) -> str:
    path = CHECKOUT / "plugins" / "filter" / f"{name}.yml"
    return str(yaml.safe_load(path.read_text(encoding="utf-8"))["EXAMPLES"])


def here(examples: str) -> str:
    """Where an example asks for a cluster or a server, this host has to do."""
    return examples.replace("executor: kubernetes", "executor: local").replace(
        "https://git.example.com/team/app.git", '"{{ playbook_dir }}/project"'
    )


PREPARE = "- c8s.ci.pipeline_run: {repository: project, name: demo-1}\n"


@pytest.fixture
def prepared(stage, project: Path):
    """Two projects, which is what examples speak of."""
    (stage.folder / "other-project").mkdir()
    shutil.copy(project / ".c8s.yaml", stage.folder / "other-project")
    return stage


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(prepared, name: str):
    examples = of_module(name)
    assert examples.count(f"  c8s.ci.{name}:") >= 3
    done = prepared.play(PREPARE + here(examples))
    assert done.code == 0, done.text
    assert "[WARNING]" not in done.text
    assert {entry.how for entry in done.entries} == {"ok"}
    written = examples.count("- name: ") - examples.count("        - name: ")
    assert len(done.entries) == 1 + written


@pytest.mark.parametrize("name", FILTERS)
def test_the_examples_of_a_filter(prepared, name: str):
    examples = of_filter(name)
    assert f"c8s.ci.{name}" in examples
    done = prepared.play(examples)
    assert done.code == 0, done.text
    assert [entry.how for entry in done.entries] == ["ok"] * examples.count("- name: ")
