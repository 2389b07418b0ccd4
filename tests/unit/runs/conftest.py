"""Real runs on this host, of steps that take no time."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.runs import HostRuns
from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request

PIPELINES = {
    "endings": """\
version: v1alpha1
name: endings
steps:
  - name: good
    image: none:1
    commands: ["printf 'one\\\\ntwo\\\\nthree\\\\n'"]
  - name: bad
    image: none:1
    dependsOn: [good]
    commands: ["echo first; echo last", "exit 3"]
  - name: behind
    image: none:1
    dependsOn: [bad]
    commands: ["true"]
  - name: allowed
    image: none:1
    allowFailure: true
    commands: ["exit 4"]
  - name: elsewhere
    image: none:1
    when: {branch: main}
    commands: ["true"]
""",
    "good": """\
version: v1alpha1
name: good
steps:
  - name: only
    image: none:1
    commands: ["echo well"]
""",
    "matrix": """\
version: v1alpha1
name: many
matrix:
  dimensions:
    system: [linux, bsd]
steps:
  - name: only
    image: none:1
    commands: ["echo $C8S_MATRIX_SYSTEM", "test $C8S_MATRIX_SYSTEM = linux"]
""",
}


@pytest.fixture
def runs(tmp_path: pathlib.Path) -> HostRuns:
    return HostRuns("local", tmp_path / "store")


@pytest.fixture
def asked() -> Callable[..., Request]:
    """A request for one of the pipelines."""

    def request(pipeline: str, **options: str) -> Request:
        return Request(PIPELINES[pipeline].encode(), **options)

    return request


@pytest.fixture
def launch(runs: HostRuns, asked: Callable[..., Request]) -> Callable[..., Run]:
    """Launch one of the pipelines and drive it to its end."""

    def launched(pipeline: str, **options: str) -> Run:
        return runs.launch(runs.orders([asked(pipeline, **options)]))[0].run

    return launched
