"""A run's record as a ConfigMap, and back.

metadata.name      c8s-RUN
labels             managed-by, kind, run, pipeline, phase, parent, and `cancel` once asked for
annotations        the wish to cancel as JSON, and who drives it until when
data/binaryData    the record: as text while it is small, packed where it is not
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

from ...core.names import label_value
from ...pipeline.job import LABEL, MANAGED_BY
from .claims import HOLDER

Record = dict[str, Any]

TEXT_LIMIT = 256 * 1024
"""Characters of a record that is kept as it is."""
_KIND = {**MANAGED_BY, f"{LABEL}/kind": "run"}
SELECTOR = ",".join(f"{key}={value}" for key, value in _KIND.items())
"""The label selector of all records."""


def config_map_name(run: str) -> str:
    return f"c8s-{run}"


def config_map(record: Record) -> Record:
    """The ConfigMap of a record, less the annotations."""
    name = record["metadata"]["name"]
    labels = {
        **_KIND,
        f"{LABEL}/run": label_value(name),
        f"{LABEL}/pipeline": label_value(record["spec"]["pipeline"]["name"]),
        f"{LABEL}/phase": record["status"]["phase"],
    }
    if record["spec"].get("parent"):
        labels[f"{LABEL}/matrix-parent"] = label_value(record["spec"]["parent"])
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    content: Record
    if len(text) <= TEXT_LIMIT:
        content = {"data": {"record.json": text}}
    else:
        packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
        content = {"binaryData": {"record.json.gz": packed}}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": config_map_name(name), "labels": labels},
        **content,
    }


def record_patch(record: Record, annotations: Mapping[str, str], holder: str) -> list[Record]:
    """What makes a ConfigMap that of this record, as a JSON patch (RFC 6902) that may come twice.

    With a `holder` it is refused (InvalidInput) where somebody else drives the run by then.
    """
    manifest = config_map(record)
    return [
        *([held_by(holder)] if holder else ()),
        *(_put("labels", name, value) for name, value in manifest["metadata"]["labels"].items()),
        *annotated(annotations),
        {"op": "add", "path": "/data", "value": manifest.get("data")},
        {"op": "add", "path": "/binaryData", "value": manifest.get("binaryData")},
    ]


def held_by(holder: str) -> Record:
    """The part of a JSON patch that lets it through only while that one drives the run."""
    return {**_put("annotations", HOLDER, holder), "op": "test"}


def annotated(annotations: Mapping[str, str]) -> list[Record]:
    """The parts of a JSON patch that set annotations."""
    return [_put("annotations", name, value) for name, value in annotations.items()]


def _put(place: str, name: str, value: str) -> Record:
    pointer = name.replace("~", "~0").replace("/", "~1")
    return {"op": "add", "path": f"/metadata/{place}/{pointer}", "value": value}


def record_of(config_map: Record) -> Record:
    """The record in a ConfigMap."""
    packed = config_map.get("binaryData", {}).get("record.json.gz")
    if packed:
        found: Record = json.loads(gzip.decompress(base64.b64decode(packed)))
    else:
        found = json.loads(config_map["data"]["record.json"])
    return found
