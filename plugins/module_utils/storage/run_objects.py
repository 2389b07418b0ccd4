"""Where in an object store the runs of a namespace keep what they leave.

NAMESPACE/RUN/STEP.log               the masked log of a step, once whole (STEP.2.log: attempt 2)
NAMESPACE/RUN/_parts/STEP.log/N      the same while it grows, from byte N on
NAMESPACE/RUN/_kept/POD.json         what was kept of a pod, so that nobody fetches it again
NAMESPACE/RUN/_kept/POD.words        what a pod on its way out is to do
NAMESPACE/RUN/_kept/UID.log          the note that the log of the pod with this uid is whole
NAMESPACE/RUN/artifacts/STEP/NAME/   two archives: texts.tar (masked) and files.tar
NAMESPACE/_caches/DIGEST.tar         what steps left for later runs
NAMESPACE/_expiries/TIME-DIGEST      artifacts that may go at that time

No run's name begins with `_`, and no step's.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import urllib.parse
from collections.abc import Iterator

from .log_uploads import LogKeys
from .objects import Objects
from .stored_log import ObjectLog

_TIME = "%Y%m%dT%H%M%S"


@dataclasses.dataclass(frozen=True, slots=True)
class RunObjects:
    """`root` is empty or ends with `/`: the namespace, as a folder of the store."""

    objects: Objects
    root: str

    def log(self, run: str, step: str, attempt: int) -> str:
        suffix = "" if attempt <= 1 else f".{attempt}"
        return f"{self.root}{run}/{step}{suffix}.log"

    def parts(self, log: str) -> str:
        """Below which the parts of the log with this key are."""
        folder, _slash, name = log.rpartition("/")
        return f"{folder}/_parts/{name}/"

    def keys_of(self, run: str, log: str, origin: str) -> LogKeys:
        """Where the log in a file of this name goes, which is that of a pod with this uid."""
        folder = f"{self.root}{run}"
        return LogKeys(
            f"{folder}/{log}", self.parts(f"{folder}/{log}"), f"{folder}/_kept/{origin}.log"
        )

    def kept(self, run: str, pod: str) -> str:
        return f"{self.root}{run}/_kept/{pod}.json"

    def words(self, run: str, pod: str) -> str:
        return f"{self.root}{run}/_kept/{pod}.words"

    def stored_log(self, run: str, step: str, attempt: int) -> ObjectLog:
        """The log of an attempt, to be read."""
        key = self.log(run, step, attempt)
        return ObjectLog(self.objects, key, self.parts(key))

    def artifact(self, run: str, step: str, name: str) -> str:
        """Below which an artifact is; its name may hold what a key cannot."""
        return f"{self.root}{run}/artifacts/{step}/{urllib.parse.quote(name, safe=' ')}/"

    def cache(self, key: str) -> str:
        return f"{self.root}_caches/{hashlib.sha256(key.encode()).hexdigest()}.tar"

    def remove(self, run: str) -> None:
        """Forget all that a run has left."""
        self.objects.delete([found.key for found in self.objects.listing(f"{self.root}{run}/")])

    # --- artifacts that may go -----------------------------------------------------------------

    def expire(self, keys: list[str], until: datetime.datetime) -> None:
        """Say when these objects may go."""
        digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]
        moment = until.astimezone(datetime.UTC).strftime(_TIME)
        note = f"{self.root}_expiries/{moment}-{digest}"
        self.objects.put(note, json.dumps(keys).encode())

    def drop_expired(self, now: datetime.datetime) -> int:
        """Remove the objects whose time is over; how many there were."""
        dropped = 0
        for note in self._due(now.astimezone(datetime.UTC).strftime(_TIME)):
            keys = json.loads(self.objects.get(note))
            self.objects.delete([*keys, note])
            dropped += len(keys)
        return dropped

    def _due(self, moment: str) -> Iterator[str]:
        prefix = f"{self.root}_expiries/"
        for note in self.objects.listing(prefix):
            if note.key.removeprefix(prefix)[: len(moment)] > moment:
                return
            yield note.key
