"""Run steps on this host, by whatever engine starts them: the executor of a laptop."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import tempfile
import threading
from collections.abc import Sequence

from ...forges.repository import Repository, repository
from ...masking.masker import Secrets
from ...pipeline.observation import Observation, State
from ...pipeline.run import Run
from ...pipeline.spec import Step
from ...pipeline.status import Reason
from ...storage.capped_log import DEFAULT_CAP, CappedLog
from ...storage.run_directory import RunDirectory
from ..artifacts import remove
from ..clock import Clock
from ..masked_log import MaskedLog
from ..secrets import SecretValues, masked_values
from .attempt import Attempt
from .engine import Engine, HostStep, Place
from .source import Source
from .workspace import HostWorkspace

DEFAULT_GRACE = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class HostSettings:
    """`parallel`: steps at one time; `log_cap`: bytes kept of a step's log; `grace`: seconds
    between TERM and KILL; `folder`: where workspaces are made (default: the temporary folder)."""

    parallel: int = dataclasses.field(default_factory=lambda: 2 * (os.cpu_count() or 1))
    log_cap: int = DEFAULT_CAP
    grace: float = DEFAULT_GRACE
    folder: pathlib.Path | None = None


class _Session:
    """One open run: its source, its masks and its attempts."""

    def __init__(self, run: Run, folder: pathlib.Path, masks: Secrets) -> None:
        self.folder = folder
        self.masks = masks
        self.source = Source(run, _repository(run), folder)
        self.attempts: dict[tuple[str, int], Attempt] = {}
        self.interrupted: list[Observation] = []


class HostExecutor:
    """Steps as processes or containers of this host, side by side up to `parallel`."""

    outlives_driver = False

    def __init__(
        self,
        engine: Engine,
        store: RunDirectory,
        secrets: SecretValues,
        clock: Clock,
        settings: HostSettings | None = None,
    ) -> None:
        self.settings = settings or HostSettings()
        self.slots: int | None = max(1, self.settings.parallel)
        self._engine = engine
        self._store = store
        self._secrets = secrets
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        self._masks: dict[frozenset[tuple[str, str]], Secrets] = {}
        self._news = threading.Event()
        self._hurried = False

    # --- what the driver calls -----------------------------------------------------------------

    def open(self, run: Run) -> None:
        self._engine.enter()
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"c8s-{run.uid}-", dir=self.settings.folder))
        session = _Session(run, folder, self._masks_for(run))
        cut_off = [status for status in run.status.steps if status.live]
        if run.status.start_time is not None:
            self._engine.sweep(run.uid)
            for old in folder.parent.glob(f"c8s-{run.uid}-*"):
                if old != folder:
                    remove(old)
        session.interrupted = [
            Observation(
                status.name,
                status.attempts,
                State.LOST,
                interruption=True,
                reason=Reason.INTERRUPTED,
                message="its driver ended before it did",
            )
            for status in cut_off
        ]
        self._sessions[run.uid] = session

    def start(self, run: Run, step: Step, attempt: int, *, ahead: bool) -> None:
        session = self._sessions[run.uid]
        if (step.name, attempt) in session.attempts:
            return
        place = Place(session.folder / f"{step.name}-{attempt}")
        secret_env = {
            wanted.env_var: self._secrets[wanted.secret][wanted.key]
            for wanted in step.secrets
            if wanted.env_var
        }
        host_step = HostStep(run, step, attempt, place, secret_env, lambda: thread.stopping)
        log = self._store.log(run.name, step.name, attempt)
        thread = Attempt(
            host_step,
            self._engine,
            HostWorkspace(
                host_step,
                session.source,
                self._store,
                self._secrets,
                session.masks,
                self._clock,
                lambda: thread.stopping,
            ),
            MaskedLog(CappedLog(log, self.settings.log_cap), session.masks),
            clock=self._clock,
            grace=0.0 if self._hurried else self.settings.grace,
            ahead=ahead,
            changed=self._news.set,
            mask=session.masks.mask_text,
            log_url=log.as_uri(),
        )
        session.attempts[step.name, attempt] = thread
        thread.start()

    def release(self, run: Run, step: Step, attempt: int) -> None:
        found = self._sessions[run.uid].attempts.get((step.name, attempt))
        if found is not None:
            found.release()

    def stop(self, run: Run, step: Step, attempt: int, reason: str) -> None:
        found = self._sessions[run.uid].attempts.get((step.name, attempt))
        if found is not None:
            found.stop()

    def hurry(self) -> None:
        """Let what is being stopped, and what will be, be killed at once. It only leaves marks, so
        that a signal handler may call it."""
        self._hurried = True
        for session in list(self._sessions.values()):
            for attempt in list(session.attempts.values()):
                attempt.grace = 0.0

    def observe(self, run: Run) -> Sequence[Observation]:
        session = self._sessions[run.uid]
        seen = [attempt.observation for attempt in session.attempts.values()]
        return [*session.interrupted, *seen]

    def wait(self, seconds: float) -> None:
        """Attempts of runs compete for places: any of them may be concerned."""
        if self._news.wait(max(0.0, seconds)):
            self._news.clear()

    def news(self, run: Run) -> Sequence[str]:
        return ()

    def settled(self, run: Run) -> bool:
        """What is kept was kept before an attempt was reported as ended."""
        return True

    def close(self, run: Run, *, kept: bool) -> None:
        session = self._sessions.pop(run.uid, None)
        if session is None:
            return
        for attempt in session.attempts.values():
            attempt.stop()
        for attempt in session.attempts.values():
            attempt.close()
        try:
            self._engine.sweep(run.uid)
        finally:
            remove(session.folder)
            if not self._sessions:
                self._engine.leave()

    def _masks_for(self, run: Run) -> Secrets:
        values = masked_values(run.pipeline, self._secrets)
        key = frozenset(values.items())
        if key not in self._masks:
            self._masks[key] = Secrets(values)
        return self._masks[key]


def _repository(run: Run) -> Repository | None:
    address = run.trigger.repository
    return repository(address, allow_file=True) if address and run.trigger.commit else None
