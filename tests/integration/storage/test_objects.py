"""Objects in S3 and in a folder: the same for whoever uses them."""

from __future__ import annotations

import io
import os
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    Denied,
    InvalidInput,
    NotFound,
    Unavailable,
)
from ansible_collections.c8s.ci.plugins.module_utils.runs.doctor.store_checks import store_checks
from ansible_collections.c8s.ci.plugins.module_utils.storage.file_objects import FileObjects
from ansible_collections.c8s.ci.plugins.module_utils.storage.objects import Objects, StoredObject
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3 import PART_SIZE, S3Objects

from integration.storage.conftest import objects_of
from kube.waiting import wait_for
from s3_server import BUCKET, S3Server, s3_server

LARGE = 2 * PART_SIZE + 4711


@pytest.fixture(params=["s3", "files"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "files":
        return FileObjects(tmp_path / "objects")
    return request.getfixturevalue("objects")  # type: ignore[no-any-return]


def test_an_object_is_written_read_replaced_and_removed(either: Objects) -> None:
    either.check()
    assert either.size("a/b.log") is None
    either.put("a/b.log", b"first")
    either.put("a/b.log", b"the second")
    assert either.get("a/b.log") == b"the second"
    assert either.size("a/b.log") == 10
    assert b"".join(either.read("a/b.log", 4)) == b"second"
    assert b"".join(either.read("a/b.log", 10)) == b""
    assert b"".join(either.read("a/b.log", 11)) == b""
    either.delete(["a/b.log", "never/was"])
    assert either.size("a/b.log") is None
    with pytest.raises(NotFound, match=r"a/b\.log"):
        either.get("a/b.log")
    with pytest.raises(NotFound):
        list(either.read("a/b.log", 4))


def test_a_large_file_goes_in_parts_and_comes_back_whole(either: Objects) -> None:
    content = os.urandom(LARGE)
    either.put_file("large", io.BytesIO(content))
    assert either.size("large") == LARGE
    assert either.get("large") == content
    either.put_file("small", io.BytesIO(b"small"))
    assert either.get("small") == b"small"


def test_objects_are_listed_by_prefix_and_in_order(either: Objects) -> None:
    for key in ("run/parts/b", "run/parts/a", "run/partsish", "other/parts/c"):
        either.put(key, key.encode())
    assert list(either.listing("run/parts/")) == [
        StoredObject("run/parts/a", 11),
        StoredObject("run/parts/b", 11),
    ]
    assert list(either.listing("nothing/")) == []


def test_more_objects_than_one_answer_holds(objects: S3Objects, server: S3Server) -> None:
    folder = server.folder / "buckets" / BUCKET / "ci" / "many"
    folder.mkdir(parents=True)
    for number in range(1100):
        (folder / f"{number:04d}").touch()
    keys = [found.key for found in objects.listing("many/")]
    assert keys == [f"many/{number:04d}" for number in range(1100)]
    objects.delete(keys[:50])
    assert [found.key for found in objects.listing("many/")] == keys[50:]


def test_addresses_name_objects_and_lead_back_to_them(either: Objects) -> None:
    url = either.url("a/b c.tar")
    assert either.key(url) == "a/b c.tar"
    assert either.key("s3://elsewhere/a/b") is None
    assert either.key("file:///elsewhere/a/b") is None


def test_the_address_of_an_object_in_s3_gives_no_access(objects: S3Objects) -> None:
    assert objects.url("ns/run/a.log") == f"s3://{BUCKET}/ci/ns/run/a.log"


def test_a_folder_signs_nothing(tmp_path: Path) -> None:
    assert FileObjects(tmp_path).signed("GET", "a", 60) is None


@pytest.mark.parametrize("key", ["../a", "/etc/passwd", "a/../../b", ""])
def test_no_key_leads_out_of_a_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidInput, match="key"):
        FileObjects(tmp_path).put(key, b"")


# --- signed addresses


def call(address: str, content: bytes | None = None) -> bytes:
    request = urllib.request.Request(
        address, data=content, method="GET" if content is None else "PUT"
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return bytes(answer.read())


def test_signed_addresses_let_anybody_do_one_thing(objects: S3Objects, server: S3Server) -> None:
    write = objects.signed("PUT", "given", 60)
    assert write is not None
    assert server.secret_key not in write
    call(write, b"content")
    assert objects.get("given") == b"content"
    read = objects.signed("GET", "given", 60)
    assert read is not None
    assert call(read) == b"content"
    for wrong in (read.replace("/given?", "/other?"), read.split("?")[0]):
        with pytest.raises(urllib.error.HTTPError):
            call(wrong)
    with pytest.raises(urllib.error.HTTPError):
        call(read, b"changed")
    assert objects.get("given") == b"content"


def test_signed_addresses_expire(objects: S3Objects) -> None:
    objects.put("given", b"content")
    read = objects.signed("GET", "given", 1)
    assert read is not None

    def refused() -> bool:
        try:
            call(read)
        except urllib.error.HTTPError as error:
            return error.code in (400, 403)
        return False

    wait_for("the end of a signed address", refused, timeout=30, pause=0.2)


# --- what can be wrong


def test_wrong_credentials_are_said(objects: S3Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-key")
    with pytest.raises(Denied, match="SignatureDoesNotMatch") as caught:
        objects.check()
    assert "wrong-secret-key" not in str(caught.value)
    for attempt in (lambda: objects.put("a", b""), lambda: objects.get("a")):
        with pytest.raises(Denied, match="credentials"):
            attempt()


def test_missing_credentials_are_said(objects: S3Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Denied, match="AWS_ACCESS_KEY_ID"):
        objects.check()


def test_a_profile_gives_credentials(
    objects: S3Objects, server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text(
        f"[builds]\naws_access_key_id = {server.access_key}\n"
        f"aws_secret_access_key = {server.secret_key}\n"
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "builds")
    objects.put("a", b"by profile")
    assert objects.get("a") == b"by profile"


def test_a_bucket_that_does_not_exist_is_named(server: S3Server) -> None:
    objects = objects_of(server, object_store="s3://elsewhere/ci")
    for attempt in (objects.check, lambda: objects.put("a", b"")):
        with pytest.raises(NotFound, match=r"no bucket 'elsewhere'.*create it"):
            attempt()


def test_a_server_that_is_not_there_is_named(objects: S3Objects, server: S3Server) -> None:
    server.stop()
    for attempt in (objects.check, lambda: objects.put("a", b""), lambda: objects.size("a")):
        with pytest.raises(Unavailable, match=server.endpoint):
            attempt()
    server.start()
    objects.put("a", b"again")
    assert objects.get("a") == b"again"


def test_a_server_that_is_slow_is_waited_for(objects: S3Objects, server: S3Server) -> None:
    objects.check()
    done = threading.Event()

    def write() -> None:
        objects.put("slow", b"came late")
        done.set()

    with server.halted():
        writer = threading.Thread(target=write)
        writer.start()
        assert not done.wait(2.0)
    writer.join(30)
    assert objects.get("slow") == b"came late"


def test_a_server_that_dies_in_the_middle_of_a_large_file(
    objects: S3Objects, server: S3Server
) -> None:
    class Dying(io.BytesIO):
        """Its reader sees the server die before the second part."""

        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > PART_SIZE:
                server.stop()
            return super().read(size)

    content = os.urandom(LARGE)
    with pytest.raises(Unavailable):
        objects.put_file("large", Dying(content))
    server.start()
    assert objects.size("large") is None
    objects.put_file("large", io.BytesIO(content))
    assert objects.get("large") == content


def test_a_private_authority_is_trusted_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server(tmp_path / "tls", tls=True) as server:
        for name, value in server.credentials.items():
            monkeypatch.setenv(name, value)
        objects = objects_of(server)
        objects.put("a", b"sealed")
        assert objects.get("a") == b"sealed"
        assert "BEGIN CERTIFICATE" in objects.authorities
        with pytest.raises(Unavailable, match="object_store_ca_cert"):
            objects_of(server, object_store_ca_cert="").check()


def test_the_doctor_looks_into_the_store(server: S3Server) -> None:
    (well,) = store_checks(server.options(), os.environ)
    assert (well.status, well.name) == ("passed", "object store")
    assert server.endpoint in well.what
    (without,) = store_checks({**server.options(), "object_store": "elsewhere"}, os.environ)
    assert (without.status, "create" in without.remedy) == ("failed", True)
    assert server.objects() == {}
