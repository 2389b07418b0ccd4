"""Runs kept in a directory: their records, logs and artifacts, each under the run's name.

runs/NAME/record.json     the record, replaced whole at each change
runs/NAME/lock            held (flock) by the process that drives the run, and by nobody else
runs/NAME/cancel.json     the wish of another process that the run end
runs/NAME/logs/           masked logs, one file for each attempt of a step
runs/NAME/artifacts/      what steps left, by step and artifact
keys/DIGEST.json          the run that an idempotency key stands for
numbers/PIPELINE          how many runs of the pipeline there have been
caches/DIGEST.tar         what steps left for later runs
identity                  a name for this directory that no other one has
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import os
import pathlib
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..core.errors import Conflict, InvalidInput, NotFound, Unavailable
from ..core.names import dns_label, is_dns_label
from . import atomic, log_spool
from .log_mark import LogMark
from .stored_log import FileLog, StoredLog

Record = dict[str, Any]

# Who only asks whether a run is driven holds its lock for an instant, which is no driver.
_LOOKS, _LOOK_SECONDS = 5, 0.02

RUN_NAME_LIMIT = 50
_PARTS = ("metadata", "spec", "status")


def default_root(environment: Mapping[str, str]) -> pathlib.Path:
    """Where runs are kept unless something else is said: C8S_STORE, else the XDG data folder."""
    if environment.get("C8S_STORE"):
        return pathlib.Path(environment["C8S_STORE"]).expanduser()
    data = environment.get("XDG_DATA_HOME") or "~/.local/share"
    return pathlib.Path(data).expanduser() / "c8s"


class RunDirectory:
    """All runs below `root`, which is made when first written to."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root.expanduser().absolute()

    def __str__(self) -> str:
        return str(self.root)

    # --- records -------------------------------------------------------------------------------

    def create_all(self, records: Sequence[Record]) -> list[bool]:
        """Keep new runs; False for each, and nothing done, where one of its name exists."""
        return [
            atomic.create(
                self.run(record["metadata"]["name"]) / "record.json", atomic.to_json(record)
            )
            for record in records
        ]

    def write(self, record: Record) -> None:
        """Replace the record of a run; that of one that has ended outlives a power cut too."""
        path = self.run(record["metadata"]["name"]) / "record.json"
        ended = "completionTime" in record["status"]
        atomic.write(path, atomic.to_json(record), durable=ended)

    def settle(self) -> None:
        """Nothing is held back."""

    def kept(self, _name: str) -> bool:
        """What was written is kept."""
        return True

    def flush(self) -> None:
        """Nothing is under way."""

    def doubtful(self) -> frozenset[str]:
        """None: a lock is held while its process lives."""
        return frozenset()

    def lost(self) -> frozenset[str]:
        """None, for the same reason."""
        return frozenset()

    def read(self, name: str) -> Record:
        """The record of a run; NotFound says which runs there are."""
        path = self.run(name) / "record.json"
        if not path.exists():
            known = ", ".join(self.names()[-5:]) or "none"
            raise NotFound(f"no run is named {name!r} in {self.root} (the latest: {known})")
        return _record(path)

    def read_all(self, names: Sequence[str]) -> list[Record]:
        """The records of these runs, in order."""
        return [self.read(name) for name in names]

    def names(self) -> list[str]:
        """All runs, oldest first, but those whose record is damaged: `read` tells of these."""
        found = []
        for path in (self.root / "runs").glob("*/record.json"):
            with contextlib.suppress(Unavailable, NotFound):  # It may be removed meanwhile.
                metadata = _record(path)["metadata"]
                found.append((metadata["creationTimestamp"], metadata["name"]))
        return [name for _born, name in sorted(found)]

    def listed(self) -> list[str]:
        """All runs by name, without a look into any of them."""
        return sorted(path.parent.name for path in (self.root / "runs").glob("*/record.json"))

    def remove(self, name: str) -> None:
        """Forget a run with all it left; Conflict while somebody drives it."""
        if self.driven(name):
            raise Conflict(f"run {name!r} is being driven; cancel it first")
        with atomic.explained(self.run(name)):
            shutil.rmtree(self.run(name))

    def identity(self, *, make: bool = False) -> str:
        """A name that no other directory has; empty where it has none yet and none is to be made.

        Whoever shares the directory shares its name, as they share its locks.
        """
        path = self.root / "identity"
        if make and not path.exists():
            atomic.create(path, secrets.token_hex(8).encode())
        with atomic.explained(path):
            return path.read_text() if path.exists() else ""

    # --- places --------------------------------------------------------------------------------

    def run(self, name: str) -> pathlib.Path:
        """A run's folder; InvalidInput for what cannot be its name (`../..`, say)."""
        if not is_dns_label(name):
            raise InvalidInput(f"{name[:80]!r} cannot be the name of a run")
        return self.root / "runs" / name

    def log(self, name: str, step: str, attempt: int) -> pathlib.Path:
        """The masked log of an attempt: the step's name, and the number from the second on."""
        suffix = "" if attempt <= 1 else f".{attempt}"
        return self.run(name) / "logs" / f"{step}{suffix}.log"

    def whole_logs(self) -> Iterator[tuple[pathlib.Path, LogMark]]:
        """The logs here that are known to be whole, of runs that nobody drives."""
        for folder in (self.root / "runs").glob("*/logs"):
            marks = [(path, log_spool.found(path)) for path in folder.glob("*.log")]
            left = [(path, mark) for path, mark in marks if mark is not None and mark.sealed]
            if left and not self.driven(folder.parent.name):
                yield from left

    def stored_log(self, name: str, step: str, attempt: int) -> StoredLog:
        """The same, to be read."""
        return FileLog(self.log(name, step, attempt))

    def artifacts(self, name: str, step: str) -> pathlib.Path:
        return self.run(name) / "artifacts" / step

    def cache(self, key: str) -> pathlib.Path:
        return self.root / "caches" / f"{hashlib.sha256(key.encode()).hexdigest()}.tar"

    def expire(self, artifact: pathlib.Path, until: datetime.datetime) -> None:
        """Say when a kept artifact may go."""
        atomic.write(artifact.with_name(f"{artifact.name}.expires"), until.isoformat().encode())

    def drop_expired(self, now: datetime.datetime) -> int:
        """Remove the artifacts whose time is over; how many there were."""
        dropped = 0
        for note in (self.root / "runs").glob("*/artifacts/*/*.expires"):
            with atomic.explained(note):
                if datetime.datetime.fromisoformat(note.read_text()) <= now:
                    shutil.rmtree(note.with_suffix(""), ignore_errors=True)
                    note.unlink(missing_ok=True)
                    dropped += 1
        return dropped

    # --- one name for one wish -----------------------------------------------------------------

    def name_for(self, pipeline: str, wanted: str, key: str) -> tuple[str, int]:
        """The name of the run that an order stands for, and its number among the pipeline's.

        The number is part of the name unless one is `wanted`. A `key` that was given before
        stands for the same run again. No two callers get the same new name.
        """
        claimed = self._claimed(key) if key else None
        if claimed is not None:
            return claimed
        number = self._next_number(pipeline)
        name = wanted or dns_label(pipeline, str(number), limit=RUN_NAME_LIMIT)
        if key:
            claim = {"key": key, "run": name, "number": number}
            if not atomic.create(self._key_path(key), atomic.to_json(claim)):
                return self._claimed(key) or (name, number)
        return name, number

    def existing(self, pipeline: str, wanted: str, key: str) -> str:
        """The run that an order stands for already; empty where it would make a new one."""
        claimed = self._claimed(key) if key else None
        name = claimed[0] if claimed else wanted
        return name if name and (self.run(name) / "record.json").exists() else ""

    def _key_path(self, key: str) -> pathlib.Path:
        return self.root / "keys" / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _claimed(self, key: str) -> tuple[str, int] | None:
        path = self._key_path(key)
        if not path.exists():
            return None
        claim = atomic.read_json(path)
        return claim["run"], claim["number"]

    def _next_number(self, pipeline: str) -> int:
        path = self.root / "numbers" / pipeline
        with atomic.explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "a+b") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                stream.seek(0)
                known = stream.read() or b"0"
                if not known.isdigit():
                    raise Unavailable(f"{path} is damaged: it holds no number; remove it")
                number = int(known) + 1
                stream.truncate(0)
                stream.write(str(number).encode())
        return number

    # --- who drives ----------------------------------------------------------------------------

    def lock(self, name: str) -> Lock | None:
        """The right to drive the run, or None while another process has it."""
        for _look in range(_LOOKS):
            if (found := Lock.take(self.run(name) / "lock")) is not None:
                return found
            time.sleep(_LOOK_SECONDS)
        return None

    def driven(self, name: str) -> bool:
        """Whether a process drives the run now."""
        held = Lock.take(self.run(name) / "lock")
        if held is None:
            return True
        held.release()
        return False

    def request_cancel(self, name: str, request: Record) -> None:
        """Leave the wish that the run end, for the process that drives it."""
        self.read(name)
        atomic.write(self.run(name) / "cancel.json", atomic.to_json(request))

    def cancel_request(self, name: str) -> Record | None:
        path = self.run(name) / "cancel.json"
        if not path.exists():
            return None
        request: Record = atomic.read_json(path)
        return request


def _record(path: pathlib.Path) -> Record:
    """The record in a file; Unavailable where what is there is none."""
    record = atomic.read_json(path)
    parts = [record.get(part) for part in _PARTS] if isinstance(record, dict) else []
    if not parts or not all(isinstance(part, dict) for part in parts):
        raise Unavailable(f"{path} is damaged: it is no record of a run; remove its folder")
    if not {"name", "creationTimestamp"} <= record["metadata"].keys():
        raise Unavailable(f"{path} is damaged: the run in it has no name; remove its folder")
    return dict(record)


class Lock:
    """A file locked by this process; it is free again when the process ends, however it ends.

    `first`: nobody has locked it before.
    """

    def __init__(self, descriptor: int, *, first: bool) -> None:
        self._descriptor = descriptor
        self.first = first

    @classmethod
    def take(cls, path: pathlib.Path) -> Lock | None:
        with atomic.explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            flags, first = os.O_RDWR | os.O_CLOEXEC, True
            try:
                descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                descriptor, first = os.open(path, flags | os.O_CREAT, 0o600), False
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
        return cls(descriptor, first=first)

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
