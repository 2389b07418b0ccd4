"""What is written about the pipeline file is true: examples, errors, reference, editors' schema."""

from __future__ import annotations

import json
import re
from typing import Any

import pipeline_reference
import pytest
import yaml
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.load import load, warnings
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.schema import json_schema
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.scope import ALWAYS_SET

PAGE = pipeline_reference.PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\S+)( wrong)?\n(.*?)^```\n", PAGE, re.DOTALL | re.MULTILINE)
EXAMPLES = [text for kind, wrong, text in BLOCKS if kind == "yaml" and not wrong]
WRONG = [text for kind, wrong, text in BLOCKS if kind == "yaml" and wrong]
ERRORS = [text for kind, _wrong, text in BLOCKS if kind == "text"]

STEP = {"name": "only", "image": "busybox:1.36", "commands": ["true"]}


def whole(text: str) -> str:
    """An example with what it leaves out: steps alone, or fields at the top alone."""
    value: Any = yaml.safe_load(text)
    if isinstance(value, list):
        known = {step["name"] for step in value}
        others = [{**STEP, "name": name} for step in value for name in step.get("dependsOn", [])]
        missing = [step for step in others if step["name"] not in known]
        return json.dumps({"version": "v1alpha1", "name": "x", "steps": value + missing})
    lines = [text]
    for field, default in (("version", "v1alpha1"), ("name", "x"), ("steps", [STEP])):
        if field not in value:
            lines.append(f"{field}: {json.dumps(default)}")
    return "\n".join(lines)


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text[:40])
def test_every_example_is_right_and_gives_no_warning(text):
    assert warnings(load(whole(text))) == ()


@pytest.mark.parametrize(("text", "errors"), list(zip(WRONG, ERRORS, strict=True)))
def test_every_error_is_the_one_that_is_shown(text, errors):
    with pytest.raises(InvalidInput) as caught:
        load(text)
    assert str(caught.value) + "\n" == errors


def test_there_are_examples():
    assert len(EXAMPLES) >= 12
    assert len(WRONG) == 1


def test_the_reference_is_that_of_the_schema():
    assert pipeline_reference.page(PAGE) == PAGE, "run scripts/pipeline_reference.py"


def test_the_schema_for_editors_is_the_one_that_ships():
    shipped = pipeline_reference.SCHEMA.read_text(encoding="utf-8")
    assert shipped == pipeline_reference.schema(), "run scripts/pipeline_reference.py"


def test_every_field_is_described():
    def check(schema: dict[str, Any], path: str) -> None:
        for name, field in schema.get("properties", {}).items():
            assert field["description"].endswith("."), f"{path}.{name}"
            check(field, f"{path}.{name}")
        for part in [schema.get("items"), *schema.get("anyOf", [])]:
            if part:
                check(part, path)

    check(json_schema(), "")


@pytest.mark.parametrize("heading", re.findall(r"\]\(#([^)]+)\)", PAGE))
def test_every_link_on_the_page_leads_somewhere(heading):
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^-a-z0-9 ]", "", text.lower()).replace(" ", "-") for text in headings}
    assert heading in anchors


def test_every_variable_that_is_always_set_is_named():
    assert [name for name in sorted(ALWAYS_SET) if f"`{name}" not in PAGE] == []
