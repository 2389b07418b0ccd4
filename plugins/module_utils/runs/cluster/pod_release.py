"""The release of pods that were prepared ahead: one command in the container that waits."""

from __future__ import annotations

import datetime

from ...core.errors import Conflict, NotFound, Timeout, Unavailable
from ...kube.connection import Client
from ...kube.exec import execute
from ...pipeline.pod import CONTROL, HOLD_CONTAINER, Manifest, release_command
from ...pipeline.pod_status import held_by
from ...pipeline.spec import Step
from ..clock import Clock

RELEASE_SECONDS = 30.0


class PodRelease:
    """Lets held pods of one namespace go."""

    def __init__(self, client: Client, namespace: str, clock: Clock) -> None:
        self._client = client
        self._namespace = namespace
        self._clock = clock

    def release(self, step: Step, pod: Manifest) -> datetime.datetime:
        """Let the pod begin with its step; the moment at which it was let go first.

        May be called again. Raises Unavailable where its container could not be reached.
        """
        name, container = pod["metadata"]["name"], held_by(pod)
        now = self._clock()
        command = release_command(step, now.isoformat())
        if container == HOLD_CONTAINER:
            command = ["touch", f"{CONTROL}/released"]
        try:
            result = execute(
                self._client, self._namespace, name, container, command, timeout=RELEASE_SECONDS
            )
        except (Conflict, NotFound, Timeout) as error:
            # Its pod goes away, or its node is behind: what is to be seen of it will tell.
            raise Unavailable(f"{name}/{container} could not be released: {error}") from error
        if result.exit_code != 0:
            said = result.message or result.stderr.decode(errors="replace").strip()
            raise Unavailable(f"{name}/{container} could not be released: {said}")
        if container == HOLD_CONTAINER:
            return now
        return datetime.datetime.fromisoformat(result.stdout.decode().strip())
