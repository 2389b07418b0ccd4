"""Programs of the standard library alone that run beside the driver, in a Python of their own."""

from __future__ import annotations

import shutil
import sys
import types
from importlib import util


def command(program: types.ModuleType, *arguments: str) -> list[str]:
    """The argument list that runs the source of a module, wherever that was loaded from.

    The module may stand in an archive, as those of a task do, that is gone before its end.
    """
    spec = util.find_spec(program.__name__)
    loader = spec.loader if spec else None
    source: str = loader.get_source(program.__name__)  # type: ignore[union-attr]
    python = sys.executable or shutil.which("python3") or "python3"
    return [python, "-I", "-S", "-c", source, *arguments]
