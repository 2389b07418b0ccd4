"""The agent of pods, to and from signed addresses of a real server, as the driver calls it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.storage.s3 import S3Objects

from integration.storage.conftest import objects_of
from s3_server import S3Server, s3_server

LATER = 75


def agent(*words: str | Path, wanted: Any) -> subprocess.CompletedProcess[str]:
    """Without a credential in its environment, as in a pod."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "c8s.agent", *words],
        input=json.dumps(wanted),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def signed(objects: S3Objects, access: Any, key: str = "given.tar") -> dict[str, str]:
    address = objects.signed(access, key, 60)
    assert address is not None
    return {"address": address, "authorities": objects.authorities}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "text.txt").write_text("text\n")
    (root / "large.bin").write_bytes(b"\0" + os.urandom(3_000_000))
    (root / f"{'long-' * 40}name.bin").write_bytes(b"\0")
    (root / "link").symlink_to("deep/text.txt")
    return root


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("kind", ["all", "texts", "files"])
def test_files_go_up_and_come_down(
    objects: S3Objects, workspace: Path, tmp_path: Path, kind: str
) -> None:
    up = agent("upload", workspace, kind, wanted={"paths": ["*"], **signed(objects, "PUT")})
    assert up.returncode == 0, up.stderr
    target = tmp_path / "target"
    target.mkdir()
    down = agent("download", target, wanted=signed(objects, "GET"))
    assert down.returncode == 0, down.stderr
    texts, everything = {"deep/text.txt"}, names(workspace)
    expected = {"all": everything, "texts": texts, "files": everything - texts}[kind]
    assert names(target) == expected
    assert int(up.stdout) == len(expected)
    for name in expected:
        if name == "link":
            assert os.readlink(target / name) == os.readlink(workspace / name)
        else:
            assert (target / name).read_bytes() == (workspace / name).read_bytes()


def test_nothing_is_written_where_nothing_matches(objects: S3Objects, workspace: Path) -> None:
    up = agent("upload", workspace, "all", wanted={"paths": ["nope"], **signed(objects, "PUT")})
    assert (up.returncode, up.stdout) == (0, "0\n")
    assert objects.size("given.tar") is None


def test_a_refusal_is_told_without_the_address(objects: S3Objects, workspace: Path) -> None:
    wanted = {"paths": ["large.bin"], **signed(objects, "PUT")}
    wanted["address"] = str(wanted["address"]).replace("Signature=", "Signature=0")
    up = agent("upload", workspace, "all", wanted=wanted)
    assert up.returncode == 1
    assert "answered 403 SignatureDoesNotMatch" in up.stderr
    assert "Signature=" not in up.stderr
    assert "Traceback" not in up.stderr
    assert objects.size("given.tar") is None


def test_what_is_not_there_is_told(objects: S3Objects, tmp_path: Path) -> None:
    down = agent("download", tmp_path, wanted=signed(objects, "GET"))
    assert (down.returncode, "answered 404 NoSuchKey" in down.stderr) == (1, True)


def test_a_server_that_is_away_may_be_there_later(
    objects: S3Objects, server: S3Server, workspace: Path, tmp_path: Path
) -> None:
    up, down = signed(objects, "PUT"), signed(objects, "GET")
    server.stop()
    for done in (
        agent("upload", workspace, "all", wanted={"paths": ["*"], **up}),
        agent("download", tmp_path, wanted=down),
    ):
        assert done.returncode == LATER
        assert "cannot be reached" in done.stderr
        assert "Signature" not in done.stderr


def test_an_archive_that_leads_out_is_refused(objects: S3Objects, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../out"), io.BytesIO())
    objects.put("given.tar", stream.getvalue())
    down = agent("download", tmp_path / "x", wanted=signed(objects, "GET"))
    assert down.returncode == 1
    assert "leads out of its folder" in down.stderr


def test_private_authorities_are_trusted_as_they_are_given(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server(tmp_path / "tls", tls=True) as server:
        for name, value in server.credentials.items():
            monkeypatch.setenv(name, value)
        objects = objects_of(server)
        wanted = {"paths": ["*"], **signed(objects, "PUT")}
        assert agent("upload", workspace, "all", wanted=wanted).returncode == 0
        refused = agent("upload", workspace, "all", wanted={**wanted, "authorities": ""})
        assert refused.returncode == 1
        assert "object_store_ca_cert" in refused.stderr


def test_words_come_from_a_signed_address_too(objects: S3Objects, tmp_path: Path) -> None:
    door, words = tmp_path / "door", tmp_path / "words"
    told = signed(objects, "GET", "pod.words")
    assert agent("listen", tmp_path / "listen", wanted=told).returncode == 0

    def say(name: str, *command: str) -> None:
        word = {"id": name, "command": command, "input": ""}
        objects.put("pod.words", json.dumps(word).encode())

    with subprocess.Popen(
        [sys.executable, "-m", "c8s.agent", "keep", str(door), str(words)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        answers = map(json.loads, process.stdout or ())
        ended = (answer["id"] for answer in answers if "code" in answer)
        objects.put("pod.words", b'{"id": "half of')
        time.sleep(0.6)
        say("one", "sh", "-c", f"echo x >>{tmp_path}/said")
        assert next(ended) == "one"
        words.write_text(json.dumps({"id": "two", "command": ["true"], "input": ""}))
        assert next(ended) == "two"
        say("three", "sh", "-c", f"echo >{door}")
        assert next(ended) == "three"
    assert process.returncode == 0
    assert (tmp_path / "said").read_text() == "x\n", "though its word lay there all the time"
