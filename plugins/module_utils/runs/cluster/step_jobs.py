"""The Jobs of steps: made once, ended, let go; and why one has no pod."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import time
from collections.abc import Callable, Sequence

from ...core.errors import C8sError, Conflict, Denied, InvalidInput, NotFound, Unavailable
from ...core.names import label_value
from ...kube.connection import MERGE_PATCH, METADATA
from ...kube.faults import QuotaExceeded
from ...kube.kinds import EVENT, JOB, POD
from ...kube.resources import Resources
from ...pipeline.container import Manifest
from ...pipeline.job import LABEL, MANAGED_BY, job, run_selectors
from ...pipeline.observation import Observation, State
from ...pipeline.pod import ENDING_SECONDS, RELEASED_AT, RESCUE_SECONDS, JobSettings
from ...pipeline.run import Run
from ..clock import Clock
from .pod_attempt import PodAttempt

LOOK_SECONDS = 5.0
FIRST_LOOK_SECONDS = 30.0
"""When a Job that has just been made is looked at first: nearly always its pod comes before."""
LOOK_SOON_SECONDS = 0.5
"""After how long it is looked at whose pod has gone, or is disrupted."""
REFUSED_PATIENCE = 30.0
"""Seconds for which a Job whose pods are refused is waited for; room in a quota has no limit."""
CREATORS = 8
OURS = ",".join(f"{key}={value}" for key, value in MANAGED_BY.items())


class StepJobs:
    """Writes what the driver decided about Jobs and their pods, in threads of its own.

    `wake` is called with a run's id when there is something to see of that run. All calls come
    from the driver's thread.
    """

    def __init__(
        self,
        resources: Resources,
        settings: JobSettings,
        clock: Clock,
        wake: Callable[[str], None],
    ) -> None:
        self._resources = resources
        self._settings = settings
        self._clock = clock
        self._wake = wake
        self._complaints: dict[str, str] = {}
        self._asked: concurrent.futures.Future[dict[str, str]] | None = None
        self._ask_at = 0.0
        self._pool = concurrent.futures.ThreadPoolExecutor(CREATORS, "c8s-create")

    def finish(self) -> None:
        """Wait for what is under way, and take fresh workers for runs that may come."""
        self._pool.shutdown(wait=True)
        self._pool = concurrent.futures.ThreadPoolExecutor(CREATORS, "c8s-create")

    def make(self, run: Run, owner: Manifest, followed: PodAttempt) -> None:
        """Make the Job of an attempt, unless that is under way or done."""
        if followed.begun("create"):
            return
        step = run.pipeline.step(followed.step)
        manifest = job(run, step, followed.attempt, self._settings, owner, ahead=followed.ahead)
        followed.attention_at = time.monotonic() + LOOK_SECONDS
        followed.look_at = time.monotonic() + FIRST_LOOK_SECONDS
        creation = self._pool.submit(self._create, run.uid, manifest)
        followed.work["create"] = creation
        creation.add_done_callback(lambda done: self._wake(run.uid) if done.exception() else None)

    def _create(self, run_id: str, manifest: Manifest) -> bool:
        """Whether it is sure that this call has made the Job, and no other driver."""
        made, sure = self._resources.create_once(manifest, self._settings.namespace)
        if not sure and made["metadata"]["labels"].get(f"{LABEL}/run-id") != label_value(run_id):
            raise Conflict(f"Job {made['metadata']['name']} exists and belongs to somebody else")
        return sure

    def refusal(
        self,
        run: Run,
        owner: Manifest,
        followed: PodAttempt,
        base: Observation,
        mask: Callable[[str], str],
    ) -> Observation | None:
        """What to report where the API server did not take the Job; tried again where it may."""
        creation = followed.work.get("create")
        error = creation.exception() if creation is not None and creation.done() else None
        if error is None:
            return None
        if isinstance(error, QuotaExceeded | Unavailable) and "end" not in followed.work:
            if time.monotonic() >= followed.attention_at:
                del followed.work["create"]
                self.make(run, owner, followed)
            reason = "QuotaExceeded" if isinstance(error, QuotaExceeded) else "Unavailable"
            return dataclasses.replace(base, reason=reason, message=mask(str(error)))
        if not isinstance(error, C8sError):
            raise error
        reasons = {Denied: "Denied", InvalidInput: "JobRefused", Conflict: "JobConflict"}
        reason = next(
            (text for kind, text in reasons.items() if isinstance(error, kind)), "JobFailed"
        )
        followed.final = dataclasses.replace(
            base,
            state=State.ENDED,
            completion_time=self._clock(),
            reason=reason,
            message=mask(str(error)),
        )
        return followed.final

    def found(self, followed: PodAttempt) -> Manifest | None:
        """The Job as it was when it was looked at last, None where there was none. Until then it is
        taken to be there. It is looked at now and then; soon where its pod has been seen."""
        creation, look = followed.work.get("create"), followed.work.get("look")
        now = time.monotonic()
        if creation is not None and not creation.done():
            # It waits for its turn: what is made can be seen only after that.
            followed.look_at = now + LOOK_SECONDS
        elif look is not None and look.done():
            del followed.work["look"]
            followed.look_at = now + followed.look_pause.next()
            if not isinstance(look.exception(), Unavailable):
                followed.job = look.result()
        elif look is None and now >= followed.look_at:
            name, namespace = followed.job_name, self._settings.namespace
            self._begin(followed, "look", lambda: self._resources.find(JOB, name, namespace))
        if followed.pod:
            followed.look_at = min(followed.look_at, now + LOOK_SOON_SECONDS)
        return followed.job

    def why_no_pod(self, followed: PodAttempt, found: Observation) -> Observation:
        """A Job without a pod: say what its controller complains of, a quota most likely."""
        if time.monotonic() >= followed.attention_at:
            message = self._complaint(followed.job_name)
            if message:
                quota = "exceeded quota" in message
                followed.note = ("QuotaExceeded" if quota else "PodRefused", message)
        reason, message = followed.note
        found = dataclasses.replace(found, reason=reason, message=message)
        if reason != "PodRefused":
            followed.refused_at = None
        elif followed.refused_at is None:
            followed.refused_at = time.monotonic()
        elif time.monotonic() - followed.refused_at >= REFUSED_PATIENCE:
            return dataclasses.replace(found, state=State.ENDED, completion_time=self._clock())
        return found

    def _complaint(self, name: str) -> str:
        """What was said last of a Job that gets no pod. One list for all of them, now and then."""
        if self._asked is not None and self._asked.done():
            asked, self._asked = self._asked, None
            if not isinstance(asked.exception(), Unavailable):
                self._complaints = asked.result()
        if self._asked is None and time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + LOOK_SECONDS
            self._asked = self._pool.submit(self._list_complaints)
        return self._complaints.get(name, "")

    def _list_complaints(self) -> dict[str, str]:
        events = self._resources.listing(
            EVENT,
            self._settings.namespace,
            fields="involvedObject.kind=Job,reason=FailedCreate",
        )
        return {
            event["involvedObject"]["name"]: str(event.get("message", ""))
            for event in events.objects
        }

    def release(self, followed: PodAttempt, pod: Manifest) -> None:
        """Let a pod begin that was prepared ahead; its node hands the moment on to it."""
        if not followed.begun("release"):
            self._begin(followed, "release", lambda: self._release(pod["metadata"]["name"]))

    def _release(self, name: str) -> None:
        # The shell of the step reads a line of it.
        moment = f"{self._clock().isoformat()}\n"
        try:
            self._resources.patch(
                POD,
                name,
                {"metadata": {"annotations": {RELEASED_AT: moment}}},
                self._settings.namespace,
                content_type=MERGE_PATCH,
                accept=METADATA,
            )
        except NotFound as error:
            # It goes away: what is to be seen of it will tell.
            raise Unavailable(error.message) from error

    def end(self, followed: PodAttempt, pod: Manifest | None) -> None:
        """End the pod in its grace period; without a pod, the Job so that it makes none."""
        if not followed.begun("end"):
            self._begin(followed, "end", lambda: self._delete(followed, pod))

    def end_for_files(self, pod: Manifest) -> None:
        """End the pod, with time to fetch what its step leaves."""
        self._delete_pod(pod, RESCUE_SECONDS)

    def _begin(self, followed: PodAttempt, what: str, work: Callable[[], object]) -> None:
        followed.work[what] = self._pool.submit(work)
        followed.work[what].add_done_callback(lambda _done: self._wake(followed.run_id))

    def _delete(self, followed: PodAttempt, pod: Manifest | None) -> None:
        namespace = self._settings.namespace
        if pod is None:
            self._resources.delete(JOB, followed.job_name, namespace)
            followed.look_at = 0.0
            return
        self._delete_pod(pod, ENDING_SECONDS)

    def _delete_pod(self, pod: Manifest, grace: int) -> None:
        name = pod["metadata"]["name"]
        self._resources.delete(POD, name, self._settings.namespace, grace_seconds=grace)

    def let_expire(self, name: str) -> None:
        """Let Kubernetes remove the Job some time after its end: all that matters is kept."""
        self._pool.submit(self._let_expire, name)

    def let_left_expire(self, runs: Sequence[str]) -> None:
        """The same for all Jobs of these runs, which have ended, where their driver died before
        it came to that. A request for each hundred runs, and one for each such Job."""
        for labels in run_selectors(OURS, runs):
            try:
                found = self._resources.listing(
                    JOB, self._settings.namespace, labels=labels, patience=0.0
                )
            except C8sError:
                return  # There is no hurry: the next call may do it.
            for left in found.objects:
                if "ttlSecondsAfterFinished" not in left["spec"]:
                    self._pool.submit(self._let_expire, left["metadata"]["name"])

    def _let_expire(self, name: str) -> None:
        try:
            self._resources.patch(
                JOB,
                name,
                {
                    # Who wrote which field matters no more: to work it out anew is half of what
                    # this costs the server.
                    "metadata": {"managedFields": [{}]},
                    "spec": {"ttlSecondsAfterFinished": self._settings.ttl},
                },
                self._settings.namespace,
                content_type=MERGE_PATCH,
                accept=METADATA,
            )
        except C8sError:
            # It is gone already, or stays until its run's record goes: nothing is lost by that.
            return
