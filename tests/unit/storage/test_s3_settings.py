"""Which object store is meant, and what cannot be one."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput, Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3 import S3Objects
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3_settings import (
    S3Settings,
    s3_settings,
)


def test_nothing_is_meant_without_a_bucket():
    assert s3_settings({}, {}) is None
    assert s3_settings({"object_store": None}, {"C8S_STORAGE_REGION": "eu-1"}) is None


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("s3://builds", "builds", ""),
        ("s3://builds/", "builds", ""),
        ("s3://builds/team/ci/", "builds", "team/ci/"),
        ("builds", "builds", ""),
        ("builds/ci", "builds", "ci/"),
    ],
)
def test_bucket_and_prefix(text: str, bucket: str, prefix: str):
    assert s3_settings({"object_store": text}, {}) == S3Settings(bucket, prefix)


def test_options_come_before_variables(tmp_path: Path):
    authority = tmp_path / "ca.crt"
    authority.write_text("x")
    environment = {
        "C8S_STORAGE_BUCKET": "from-environment",
        "C8S_STORAGE_REGION": "eu-1",
        "C8S_STORAGE_ENDPOINT": "https://s3.example.com/",
        "C8S_STORAGE_ADDRESSING": "virtual",
        "C8S_STORAGE_CA_CERT": str(authority),
    }
    assert s3_settings({}, environment) == S3Settings(
        "from-environment", "", "https://s3.example.com", "eu-1", "virtual", str(authority)
    )
    found = s3_settings({"object_store": "s3://given", "object_store_region": "us-2"}, environment)
    assert found is not None
    assert (found.bucket, found.region) == ("given", "us-2")


def test_the_authorities_of_other_aws_clients_are_taken(tmp_path: Path):
    authority = tmp_path / "ca.crt"
    authority.write_text("x")
    found = s3_settings({"object_store": "b-b"}, {"AWS_CA_BUNDLE": str(authority)})
    assert found is not None
    assert found.ca_cert == str(authority)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"object_store": "https://builds.example.com/x"}, "s3://BUCKET"),
        ({"object_store": "s3:///ci"}, "name of a bucket"),
        ({"object_store": "s3://-x/ci"}, "name of a bucket"),
        ({"object_store": "s3://builds/../x"}, "prefix"),
        ({"object_store": "s3://builds/a//b"}, "prefix"),
        ({"object_store": "s3://builds/a?b"}, "prefix"),
        ({"object_store": "builds", "object_store_endpoint": "s3.example.com"}, "http"),
        ({"object_store": "builds", "object_store_addressing": "host"}, "auto, path, virtual"),
        ({"object_store": "builds", "object_store_ca_cert": "/nowhere/ca.crt"}, "no file"),
    ],
)
def test_what_cannot_be_right_is_said(options: dict[str, str], message: str):
    with pytest.raises(InvalidInput, match=message):
        s3_settings(options, {})


def test_credentials_in_an_endpoint_are_refused_and_not_repeated():
    with pytest.raises(InvalidInput) as caught:
        s3_settings(
            {"object_store": "builds", "object_store_endpoint": "https://me:hunter22@s3.test"}, {}
        )
    assert "hunter22" not in str(caught.value)
    assert "AWS_ACCESS_KEY_ID" in str(caught.value)


def test_a_missing_library_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch):
    usual = builtins.__import__

    def without_boto3(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "boto3":
            raise ModuleNotFoundError("No module named 'boto3'", name="boto3")
        return usual(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_boto3)
    with pytest.raises(Unavailable, match=r"boto3.*pip install"):
        S3Objects(S3Settings("builds")).check()
