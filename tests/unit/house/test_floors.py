"""No arrow of this checkout points up, and each kind of bad arrow is seen."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import floors
import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
ABSOLUTE = "ansible_collections.c8s.ci.plugins.module_utils"


def messages(path: str, source: str) -> list[str]:
    return [fault.message for fault in floors.faults_of_source(source, PurePosixPath(path))]


def test_this_checkout_has_no_arrow_that_points_up():
    assert [str(fault) for fault in floors.faults(CHECKOUT)] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("plugins/module_utils/core/errors.py", "from ..pipeline import spec"),
        ("plugins/module_utils/core/errors.py", "import requests"),
        ("plugins/module_utils/core/errors.py", "import ansible.errors"),
        ("plugins/module_utils/pipeline/plan.py", "from ..kube import connection"),
        ("plugins/module_utils/pipeline/plan.py", "from ..kube.connection import connect"),
        ("plugins/module_utils/pipeline/plan.py", "from .. import runs"),
        ("plugins/module_utils/pipeline/plan.py", "from ..masking.masker import Masker"),
        ("plugins/module_utils/pipeline/plan.py", f"from {ABSOLUTE}.runs.local import run"),
        ("plugins/module_utils/pipeline/plan.py", f"import {ABSOLUTE}.runs.local"),
        ("plugins/module_utils/pipeline/plan.py", f"from {ABSOLUTE} import runs"),
        ("plugins/module_utils/pipeline/plan.py", "def lazy():\n    from ..runs import local"),
        (
            "plugins/module_utils/pipeline/plan.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..kube import jobs",
        ),
        ("plugins/module_utils/kube/jobs.py", "from ..pipeline.spec import Step"),
        ("plugins/module_utils/kube/jobs.py", "from ..storage import s3"),
        (
            "plugins/module_utils/kube/jobs.py",
            "from ansible.module_utils.basic import env_fallback",
        ),
        ("plugins/module_utils/runs/local.py", "from ..fleet import workers"),
        ("plugins/module_utils/runs/local.py", "import rich.console"),
        ("plugins/module_utils/runs/local.py", "from ...modules import pipeline_run"),
        ("plugins/module_utils/runs/local.py", "import c8s.cli.main"),
        ("plugins/module_utils/runs/local.py", "import importlib\nimportlib.import_module(name)"),
        (
            "plugins/module_utils/pipeline/plan.py",
            f"__import__('{ABSOLUTE}.kube')",
        ),
        ("plugins/modules/pipeline_run.py", "from c8s.cli import progress"),
        ("plugins/action/pipeline_run.py", "from ..modules.pipeline_run import ARGUMENTS"),
        ("plugins/action/pipeline_run.py", "from .. import callback"),
        ("plugins/filter/mask.py", "import typer"),
        ("src/c8s/cli/run.py", "from c8s.services.api import app"),
        ("src/c8s/cli/run.py", "from ..services import api"),
        ("src/c8s/__init__.py", "from c8s.cli import main"),
        ("src/c8s/services/api/app.py", "import typer"),
        ("plugins/module_utils/newroom/thing.py", "import re"),
        ("plugins/module_utils/loose.py", "import re"),
        ("src/c8s/loft/thing.py", "import re"),
    ],
)
def test_an_arrow_that_points_up_is_seen(path: str, source: str):
    assert len(messages(path, source)) >= 1


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "import os.path",
        "import io",
        "import socket",
        "import subprocess",
        "import time",
        "import random",
        "import secrets",
        "import tempfile",
        "import logging",
        "import threading",
        "import kubernetes",
        "import yaml",
        "import pathlib\npathlib.Path('x')",
        "from pathlib import Path",
        "import urllib.request",
        "from urllib import request",
        "import fnmatch\nfnmatch.fnmatch('a', 'b')",
        "import posixpath as paths\npaths.exists('a')",
        "from posixpath import exists",
        "import uuid\nuuid.uuid4()",
        "text = open('file').read()",
        "print('hello')",
        "import codecs\ncodecs.open('file')",
        "from datetime import datetime\nnow = datetime.now()",
        "from datetime import datetime as moment\nnow = moment.utcnow()",
        "import datetime\ntoday = datetime.date.today()",
        "import datetime as dt\nnow = dt.datetime.now(dt.UTC)",
        "from datetime import datetime\nfrom dataclasses import field\n"
        "at = field(default_factory=datetime.now)",
    ],
)
def test_the_domain_touches_nothing_outside(line: str):
    path = "plugins/module_utils/pipeline/plan.py"
    assert len(messages(path, line)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("plugins/module_utils/core/files.py", "import os, io, time, yaml\nopen('x')"),
        ("plugins/module_utils/pipeline/plan.py", "from ..core.errors import InvalidInput"),
        ("plugins/module_utils/pipeline/plan.py", "from . import spec\nfrom .graph import layers"),
        ("plugins/module_utils/pipeline/plan.py", "import re, graphlib, collections.abc"),
        ("plugins/module_utils/pipeline/plan.py", "from pathlib import PurePosixPath"),
        ("plugins/module_utils/pipeline/plan.py", "from urllib.parse import quote"),
        ("plugins/module_utils/pipeline/plan.py", "import posixpath\nposixpath.normpath('a')"),
        ("plugins/module_utils/pipeline/plan.py", "def f(uuid):\n    return uuid.hex"),
        ("plugins/module_utils/pipeline/plan.py", "def f(clock):\n    return clock.now()"),
        ("plugins/module_utils/pipeline/schema.py", "import jsonschema"),
        ("plugins/module_utils/masking/engine.py", "import hyperscan"),
        ("plugins/module_utils/kube/watch.py", "import kubernetes, time, socket"),
        ("plugins/module_utils/runs/local.py", "from ..pipeline import plan\nimport subprocess"),
        ("plugins/modules/pipeline_run.py", f"from {ABSOLUTE}.runs.launch import launch"),
        ("plugins/modules/pipeline_run.py", "from ansible.module_utils.basic import AnsibleModule"),
        ("src/c8s/cli/run.py", f"import typer\nfrom {ABSOLUTE}.runs.launch import launch"),
        ("src/c8s/cli/run.py", "from c8s import __version__\nfrom c8s.cli.exits import Exit"),
        ("src/c8s/__main__.py", "from c8s.cli.main import main"),
        ("plugins/module_utils/__init__.py", ""),
    ],
)
def test_an_arrow_that_points_down_is_let_through(path: str, source: str):
    assert messages(path, source) == []


def test_a_fault_names_its_place(tmp_path: Path):
    room = tmp_path / "plugins" / "module_utils" / "masking"
    room.mkdir(parents=True)
    (room / "engine.py").write_text("import re\nimport socket\n", encoding="utf-8")
    assert [str(fault) for fault in floors.faults(tmp_path)] == [
        "plugins/module_utils/masking/engine.py:2: "
        "masking imports socket: the domain touches nothing outside"
    ]
