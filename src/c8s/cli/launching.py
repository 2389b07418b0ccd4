"""A launch from the command line: drive it, show it, and end with what became of it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

import typer
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Timeout

from .cluster import UNNAMED, Cluster
from .ending import Exit
from .options import Executor, Progress
from .secrets_file import secret_values
from .terminal import lively, say, user
from .writing import write, write_as

if TYPE_CHECKING:
    from ansible_collections.c8s.ci.plugins.module_utils.pipeline.run import Run
    from ansible_collections.c8s.ci.plugins.module_utils.runs.birth import Order
    from ansible_collections.c8s.ci.plugins.module_utils.runs.driven_runs import DrivenRuns
    from ansible_collections.c8s.ci.plugins.module_utils.runs.events import Event

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclasses.dataclass(frozen=True, slots=True)
class Launch:
    """How a run is to be driven and shown; the fields are the options of the same names."""

    executor: Executor
    store: pathlib.Path | None = None
    secrets: pathlib.Path | None = None
    vault_password_file: pathlib.Path | None = None
    parallel: int | None = None
    output: Progress = Progress.TEXT
    quiet: bool = False
    cluster: Cluster = UNNAMED


class View(Protocol):
    """Shows the events of a launch."""

    def open(self) -> None: ...

    def take(self, event: Event) -> None: ...

    def stopping(self) -> None: ...

    def close(self) -> None: ...


def launch(wanted: Launch, order: Callable[[DrivenRuns], Order]) -> int:
    """Drive the run that `order` asks for to its end; the exit code."""
    view = _view(wanted)
    runs = runs_of(wanted, view.take)
    ordered = order(runs)
    signals: list[int] = []
    try:
        with _interruptible(runs, view, signals), _shown(view):
            launched = runs.launch([ordered])[0]
    except Timeout as error:
        if not signals:
            raise
        say(f"Interrupted: {error.message}; 'c8s cancel' ends it.")
        return Exit.INTERRUPTED
    interrupted = bool(signals)
    if not launched.created and not launched.driven:
        say(f"{launched.run.name} has run before; this is what became of it.")
    _conclude(wanted, runs, launched.run, view, interrupted=interrupted)
    if interrupted:
        return Exit.INTERRUPTED
    return Exit.SUCCEEDED if launched.run.status.phase == "Succeeded" else Exit.FAILED


def store_of(store: pathlib.Path | None) -> pathlib.Path:
    """The folder of the store: as given, else where it is by default."""
    from ansible_collections.c8s.ci.plugins.module_utils.storage.run_directory import default_root

    return store or default_root(os.environ)


def executor_of(store: pathlib.Path | None, name: str, cluster: Cluster) -> Executor:
    """Where a run has run, so that what is done with it happens there. NotFound without it."""
    if cluster.named:
        return Executor.KUBERNETES
    from ansible_collections.c8s.ci.plugins.module_utils.storage.run_directory import RunDirectory

    return Executor(RunDirectory(store_of(store)).read(name)["spec"].get("executor", "local"))


def runs_of(wanted: Launch, take: Callable[[Event], None] = lambda _event: None) -> DrivenRuns:
    """What drives runs with this executor; `take` is told of every event."""
    if wanted.executor is Executor.KUBERNETES:
        from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.runs import cluster_runs

        if wanted.secrets is not None:
            raise typer.BadParameter(
                "a cluster has Secrets of its own; make one with 'c8s secret create'",
                param_hint="--secrets",
            )
        return cluster_runs(wanted.cluster.options(wanted.store), os.environ, _patient(take))
    from ansible_collections.c8s.ci.plugins.module_utils.runs.host.executor import HostSettings
    from ansible_collections.c8s.ci.plugins.module_utils.runs.host.runs import HostRuns

    settings = HostSettings(parallel=wanted.parallel) if wanted.parallel else HostSettings()
    return HostRuns(
        wanted.executor,
        store_of(wanted.store),
        secrets=secret_values(wanted.secrets, wanted.vault_password_file),
        settings=settings,
        report=_patient(take),
    )


def _view(wanted: Launch) -> View:
    if wanted.output is Progress.JSONL:
        from .view.events_as_json import JsonView

        return JsonView(write)
    from .view.lines import PlainView

    if wanted.quiet:
        return PlainView(lambda _line: None)
    if not lively(sys.stderr):
        return PlainView(say)
    from .view.live import LiveView

    return LiveView(wanted.executor)


def _patient(take: Callable[[Event], None]) -> Callable[[Event], None]:
    """A report that goes on when nobody reads it any more: the run is worth more than its view."""

    def report(event: Event) -> None:
        with contextlib.suppress(OSError, ValueError):
            take(event)

    return report


@contextlib.contextmanager
def _shown(view: View) -> Iterator[None]:
    view.open()
    try:
        yield
    finally:
        view.close()


@contextlib.contextmanager
def _interruptible(runs: DrivenRuns, view: View, came: list[int]) -> Iterator[None]:
    """While this lasts, signals let the runs end as cancelled; `came` gets their numbers."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if came:
            runs.hurry()
        came.append(number)
        runs.interrupt(f"{user()} ({signal.Signals(number).name})")
        view.stopping()

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        # Who is to survive the end of the terminal (nohup) has it ignored.
        if number != signal.SIGHUP or before[number] != signal.SIG_IGN:
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _conclude(wanted: Launch, runs: DrivenRuns, run: Run, view: View, *, interrupted: bool) -> None:
    """Write what the caller asked for on stdout, and say on stderr what people want to know."""
    from ansible_collections.c8s.ci.plugins.module_utils.runs import inspection
    from ansible_collections.c8s.ci.plugins.module_utils.runs.report.failure import failures

    from .view.events_as_json import JsonView
    from .view.summary import Summary, options_for

    record = inspection.one(runs.records, run.name)
    if isinstance(view, JsonView):
        view.put({"event": "result", "run": run.name, "record": record})
        return
    if not wanted.quiet:
        summary = Summary(options_for(str(wanted.store or ""), wanted.cluster))
        found = failures(runs.records, run)
        titles = {name: _title(runs.records.read(name)) for name in {one.run for one in found}}
        for line in summary.lines(run, found, titles, interrupted=interrupted):
            say(line)
    if wanted.output is not Progress.TEXT:
        write_as(wanted.output, record)
    elif not sys.stdout.isatty():
        write(run.name)


def _title(record: Mapping[str, Any]) -> str:
    """What people know a run of a matrix by: its values."""
    from ansible_collections.c8s.ci.plugins.module_utils.pipeline.matrix import label

    return label(record["spec"].get("matrixIndex", {}))
