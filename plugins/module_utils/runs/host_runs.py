"""Runs on this host, put together: what modules and the command call."""

from __future__ import annotations

import datetime
import pathlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import Conflict, InvalidInput
from ..pipeline.record import from_record
from ..pipeline.run import Run
from ..storage.run_directory import RunDirectory, default_root
from . import inspection
from .birth import Order
from .driver import Driver
from .engine import Engine
from .events import Report, ignore
from .forecast import Forecast, forecasts
from .host import HostExecutor, HostSettings
from .launch import Launched, Launcher
from .local_engine import LocalEngine
from .request import Request, orders_from, ready, rerun_order, secrets_checked
from .secrets import NO_SECRETS, SecretValues, secrets_from

EXECUTORS = ("local", "docker", "podman")


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def new_id() -> str:
    return uuid.uuid4().hex


def engine_named(name: str) -> Engine:
    """The engine of an executor; InvalidInput for an unknown one."""
    if name == "local":
        return LocalEngine()
    if name in EXECUTORS:
        from .container_engine import ContainerEngine

        return ContainerEngine(name)
    raise InvalidInput(f"{name!r} is no executor; there are {', '.join(EXECUTORS)}, kubernetes")


class HostRuns:
    """Launch runs on this host and keep them in `store`; `interrupt` ends them early."""

    def __init__(
        self,
        executor: str,
        store: pathlib.Path,
        *,
        secrets: SecretValues | None = None,
        settings: HostSettings | None = None,
        report: Report = ignore,
    ) -> None:
        self.records = RunDirectory(store)
        self._executor = executor
        self._secrets = secrets or NO_SECRETS
        self._host = HostExecutor(
            engine_named(executor), self.records, self._secrets, utc_now, settings
        )
        self._driver = Driver(self._host, self.records, clock=utc_now, new_id=new_id, report=report)
        self._launcher = Launcher(
            self.records, self._driver, clock=utc_now, new_id=new_id, report=report
        )

    def orders(self, requests: Sequence[Request], *, with_secrets: bool = True) -> list[Order]:
        """Judge requests; InvalidInput with every problem of all of them, before any starts.

        Without `with_secrets`, secrets that are missing are no problem yet.
        """
        check = secrets_checked(self._secrets if with_secrets else None)
        return orders_from(requests, utc_now(), allow_file=True, check=check)

    def forecast(self, orders: Sequence[Order]) -> list[Forecast]:
        """What `launch` would do with the orders; see `forecasts`."""
        return forecasts(self.records, orders, secrets_checked(self._secrets), utc_now())

    def rerun_order(self, name: str, *, failed_only: bool, by: str) -> Order:
        """The order that runs an ended run again."""
        return rerun_order(self.records, name, failed_only=failed_only, by=by, now=utc_now())

    def launch(self, orders: Sequence[Order]) -> list[Launched]:
        """Launch and drive to the end; see `Launcher.launch`."""
        self.records.drop_expired(utc_now())
        check = secrets_checked(self._secrets)
        return self._launcher.launch([ready(order, self._executor, check) for order in orders])

    def cancel(self, names: Sequence[str], by: str, *, wait: bool = True) -> list[Run]:
        """Ask for the end of runs and see it come; the runs as they are then.

        What has ended already stays as it is. Without `wait`, runs that other processes drive are
        left to them. Raises NotFound for an unknown name.
        """
        for name in names:
            if not self.named(name).status.phase.terminal:
                inspection.cancel(self.records, name, by, utc_now())
        return [self._cancelled(name, wait=wait) for name in names]

    def _cancelled(self, name: str, *, wait: bool) -> Run:
        run = self.named(name)
        if run.status.phase.terminal:
            return run
        driven = self.records.driven(run.parent or name)
        if run.parent and not driven:
            raise Conflict(f"nobody drives run {name!r} any more; cancel {run.parent!r} instead")
        if not driven:
            return self._launcher.end(name)
        return self._launcher.follow(run) if wait else run

    def found(self, name: str) -> Run | None:
        """The run of that name, None where there is none."""
        if not self.records.existing("", name, ""):
            return None
        return self.named(name)

    def named(self, name: str) -> Run:
        """The run of that name; NotFound says which runs there are."""
        return from_record(self.records.read(name))

    def remove(self, name: str) -> None:
        """Forget a run with all it left, and the runs of its matrix.

        Raises NotFound without it, Conflict while it is driven or its matrix is still there.
        """
        run = self.named(name)
        if run.parent and self.found(run.parent):
            raise Conflict(f"run {name!r} belongs to {run.parent!r}; remove that one")
        if self.records.driven(name):
            raise Conflict(f"run {name!r} is being driven; cancel it first")
        for child in run.status.matrix.children if run.status.matrix else ():
            if self.found(child):
                self.records.remove(child)
        self.records.remove(name)

    def interrupt(self, by: str) -> None:
        """Let everything end as cancelled; may be called from a signal handler."""
        self._driver.interrupt(by)

    def hurry(self) -> None:
        """Take from what is to end the time to do so by itself; also for a signal handler."""
        self._host.hurry()


def host_runs(
    options: Mapping[str, Any], environment: Mapping[str, str], report: Report = ignore
) -> HostRuns:
    """From plain options: `executor`, and where they are given `store`, `secrets`, `parallel`.

    Raises InvalidInput where the secrets are no map of maps of texts.
    """
    parallel = options.get("parallel")
    return HostRuns(
        options["executor"],
        store_of(options, environment).root,
        secrets=secrets_from(options.get("secrets") or {}, "secrets"),
        settings=HostSettings(parallel=parallel) if parallel else None,
        report=report,
    )


def store_of(options: Mapping[str, Any], environment: Mapping[str, str]) -> RunDirectory:
    """The store that plain options name, or the one that is meant where they name none."""
    store = options.get("store")
    return RunDirectory(pathlib.Path(store) if store else default_root(environment))
