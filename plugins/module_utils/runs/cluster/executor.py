"""Run steps as Jobs of a cluster, driven by the calling process: nothing is installed there.

What is true is in the cluster: Jobs have names that anybody can work out, so a driver that comes
after another adopts what lives, and two of them at once make nothing twice.
"""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import time
from collections.abc import Callable, Sequence

from ...kube.resources import Resources
from ...masking.masker import Secrets
from ...pipeline.container import Manifest
from ...pipeline.job import job_name
from ...pipeline.observation import Observation, State
from ...pipeline.pod import KEEPER_CONTAINER, RESTORE_CONTAINER, JobSettings
from ...pipeline.pod_status import (
    has_begun,
    held_by,
    is_deleted,
    is_rescued,
    is_running,
    is_up_to_the_job,
    keeper_may_come,
    observation_of,
    waits_for_a_word,
)
from ...pipeline.run import Run
from ...pipeline.spec import Step
from ..clock import Clock
from .pod_attempt import PodAttempt
from .pod_files import PodFiles
from .pod_logs import PodLogs
from .records import ConfigMapRecords
from .secrets import ClusterSecrets
from .step_jobs import OURS, StepJobs
from .watched import Watched

EXPIRE_SECONDS = 60.0
"""How long behind a run's end its Jobs are told how long they are to stay, unless all ends before.

To change one that its controller has not done with makes that write its status once more.
"""
CARRIERS = 32
MESSENGERS = 8


