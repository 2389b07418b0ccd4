"""A real S3 server, and the adapter that talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3 import S3Objects
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3_settings import s3_settings

from s3_server import S3Server, s3_server


@pytest.fixture(autouse=True)
def no_credentials_of_this_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with s3_server(tmp_path / "s3") as found:
        for name, value in found.credentials.items():
            monkeypatch.setenv(name, value)
        yield found


def objects_of(server: S3Server, prefix: str = "ci", **options: str) -> S3Objects:
    settings = s3_settings({**server.options(prefix), **options}, {})
    assert settings is not None
    return S3Objects(settings)


@pytest.fixture
def objects(server: S3Server) -> S3Objects:
    return objects_of(server)
