"""What tests of runs on this host share."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_yard import Yard, repository


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one commit."""
    return repository(tmp_path / "project")