@dataclasses.dataclass(slots=True)
class _Session:
    """One open run."""

    run: Run
    owner: Manifest
    masks: Secrets
    pods: dict[tuple[str, int], tuple[Manifest, ...]] = dataclasses.field(default_factory=dict)
    attempts: dict[tuple[str, int], PodAttempt] = dataclasses.field(default_factory=dict)

    def newest(self, step: str, attempt: int) -> Manifest | None:
        """The pod of an attempt that counts."""
        pods = self.pods.get((step, attempt))
        return pods[-1] if pods else None


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
        self._records = records
        self._secrets = secrets
        self._logs = logs
        self._files = files
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        # Jobs of runs whose end is kept, with the moment of that and the run's id, oldest first.
        self._expiring: collections.deque[tuple[float, str, list[str]]] = collections.deque()
        self._take_workers()
        self._watched = Watched(resources.client, settings.namespace, OURS)
        logs.kept.changed = self._watched.wake
        self._jobs = StepJobs(resources, settings, clock, self._watched.wake)

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
                followed = self._follow(session, status.name, status.attempts)
                followed.released = status.start_time is not None

    def start(self, run: Run, step: Step, attempt: int, *, ahead: bool) -> None:
        session = self._sessions[run.uid]
        session.run = run
        followed = self._follow(session, step.name, attempt)
        followed.ahead = ahead
        if (step.name, attempt) not in session.pods:
            self._jobs.make(run, session.owner, followed)

    def release(self, run: Run, step: Step, attempt: int) -> None:
        session = self._sessions[run.uid]
        # Its pod may not be there yet: it is released when it has come as far as that.
        session.attempts[step.name, attempt].released = True
        self._watched.wake(run.uid)

    def stop(self, run: Run, step: Step, attempt: int, reason: str) -> None:
        session = self._sessions[run.uid]
        followed = session.attempts.get((step.name, attempt))
        if followed is None or followed.final is not None:
            return
        pod = session.newest(step.name, attempt)
        keeps = pod is not None and has_begun(pod) and is_running(pod, KEEPER_CONTAINER)
        if pod is not None and keeps and step.artifacts:
            self._do(followed, "end", lambda: self._end_for_files(run, pod))
        else:
            self._jobs.end(followed, pod)

    def _end_for_files(self, run: Run, pod: Manifest) -> None:
        self._files.prepare_rescue(run, pod)
        self._jobs.end_for_files(pod)

    def observe(self, run: Run) -> Sequence[Observation]:
        session = self._sessions[run.uid]
        session.run = run
        self._look(session)
        return [self._observation(session, followed) for followed in session.attempts.values()]

    def wait(self, seconds: float) -> list[str]:
        changed = self._watched.wait(seconds)
        while self._expiring and time.monotonic() >= self._expiring[0][0] + EXPIRE_SECONDS:
            self._let_expire()
        return [self._sessions[uid].run.name for uid in changed & self._sessions.keys()]

    def news(self, run: Run) -> Sequence[str]:
        return list(self._logs.kept.news(run))

    def settled(self, run: Run) -> bool:
        return self._logs.kept.settled(run)

    def close(self, run: Run, *, kept: bool) -> None:
        session = self._sessions.pop(run.uid, None)
        attempts = list(session.attempts.values()) if session else []
        for followed in attempts:
            if followed.log is not None:
                followed.log.stop()
        self._logs.forget(run)
        if kept:
            # Only now may Kubernetes remove the Jobs.
            names = [followed.job_name for followed in attempts]
            self._expiring.append((time.monotonic(), run.uid, names))
        else:
            self._watched.forget(run.uid)
        if not self._sessions:
            self._finish_work()

    def let_left_expire(self, runs: Sequence[str]) -> None:
        """Let Kubernetes remove what a driver that was killed has left of runs that have ended."""
        self._jobs.let_left_expire(runs)
        self._jobs.finish()

    def _let_expire(self) -> None:
        _ended_at, run_id, names = self._expiring.popleft()
        for name in names:
            self._jobs.let_expire(name)
        self._watched.forget(run_id)

    def _finish_work(self) -> None:
        """Wait for what is under way, and take fresh workers for runs that may come."""
        while self._expiring:
            self._let_expire()
        self._jobs.finish()
        self._messengers.shutdown(wait=True, cancel_futures=True)
        self._carriers.shutdown(wait=True, cancel_futures=True)
        self._watched.stop()
        self._logs.kept.close()
        self._take_workers()

    def _take_workers(self) -> None:
        # Words to pods are short, and wait for no transfers: a store may be silent for long.
        self._carriers = concurrent.futures.ThreadPoolExecutor(CARRIERS, "c8s-carry")
        self._messengers = concurrent.futures.ThreadPoolExecutor(MESSENGERS, "c8s-tell")

    # --- one attempt ---------------------------------------------------------------------------

    def _look(self, session: _Session) -> None:
        session.pods = self._watched.of_run(session.run.uid)
        for step, attempt in session.pods:
            self._follow(session, step, attempt)

    def _follow(self, session: _Session, step: str, attempt: int) -> PodAttempt:
        known = session.attempts.get((step, attempt))
        if known is None:
            name = job_name(session.run, step, attempt)
            known = PodAttempt(session.run.uid, step, attempt, name)
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
        refused = self._jobs.refusal(
            session.run, session.owner, followed, base, session.masks.mask_text
        )
        if refused is not None:
            return refused
        pods = session.pods.get((followed.step, followed.attempt), ())
        if pods:
            followed.meets(pods[-1]["metadata"]["name"])
        now = self._clock()
        stopping = "end" in followed.work
        found = observation_of(
            followed.step,
            followed.attempt,
            self._jobs.found(followed) if is_up_to_the_job(pods) else None,
            pods,
            now,
            stopping=stopping,
        )
        if found.state is State.ENDED and not pods and followed.pod_may_be_late():
            return base
        if found.state is State.WAITING and not pods:
            if followed.first_running is not None:
                # Its pod has just gone; the Job will say soon what that means.
                return dataclasses.replace(
                    base, state=State.RUNNING, start_time=followed.first_running
                )
            found = self._jobs.why_no_pod(followed, found)
        if stopping:
            found = dataclasses.replace(found, disruption=False)
        found = dataclasses.replace(
            followed.timed(found, now),
            job_name=followed.job_name,
            message=session.masks.mask_text(found.message) if found.message else "",
            log_url=followed.log_url,
        )
        return self._look_after(session, followed, pods[-1] if pods else None, found)

    def _look_after(
        self, session: _Session, followed: PodAttempt, pod: Manifest | None, found: Observation
    ) -> Observation:
        """Do what the attempt needs at this moment; report its end once its results are kept."""
        run = session.run
        step = run.pipeline.step(followed.step)
        may_begin = followed.released or not (pod and held_by(pod))
        turn = followed.released and not found.state.over
        if pod is not None and turn and waits_for_a_word(pod):
            self._jobs.release(followed, pod)
        # After another driver its pod may be known sooner than the ends of what it depends on.
        complete = all(run.status.step(name).phase.terminal for name in step.depends_on)
        restoring = (
            may_begin and complete and pod is not None and is_running(pod, RESTORE_CONTAINER)
        )
        if pod is not None and restoring:
            self._do(
                followed, "restore", lambda: self._files.restore(run, step, pod), transfers=True
            )
        fault = followed.failure("restore")
        if fault is not None and not found.state.over:
            self._jobs.end(followed, pod)
            return followed.while_unfinished(found)
        ours = followed.work.keys() & {"end", "finish"}
        if pod is not None and is_rescued(pod) and not found.state.over:
            self._rescue(session, followed, step, pod, found)
        elif pod is not None and not ours and is_deleted(pod) and is_running(pod, KEEPER_CONTAINER):
            # Somebody else ends it; what waits in it for us would only hold up its successor.
            self._do(followed, "let go", lambda: self._files.let_go(pod))
        if pod is not None and found.start_time is not None and followed.log is None:
            followed.log_url = self._logs.kept.url(run, followed.step, followed.attempt)
            found = dataclasses.replace(found, log_url=followed.log_url)
            followed.log = self._logs.follow(
                run, followed.step, followed.attempt, pod, session.masks,
                lambda: self._watched.wake(run.uid), fresh=followed.made,
            )  # fmt: skip
        if followed.log is not None and found.state.over:
            followed.log.container_ended()
        if not found.state.over:
            return followed.waiting(found, "restore") if restoring else found
        if followed.log is not None and not followed.log.kept.done():
            return followed.while_unfinished(found)
        ended_at = found.completion_time
        if pod is not None and ended_at and keeper_may_come(pod, ended_at, self._clock()):
            return followed.while_unfinished(found)
        self._do(
            followed,
            "finish",
            lambda: self._finish(session, followed, step, pod, found),
            transfers=bool(step.artifacts or step.caches),
        )
        finishing = followed.work["finish"]
        if not finishing.done() or followed.outage("finish"):
            return followed.waiting(followed.while_unfinished(found), "finish")
        followed.final = finishing.result()
        return followed.final

    def _rescue(
        self,
        session: _Session,
        followed: PodAttempt,
        step: Step,
        pod: Manifest,
        found: Observation,
    ) -> None:
        """Fetch what a step leaves that is being ended: once it has ended, or else when it has had
        its time for that."""
        had_time = followed.had_time_to_end()
        if had_time or (followed.log is not None and followed.log.complete):
            self._do(
                followed,
                "rescue",
                lambda: self._files.rescue(session.run, step, pod, session.masks, found),
                transfers=True,
            )

    def _finish(
        self,
        session: _Session,
        followed: PodAttempt,
        step: Step,
        pod: Manifest | None,
        found: Observation,
    ) -> Observation:
        """Fetch what the step left, whose log is kept; the attempt as it is reported for good."""
        if followed.failed is not None:
            reason, message = followed.failed
            return dataclasses.replace(
                found, exit_code=None, reason=reason, message=session.masks.mask_text(message)
            )
        kept = followed.rescued()
        if kept is None:
            if pod is None or found.exit_code is None:
                self._jobs.end(followed, pod)
                return found
            kept = self._files.collect(session.run, step, pod, session.masks, found)
        if kept.gone and "end" in followed.work:
            # It went because we ended it, and took more than its time of grace for that.
            return dataclasses.replace(found, message=found.message or kept.message)
        if kept.gone:
            return dataclasses.replace(
                found, exit_code=None, disruption=True, reason="PodDeleted", message=kept.message
            )
        if kept.reason:
            # What still waits in it waits in vain.
            self._jobs.end(followed, pod)
        return dataclasses.replace(
            found,
            artifact_urls=kept.urls,
            reason=kept.reason or found.reason,
            message=kept.message or found.message,
        )

    def _do(
        self,
        followed: PodAttempt,
        what: str,
        work: Callable[[], object],
        *,
        transfers: bool = False,
    ) -> None:
        """Begin a piece of work unless it is under way or done; look again when it is."""
        if not followed.begun(what):
            workers = self._carriers if transfers else self._messengers
            followed.work[what] = workers.submit(work)
            followed.work[what].add_done_callback(lambda _done: self._watched.wake(followed.run_id))
