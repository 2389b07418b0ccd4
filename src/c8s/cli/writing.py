"""What a verb found, on stdout: as text for people, as JSON or YAML for programs."""

from __future__ import annotations

import json
import sys
from typing import Any


def write(text: str) -> None:
    """Lines on stdout, whatever the terminal's encoding."""
    sys.stdout.buffer.write(f"{text}\n".encode(errors="surrogateescape"))
    sys.stdout.buffer.flush()


def write_json(value: Any) -> None:
    write(json.dumps(value, indent=2, ensure_ascii=False))


def write_yaml(value: Any) -> None:
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    write(yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True).rstrip("\n"))


def write_as(form: str, value: Any) -> None:
    """`json` or `yaml`."""
    if form == "json":
        write_json(value)
    else:
        write_yaml(value)
