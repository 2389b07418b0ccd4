"""Stores that are full, read-only or damaged: told clearly, nothing half done, and gone on with."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError, Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.runs import inspection
from ansible_collections.c8s.ci.plugins.module_utils.storage import atomic

from faults_launching import Launch, lines, phases, record_of
from host_yard import Yard, alive, pipeline, wait_for


@pytest.fixture
def marker() -> str:
    return f"mark-{uuid.uuid4().hex}"


def bounded_files(size: int) -> Callable[[], None]:
    """What a process does before it begins: no file of it may grow past `size` bytes."""

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return bound


def test_a_log_that_finds_no_room_fails_its_step_and_says_where(yard: Yard, marker: str):
    """The bound on files stands for the disk: a write past it fails as one on a full disk."""
    launch = Launch(yard, {"loud": [f"head -c 1000000 /dev/zero; sleep 300; : {marker}"]})
    record = record_of(launch.begin(preexec_fn=bounded_files(20_000)))
    (status,) = record["status"]["steps"]
    assert (status["phase"], status["reason"]) == ("Failed", "StorageError")
    assert str(yard.store) in status["message"]
    assert alive(marker) == []
    assert list(yard.workspaces.iterdir()) == []


def test_a_record_that_finds_no_room_ends_all_and_goes_on_later(yard: Yard, marker: str):
    quick, slow, room = (yard.folder / name for name in ("quick", "slow", "room"))
    launch = Launch(
        yard,
        {
            "quick": [f"echo + >>{quick}"],
            "slow": {"commands": [f"echo + >>{slow}; sleep 0.3"], "dependsOn": ["quick"]},
            "aside": [f"test -e {room} || sleep 300; : {marker}"],
        },
        options=("--name", "trial"),
    )
    room.touch()
    launch.whole()
    size = (yard.store / "runs" / "trial" / "record.json").stat().st_size
    for path in (quick, slow, room):
        path.unlink()
    launch.options = ("--name", "mined")
    process = launch.begin(preexec_fn=bounded_files(size - 300))
    output, complaint = process.communicate(timeout=60)
    assert process.returncode not in (0, -signal.SIGXFSZ)
    assert str(yard.store) in (output + complaint).decode()
    assert "Traceback" not in complaint.decode()
    assert alive(marker) == []
    assert list(yard.workspaces.iterdir()) == []
    assert not list(yard.store.rglob(".record.json.*"))
    assert inspection.one(yard.records, "mined")["status"]["reason"] == "Interrupted"

    room.touch()
    record = launch.whole()
    assert set(phases(record).values()) == {"Succeeded"}
    assert lines(quick) == ["+"]


@pytest.fixture
def disk(yard: Yard) -> Iterator[Callable[[str], None]]:
    """Puts a disk of its own under the store, with these mount options; again: changes them."""
    mounted = False

    def put(options: str) -> None:
        nonlocal mounted
        yard.store.mkdir(exist_ok=True)
        words = f"remount,{options}" if mounted else options
        subprocess.run(["mount", "-t", "tmpfs", "-o", words, "tmpfs", yard.store], check=True)
        mounted = True

    yield put
    if mounted:
        subprocess.run(["umount", yard.store], check=True)


def test_a_full_disk_under_the_store_loses_nothing_that_was_kept(
    yard: Yard, marker: str, disk: Callable[[str], None]
):
    quick, room = (yard.folder / name for name in ("quick", "room"))
    launch = Launch(
        yard,
        {
            "quick": [f"echo + >>{quick}"],
            "loud": {
                "commands": [
                    "head -c 1000000 /dev/zero | tr '\\0' x",
                    f"test -e {room} || sleep 300; : {marker}",
                ],
                "dependsOn": ["quick"],
            },
        },
    )
    disk("size=512k")
    process = launch.begin()
    _output, complaint = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert f"{yard.store}/runs/mine/record.json; make room there" in complaint.decode()
    assert "Traceback" not in complaint.decode()
    assert alive(marker) == []
    assert list(yard.workspaces.iterdir()) == []

    disk("size=16m")
    room.touch()
    record = launch.whole()
    assert set(phases(record).values()) == {"Succeeded"}
    assert lines(quick) == ["+"]


def test_a_store_on_a_read_only_disk_is_told(yard: Yard, disk: Callable[[str], None]):
    disk("ro")
    process = Launch(yard, {"only": ["true"]}).begin()
    _output, complaint = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert str(yard.store) in complaint.decode()
    assert "Read-only file system" in complaint.decode()
    assert "Traceback" not in complaint.decode()


def test_without_room_for_a_record_nothing_is_half_written(tmp_path: Path):
    place = tmp_path / "deep" / "record.json"
    atomic.write(place, b"whole")
    program = (
        "import sys, pathlib, signal, resource\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "from ansible_collections.c8s.ci.plugins.module_utils.storage import atomic\n"
        "from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Unavailable\n"
        "for act in (atomic.write, atomic.create):\n"
        "    try: act(pathlib.Path(sys.argv[1]), b'x' * 100)\n"
        "    except Unavailable as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(place)], capture_output=True, text=True, check=True
    )
    assert done.stdout.count(str(place)) == 2
    assert place.read_bytes() == b"whole"
    assert [path.name for path in place.parent.iterdir()] == ["record.json"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"metadata": 3}', b"\xff\xfe", b'{"metadata": {}}']
)
def test_a_damaged_record_is_told_and_hides_no_other_run(yard: Yard, content: bytes):
    whole = yard.launch(small(), name="whole").run
    yard.launch(small(), name="broken")
    (yard.store / "runs" / "broken" / "record.json").write_bytes(content)
    with pytest.raises(Unavailable, match=r"broken.*damaged"):
        inspection.one(yard.records, "broken")
    with pytest.raises(C8sError, match="damaged"):
        yard.launch(small(), name="broken")
    assert inspection.one(yard.records, whole.name)["metadata"]["name"] == "whole"
    assert "whole" in yard.records.names()


def test_a_damaged_number_is_told(yard: Yard):
    yard.launch(small())
    (yard.store / "numbers" / "demo").write_text("many")
    with pytest.raises(C8sError, match="numbers/demo"):
        yard.launch(small())


def test_a_store_that_is_a_file_is_told(yard: Yard):
    yard.store.write_text("")
    with pytest.raises(C8sError, match=str(yard.store)):
        yard.launch(small())


def test_what_permissions_refuse_is_explained(yard: Yard):
    """Root, who runs these tests, may write everywhere; a read-only disk is tested above."""
    with pytest.raises(C8sError, match="may not be written"), atomic.explained(yard.store):
        raise PermissionError(13, "Permission denied")


def test_a_store_that_goes_away_ends_the_run_clearly(yard: Yard, marker: str):
    launch = Launch(
        yard, {"only": [f"touch {yard.folder}/begun; sleep 1; : {marker}"], "next": ["sleep 2"]}
    )
    process = launch.begin()
    wait_for((yard.folder / "begun").exists, "the step has begun")
    yard.store.rename(yard.folder / "moved")
    _output, complaint = process.communicate(timeout=60)
    assert b"Traceback" not in complaint
    wait_for(lambda: not alive(marker), "nothing is left")
    assert list(yard.workspaces.iterdir()) == []


def small() -> bytes:
    return pipeline({"only": ["true"]})
