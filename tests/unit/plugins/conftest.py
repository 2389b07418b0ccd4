"""Modules called in this process, on whatever ansible-core is here."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as given_warnings

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # It came with ansible-core 2.19.

    @contextlib.contextmanager
    def patch_module_args(args: dict[str, Any]) -> Iterator[None]:
        before = basic._ANSIBLE_ARGS
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
        try:
            yield
        finally:
            basic._ANSIBLE_ARGS = before


@dataclasses.dataclass(frozen=True)
class Done:
    """How a module ended, and all that it printed."""

    code: int
    result: dict[str, Any]
    text: str
    warned: str

    @property
    def failed(self) -> bool:
        return self.result.get("failed", False)


Call = Callable[..., Done]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> Call:
    """Call a module with these options; `check` and `diff` are the task's."""

    def called(name: str, /, *, check: bool = False, diff: bool = False, **options: Any) -> Done:
        module = importlib.import_module(f"ansible_collections.c8s.ci.plugins.modules.{name}")
        internal = {
            "_ansible_check_mode": check,
            "_ansible_diff": diff,
            "_ansible_remote_tmp": str(tmp_path / "remote"),
            "_ansible_keep_remote_files": False,
        }
        capsys.readouterr()
        given_warnings._global_warnings.clear()  # A process has said each of them once.
        with patch_module_args({**options, **internal}), pytest.raises(SystemExit) as end:
            module.main()
        said = capsys.readouterr()
        result = json.loads(said.out)
        # Beside the parts of a controller, warnings are shown, broken into lines, not returned.
        warned = " ".join(f"{result.get('warnings', '')} {said.err}".split())
        return Done(int(end.value.code or 0), result, said.out + said.err, warned)

    return called
