"""Writes what is made from the schema of the pipeline file: the reference and the editors' schema.

Run it after a change of the schema: `.venv/bin/python scripts/pipeline_reference.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.pipeline.holders import (
    Field,
    ListOf,
    MapOf,
    Object,
    OrObject,
)
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.schema import FILE, json_schema

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "pipelines.md"
SCHEMA = DOCS / "c8s-pipeline.schema.json"
BEGIN, END = "<!-- reference begins -->\n", "<!-- reference ends -->\n"


def reference() -> str:
    """A table for every object of the file, in the order in which they are met."""
    return "\n".join(_table(item) for item in _objects(FILE, {}).values())


def page(text: str) -> str:
    """The page with the reference of today in it."""
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{reference()}\n{END}{after}"


def schema() -> str:
    """The schema for editors, as its file holds it."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _objects(item: Object, known: dict[str, Object]) -> dict[str, Object]:
    known[item.title] = item
    for field in item.fields:
        for inner in _inside(field.kind):
            if inner.title not in known:
                _objects(inner, known)
    return known


def _inside(kind: Any) -> Iterator[Object]:
    match kind:
        case Object():
            yield kind
        case OrObject():
            yield kind.object
        case ListOf():
            yield from _inside(kind.item)
        case MapOf():
            yield from _inside(kind.value)


def _table(item: Object) -> str:
    rows = [f"| {' | '.join(_row(field))} |" for field in item.fields]
    head = ["| field | value | default | meaning |", "| --- | --- | --- | --- |"]
    return "\n".join([f"### {item.title}", "", *head, *rows, ""])


def _row(field: Field) -> tuple[str, str, str, str]:
    default = "" if field.default is None else f"`{json.dumps(field.default).strip(chr(34))}`"
    return (
        f"`{field.name}`",
        field.kind.label,
        "required" if field.required else default,
        field.text,
    )


def main() -> None:
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
