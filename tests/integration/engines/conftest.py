"""Both engines for the tests of this folder, and a yard in each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.engines import engine_hosts
from integration.engines.engine_yard import EngineYard


@pytest.fixture(scope="session")
def docker_host() -> Iterator[dict[str, str]]:
    engine_hosts.install("docker.io:dockerd", "iproute2:ip")
    with engine_hosts.folder() as root, engine_hosts.docker(root) as environment:
        yield environment


@pytest.fixture(scope="session")
def podman_host() -> Iterator[dict[str, str]]:
    engine_hosts.install("podman:podman", "runc:runc")
    with engine_hosts.folder() as root, engine_hosts.podman(root) as environment:
        yield environment


@pytest.fixture(scope="session", params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of an engine that this process's environment leads to."""
    name: str = request.param
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in request.getfixturevalue(f"{name}_host").items():
            patch.setenv(variable, value)
        yield name


@pytest.fixture
def yard(engine: str, tmp_path: Path) -> Iterator[EngineYard]:
    """A place for runs; the test fails where a container of theirs stays."""
    place = EngineYard(tmp_path, engine=engine)
    yield place
    assert place.containers() == []
