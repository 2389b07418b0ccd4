"""Run records kept in a cluster as ConfigMaps: no resource definition and no controller needed.

Of a run that goes on only what changed some seconds ago is written, by threads for which no driver
waits; whatever is missing when it dies is read again from the Jobs, whose names anybody can work
out. A run is locked by a file on the driver's host, and by a claim that runs out for other hosts
(`claims`). Should two drive it all the same, they meet in the same Jobs and double nothing.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import hashlib
import json
import pathlib
import secrets
import time
from collections.abc import Sequence

from ...core.errors import Conflict, InvalidInput, NotFound, Unavailable
from ...core.names import dns_label
from ...kube.connection import JSON_PATCH, MERGE_PATCH, METADATA, Client
from ...kube.faults import AlreadyExists
from ...pipeline.job import LABEL, run_selectors
from ...pipeline.status import Phase
from ...storage.run_directory import RUN_NAME_LIMIT, Lock, RunDirectory
from ...storage.run_objects import RunObjects
from ...storage.stored_log import StoredLog
from ..artifacts import remove
from .claim_writer import ClaimWriter
from .claims import UNTIL, Claims
from .config_map import (
    SELECTOR,
    Record,
    config_map,
    config_map_name,
    record_of,
    record_patch,
)
from .record_writer import RecordWriter

CANCEL_LOOK_SECONDS = 2.0
OUTAGE_SECONDS = 300.0
"""How long the API server may be away from the records of runs that go on."""
_ANNOTATION = f"{LABEL}/cancel-request"
# The server need not look for faults in what is made here.
_UNREAD = {"fieldValidation": "Ignore"}


class ConfigMapRecords:
    """The runs of one namespace. Their locks and logs are in `directory`, on this host."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        directory: RunDirectory,
        objects: RunObjects | None = None,
    ) -> None:
        self.directory = directory
        self._objects = objects
        self._client = client
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"
        self._claims = Claims(directory, client.time.now)
        self._uids: dict[str, str] = {}
        self._writer = RecordWriter(self._send)
        self._claiming = ClaimWriter(
            client, self._claims, self._place, self._get, self._writer.pool
        )
        self._cancels: dict[str, Record] = {}
        self._look: concurrent.futures.Future[None] | None = None
        self._look_at = 0.0

    def __str__(self) -> str:
        return f"{self._client.server}{self._path}"

    def _place(self, name: str) -> str:
        """The path of a run's record on the server."""
        return f"{self._path}/{config_map_name(name)}"

    def create_all(self, records: Sequence[Record]) -> list[bool]:
        create = functools.partial(self._create, among=len(records))
        made = list(self._writer.pool.map(create, records))
        for record, new in zip(records, made, strict=True):
            if new:
                self._writer.created(record["metadata"]["name"])
        return made

    def _create(self, record: Record, *, among: int) -> bool:
        name = record["metadata"]["name"]
        manifest = config_map(record)
        # A parent's claim is that of its children.
        claim = None if record["spec"].get("parent") else self._claims.fresh(name, among=among)
        if claim is not None:
            manifest["metadata"]["annotations"] = claim.annotations()
        try:
            # A name stands for one record: what comes twice meets what came first.
            made = self._client.request(
                "POST",
                self._path,
                manifest,
                params=_UNREAD,
                accept=METADATA,
                repeatable=True,
                doing=f"keep the record of run {name}",
            )
        except AlreadyExists:
            made = self._get(name)
            if record_of(made)["metadata"]["uid"] != record["metadata"]["uid"]:
                self._claims.forget(name)
                return False
        if claim is not None:
            self._claims.confirm(name, claim)
        self._uids[name] = made["metadata"]["uid"]
        return True

    def write(self, record: Record) -> None:
        ended = Phase(record["status"]["phase"]).terminal
        self._writer.write(record["metadata"]["name"], record, ended=ended)

    def settle(self) -> None:
        self._writer.settle()
        self._claiming.renew()

    def doubtful(self) -> frozenset[str]:
        return self._claims.doubtful()

    def lost(self) -> frozenset[str]:
        return self._claims.lost()

    def kept(self, name: str) -> bool:
        return self._writer.kept(name)

    def flush(self) -> None:
        self._writer.flush()

    def _send(self, name: str, record: Record) -> None:
        annotations, claim = {}, None
        if not record["spec"].get("parent"):
            annotations = {UNTIL: ""}
            if Phase(record["status"]["phase"]).terminal:
                self._claims.forget(name)
            else:
                claim = self._claims.again(name)
                if claim is None:
                    return  # Another host drives it, and writes what it sees.
                annotations = claim.annotations()
        try:
            self._client.request(
                "PATCH",
                self._place(name),
                record_patch(record, annotations, self._claims.holder if annotations else ""),
                params=_UNREAD,
                content_type=JSON_PATCH,
                accept=METADATA,
                repeatable=True,
                patience=OUTAGE_SECONDS,
                doing=f"keep the record of run {name}",
            )
        except InvalidInput:
            if annotations and self._claiming.is_lost(name):
                return  # The driver hears of it at its next turn.
            raise
        except Unavailable as error:
            raise Unavailable(
                f"cannot keep the record of run {name}, not for {OUTAGE_SECONDS:.0f} seconds:"
                f" {error}; what it has begun in the cluster goes on: call again to go on with it"
            ) from error
        if claim is not None:
            self._claims.confirm(name, claim)

    def read(self, name: str) -> Record:
        found = self._get(name)
        self._uids[name] = found["metadata"]["uid"]
        return record_of(found)

    def _get(self, name: str) -> Record:
        try:
            found: Record = self._client.request(
                "GET", self._place(name), doing=f"read the record of run {name}"
            )
        except NotFound:
            raise NotFound(f"no run is named {name!r} in {self}") from None
        self._claims.saw(name, found)
        self._take_cancel(name, found)
        return found

    def read_all(self, names: Sequence[str]) -> list[Record]:
        return list(self._writer.pool.map(self.read, names))

    def records(self) -> list[Record]:
        """All records, oldest first."""
        listed = self._client.request(
            "GET", self._path, params={"labelSelector": SELECTOR}, doing="list the runs"
        )
        return sorted(
            (record_of(item) for item in listed["items"]),
            key=lambda record: (
                record["metadata"]["creationTimestamp"],
                record["metadata"]["name"],
            ),
        )

    def several(self, names: Sequence[str]) -> dict[str, Record]:
        """The records of these runs that there are, by name; a request for each hundred."""
        found: dict[str, Record] = {}
        for labels in run_selectors(SELECTOR, names):
            listed = self._client.request(
                "GET",
                self._path,
                params={"labelSelector": labels},
                doing="read the records of runs",
            )
            for item in listed["items"]:
                record = record_of(item)
                name = record["metadata"]["name"]
                found[name] = record
                self._claims.saw(name, item)
        return found

    def listed(self) -> list[str]:
        """All runs by name."""
        return sorted(self.names())

    def names(self) -> list[str]:
        return [record["metadata"]["name"] for record in self.records()]

    def name_for(self, pipeline: str, wanted: str, key: str) -> tuple[str, int]:
        """A key is part of the name, so that no second object has to remember it."""
        ending = hashlib.sha256(key.encode()).hexdigest()[:10] if key else secrets.token_hex(4)
        return wanted or dns_label(pipeline[:39].rstrip("-"), ending, limit=RUN_NAME_LIMIT), 0

    def existing(self, pipeline: str, wanted: str, key: str) -> str:
        """The run that an order stands for already; empty where it would make a new one."""
        if not wanted and not key:
            return ""
        name, _number = self.name_for(pipeline, wanted, key)
        try:
            self.read(name)
        except NotFound:
            return ""
        return name

    def owner(self, name: str) -> Record:
        """The owner reference to a run's record, for its Jobs."""
        if name not in self._uids:
            self.read(name)
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": config_map_name(name),
            "uid": self._uids[name],
        }

    def remove(self, name: str) -> None:
        """Forget a run with all it left; what it owns goes with it. Conflict while it is driven
        from here."""
        folder = self.directory.run(name)
        if folder.exists() and self.directory.driven(name):
            raise Conflict(f"run {name!r} is being driven; cancel it first")
        if self._objects is not None:
            self._objects.remove(name)
        remove(folder)
        self._client.request(
            "DELETE",
            self._place(name),
            {"propagationPolicy": "Background"},
            doing=f"remove run {name}",
        )

    # --- who drives, and who wants it to end ---------------------------------------------------

    def lock(self, name: str) -> Lock | None:
        lock = self.directory.lock(name)
        if lock is not None and not self._claiming.take(name):
            lock.release()
            return None
        return lock

    def driven(self, name: str) -> bool:
        """Whether a process of this host drives it, or one of another that has a good claim."""
        if self.directory.run(name).exists() and self.directory.driven(name):
            return True
        if not self._claims.known(name):
            self._get(name)
        return self._claims.elsewhere(name)

    def run(self, name: str) -> pathlib.Path:
        """The folder of this host with what the run left."""
        return self.directory.run(name)

    def log(self, name: str, step: str, attempt: int) -> pathlib.Path:
        """The masked log of an attempt, where this host has kept it."""
        return self.directory.log(name, step, attempt)

    def stored_log(self, name: str, step: str, attempt: int) -> StoredLog:
        """The masked log of an attempt, wherever it is kept."""
        if self._objects is not None:
            return self._objects.stored_log(name, step, attempt)
        return self.directory.stored_log(name, step, attempt)

    def request_cancel(self, name: str, request: Record) -> None:
        self._client.request(
            "PATCH",
            self._place(name),
            {
                "metadata": {
                    "labels": {f"{LABEL}/cancel": "requested"},
                    "annotations": {_ANNOTATION: json.dumps(request)},
                }
            },
            content_type=MERGE_PATCH,
            repeatable=True,
            doing=f"cancel run {name}",
        )

    def cancel_request(self, name: str) -> Record | None:
        """One list for all runs, every other second, for which nobody waits."""
        if self._look is not None and self._look.done():
            done, self._look = self._look, None
            self._look_at = time.monotonic() + CANCEL_LOOK_SECONDS
            # In an outage the wish waits like everything else.
            with contextlib.suppress(Unavailable):
                done.result()
        if self._look is None and time.monotonic() >= self._look_at:
            self._look = self._writer.pool.submit(self._look_for_cancels)
        return self._cancels.get(name)

    def _look_for_cancels(self) -> None:
        listed = self._client.request(
            "GET",
            self._path,
            params={"labelSelector": f"{SELECTOR},{LABEL}/cancel=requested"},
            doing="look for runs to cancel",
        )
        for item in listed["items"]:
            self._take_cancel(record_of(item)["metadata"]["name"], item)

    def _take_cancel(self, name: str, kept: Record) -> None:
        request = (kept["metadata"].get("annotations") or {}).get(_ANNOTATION)
        if request:
            self._cancels[name] = json.loads(request)
