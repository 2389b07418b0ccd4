"""Run steps as Jobs of a cluster, driven by the calling process: nothing is installed there.

What is true is in the cluster: Jobs have names that anybody can work out, so a driver that comes
after another adopts what lives, and two of them at once make nothing twice.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import time
from collections.abc import Callable, Sequence

from ..core.errors import C8sError, Conflict, Denied, InvalidInput, Unavailable
from ..core.names import label_value
from ..kube.connection import MERGE_PATCH
from ..kube.faults import QuotaExceeded
from ..kube.kinds import EVENT, JOB, POD
from ..kube.resources import Resources
from ..masking.masker import Secrets
from ..pipeline.job import LABEL, MANAGED_BY, job, job_name
from ..pipeline.observation import Observation, State
from ..pipeline.pod import HOLD_CONTAINER, RESTORE_CONTAINER, JobSettings, Manifest
from ..pipeline.pod_status import is_running, observation_of, waits_for_release
from ..pipeline.run import Run
from ..pipeline.spec import Step
from .attempt import Clock
from .cluster_secrets import ClusterSecrets
from .config_map_records import ConfigMapRecords
from .pod_attempt import PodAttempt
from .pod_files import PodFiles
from .pod_logs import PodLogs
from .watched import NOTHING, Seen, Watched

STOP_GRACE_SECONDS = 10
LOOK_SECONDS = 5.0
REFUSED_PATIENCE = 30.0
"""Seconds for which a Job whose pods are refused is waited for; room in a quota has no limit."""
AGAIN_SECONDS = 1.0
"""Seconds before work is tried again that only a broken way to the cluster undid."""
CREATORS = 8
CARRIERS = 32


@dataclasses.dataclass(slots=True)
class _Session:
    """One open run."""

    run: Run
    owner: Manifest
    masks: Secrets
    seen: dict[tuple[str, int], Seen] = dataclasses.field(default_factory=dict)
    attempts: dict[tuple[str, int], PodAttempt] = dataclasses.field(default_factory=dict)


class KubernetesExecutor:
    """Steps as Jobs in one namespace."""

    outlives_driver = True
    slots: int | None = None

    def __init__(
        self,
        resources: Resources,
        settings: JobSettings,
        records: ConfigMapRecords,
        secrets: ClusterSecrets,
        logs: PodLogs,
        files: PodFiles,
        clock: Clock,
    ) -> None:
        self._resources = resources
        self._settings = settings
        self._records = records
        self._secrets = secrets
        self._logs = logs
        self._files = files
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        self._creators = concurrent.futures.ThreadPoolExecutor(CREATORS, "c8s-create")
        self._carriers = concurrent.futures.ThreadPoolExecutor(CARRIERS, "c8s-carry")
        selector = ",".join(f"{key}={value}" for key, value in MANAGED_BY.items())
        self._watched = Watched(resources.client, settings.namespace, selector)

    # --- what the driver calls -----------------------------------------------------------------

    def open(self, run: Run) -> None:
        self._watched.start()
        owner = self._records.owner(run.name)
        session = _Session(run, owner, self._secrets.masks(run.pipeline))
        self._sessions[run.uid] = session
        # Whatever the record forgot to say before its driver died is there to be seen.
        self._look(session)
        for status in run.status.steps:
            if status.live:
                self._follow(session, status.name, status.attempts)

    def start(self, run: Run, step: Step, attempt: int, *, ahead: bool) -> None:
        session = self._sessions[run.uid]
        session.run = run
        followed = self._follow(session, step.name, attempt)
        followed.ahead = ahead
        if session.seen.get((step.name, attempt), NOTHING).job is None:
            self._make(session, followed)

    def release(self, run: Run, step: Step, attempt: int) -> None:
        session = self._sessions[run.uid]
        # Its pod may not be there yet: it is released when it has come as far as that.
        session.attempts[step.name, attempt].released = True
        self._watched.wake()

    def stop(self, run: Run, step: Step, attempt: int, reason: str) -> None:
        session = self._sessions[run.uid]
        followed = session.attempts.get((step.name, attempt))
        if followed is not None and followed.final is None:
            self._end(followed, session.seen.get((step.name, attempt), NOTHING).newest)

    def observe(self, run: Run) -> Sequence[Observation]:
        session = self._sessions[run.uid]
        session.run = run
        self._look(session)
        return [self._observation(session, followed) for followed in session.attempts.values()]

    def wait(self, seconds: float) -> None:
        self._watched.wait(seconds)

    def close(self, run: Run) -> None:
        session = self._sessions.pop(run.uid, None)
        for followed in session.attempts.values() if session else ():
            if followed.log is not None:
                followed.log.stop()
        if session is not None and run.status.phase.terminal:
            # Only now that all is kept may Kubernetes remove the Jobs.
            for followed in session.attempts.values():
                self._creators.submit(self._let_expire, followed.job_name)
        if not self._sessions:
            self._finish_work()

    def _finish_work(self) -> None:
        """Wait for what is under way, and take fresh workers for runs that may come."""
        self._creators.shutdown(wait=True)
        self._carriers.shutdown(wait=True, cancel_futures=True)
        self._watched.stop()
        self._creators = concurrent.futures.ThreadPoolExecutor(CREATORS, "c8s-create")
        self._carriers = concurrent.futures.ThreadPoolExecutor(CARRIERS, "c8s-carry")

    # --- one attempt ---------------------------------------------------------------------------

    def _look(self, session: _Session) -> None:
        session.seen = self._watched.of_run(session.run.uid)
        for step, attempt in session.seen:
            self._follow(session, step, attempt)

    def _follow(self, session: _Session, step: str, attempt: int) -> PodAttempt:
        known = session.attempts.get((step, attempt))
        if known is None:
            known = PodAttempt(step, attempt, job_name(session.run, step, attempt))
            session.attempts[step, attempt] = known
        return known

    def _observation(self, session: _Session, followed: PodAttempt) -> Observation:
        if followed.final is not None:
            return followed.final
        for what in ("release", "end"):
            failure = followed.failure(what)
            if failure is not None:
                raise failure
        base = Observation(
            followed.step, followed.attempt, State.WAITING, job_name=followed.job_name
        )
        if followed.failure("create") or not followed.begun("create"):
            refused = self._refusal(session, followed, base)
            if refused is not None:
                return refused
        seen = session.seen.get((followed.step, followed.attempt), NOTHING)
        if not seen.job and not seen.pods and not self._is_gone(followed):
            return base
        if seen.newest is not None:
            followed.meets(seen.newest["metadata"]["name"])
        now = self._clock()
        stopping = "end" in followed.work
        found = observation_of(
            followed.step, followed.attempt, seen.job, seen.pods, now, stopping=stopping
        )
        if found.state is State.WAITING and not seen.pods:
            if followed.first_running is not None:
                # Its pod has just gone; the Job will say soon what that means.
                return dataclasses.replace(
                    base, state=State.RUNNING, start_time=followed.first_running
                )
            found = self._why_no_pod(followed, found)
        if stopping:
            found = dataclasses.replace(found, disruption=False)
        found = dataclasses.replace(
            followed.timed(found, now),
            job_name=followed.job_name,
            message=session.masks.mask_text(found.message),
        )
        return self._look_after(session, followed, seen, found)

    def _look_after(
        self, session: _Session, followed: PodAttempt, seen: Seen, found: Observation
    ) -> Observation:
        """Do what the attempt needs at this moment; report its end once its results are kept."""
        pod, run = seen.newest, session.run
        step = run.pipeline.step(followed.step)
        may_begin = followed.released or not waits_for_release(pod)
        if pod is not None and may_begin and is_running(pod, HOLD_CONTAINER):
            self._do(followed, "release", self._carriers, lambda: self._files.release(pod))
        # After another driver its pod may be known sooner than the ends of what it depends on.
        complete = all(run.status.step(name).phase.terminal for name in step.depends_on)
        if pod is not None and may_begin and complete and is_running(pod, RESTORE_CONTAINER):
            self._do(
                followed, "restore", self._carriers,
                lambda: self._files.restore(run, step, pod, session.masks),
            )  # fmt: skip
        fault = followed.failure("restore")
        if fault is not None and not found.state.over:
            self._end(followed, pod)
            return followed.while_unfinished(found)
        if pod is not None and found.start_time is not None and followed.log is None:
            followed.log = self._logs.follow(
                run, followed.step, followed.attempt, pod, session.masks, self._watched.wake
            )
        if followed.log is not None:
            url = self._logs.url(run, followed.step, followed.attempt)
            found = dataclasses.replace(found, log_url=url)
            if found.state.over:
                followed.log.container_ended()
        if not found.state.over:
            return found
        self._do(
            followed, "finish", self._carriers,
            lambda: self._finish(session, followed, step, pod, found),
        )  # fmt: skip
        finishing = followed.work["finish"]
        if not finishing.done() or isinstance(finishing.exception(), Unavailable):
            return followed.while_unfinished(found)
        followed.final = finishing.result()
        return followed.final

    def _finish(
        self,
        session: _Session,
        followed: PodAttempt,
        step: Step,
        pod: Manifest | None,
        found: Observation,
    ) -> Observation:
        """Seal the log and fetch what the step left; the attempt as it is reported for good."""
        if followed.log is not None:
            followed.log.kept.result()
        fault = followed.failure("restore")
        if fault is not None:
            reason, message = getattr(fault, "reason", "StorageError"), str(fault)
            return dataclasses.replace(
                found, exit_code=None, reason=reason, message=session.masks.mask_text(message)
            )
        if pod is None or found.exit_code is None:
            self._end(followed, pod)
            return found
        kept = self._files.collect(session.run, step, pod, session.masks, found)
        return dataclasses.replace(
            found,
            artifact_urls=kept.urls,
            reason=kept.reason or found.reason,
            message=kept.message or found.message,
        )

    # --- the Job -------------------------------------------------------------------------------

    def _make(self, session: _Session, followed: PodAttempt) -> None:
        step = session.run.pipeline.step(followed.step)
        manifest = job(
            session.run,
            step,
            followed.attempt,
            self._settings,
            session.owner,
            ahead=followed.ahead,
        )
        followed.attention_at = time.monotonic() + LOOK_SECONDS
        self._do(
            followed, "create", self._creators, lambda: self._create(session.run.uid, manifest)
        )

    def _create(self, run_id: str, manifest: Manifest) -> None:
        made, sure = self._resources.create_once(manifest, self._settings.namespace)
        if not sure and made["metadata"]["labels"].get(f"{LABEL}/run-id") != label_value(run_id):
            raise Conflict(f"Job {made['metadata']['name']} exists and belongs to somebody else")

    def _refusal(
        self, session: _Session, followed: PodAttempt, base: Observation
    ) -> Observation | None:
        """What to report where the API server did not take the Job; tried again where it may."""
        creation = followed.work.get("create")
        error = creation.exception() if creation is not None and creation.done() else None
        if error is None:
            return None
        if isinstance(error, QuotaExceeded | Unavailable) and "end" not in followed.work:
            if time.monotonic() >= followed.attention_at:
                del followed.work["create"]
                self._make(session, followed)
            reason = "QuotaExceeded" if isinstance(error, QuotaExceeded) else "Unavailable"
            return dataclasses.replace(base, reason=reason, message=str(error))
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
            message=session.masks.mask_text(str(error)),
        )
        return followed.final

    def _is_gone(self, followed: PodAttempt) -> bool:
        """Whether the Job truly does not exist: asked of the server, and not at every turn."""
        creation = followed.work.get("create")
        if creation is not None and not creation.done():
            return False
        if time.monotonic() < followed.attention_at:
            return False
        followed.attention_at = time.monotonic() + LOOK_SECONDS
        found = self._resources.find(JOB, followed.job_name, self._settings.namespace)
        return found is None

    def _why_no_pod(self, followed: PodAttempt, found: Observation) -> Observation:
        """A Job without a pod: say what its controller complains of, a quota most likely."""
        if time.monotonic() >= followed.attention_at:
            followed.attention_at = time.monotonic() + LOOK_SECONDS
            events = self._resources.listing(
                EVENT,
                self._settings.namespace,
                fields=f"involvedObject.name={followed.job_name},reason=FailedCreate",
            )
            if events.objects:
                message = str(events.objects[-1].get("message", ""))
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

    def _end(self, followed: PodAttempt, pod: Manifest | None) -> None:
        """End the pod in its grace period; without a pod, the Job so that it makes none."""
        self._do(followed, "end", self._creators, lambda: self._delete(followed, pod))

    def _delete(self, followed: PodAttempt, pod: Manifest | None) -> None:
        namespace = self._settings.namespace
        if pod is None:
            self._resources.delete(JOB, followed.job_name, namespace)
            followed.attention_at = 0.0
            return
        name = pod["metadata"]["name"]
        self._resources.delete(POD, name, namespace, grace_seconds=STOP_GRACE_SECONDS)

    def _let_expire(self, name: str) -> None:
        try:
            self._resources.patch(
                JOB,
                name,
                {"spec": {"ttlSecondsAfterFinished": self._settings.ttl}},
                self._settings.namespace,
                content_type=MERGE_PATCH,
            )
        except C8sError:
            # It is gone already, or stays until its run's record goes: nothing is lost by that.
            return

    def _do(
        self,
        followed: PodAttempt,
        what: str,
        pool: concurrent.futures.ThreadPoolExecutor,
        work: Callable[[], object],
    ) -> None:
        """Begin a piece of work unless it is under way or done; what failed, after a pause."""
        if not followed.begun(what):
            pause = AGAIN_SECONDS if what in followed.work else 0.0
            followed.work[what] = pool.submit(_later, pause, work)
            followed.work[what].add_done_callback(lambda _done: self._watched.wake())


def _later(seconds: float, work: Callable[[], object]) -> object:
    time.sleep(seconds)
    return work()
