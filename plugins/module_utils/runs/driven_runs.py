"""What can be done with runs wherever they are: on this host or in a cluster."""

from __future__ import annotations

import abc
import dataclasses
import uuid
from collections.abc import Sequence
from typing import Protocol

from ..core.errors import Conflict
from ..pipeline.record import from_record
from ..pipeline.run import Run
from . import inspection
from .birth import Order
from .clock import Clock, utc_now
from .driver import Driver
from .events import Report
from .executor import Executor
from .forecast import Check, Forecast, forecasts
from .launch import Launched, Launcher
from .records import Records
from .request import Request, orders_from, ready, rerun_order


def new_id() -> str:
    return uuid.uuid4().hex


class KeptRecords(Records, inspection.KeptRuns, Protocol):
    """Records that can also be looked up, looked at and removed."""

    def existing(self, pipeline: str, wanted: str, key: str) -> str:
        """The run that an order stands for already; empty where it would make a new one."""

    def listed(self) -> list[str]:
        """All runs by name, at the least cost."""

    def remove(self, name: str) -> None:
        """Forget a run with all it left."""


class DrivenRuns(abc.ABC):
    """Launch runs, look for them, end them. `interrupt` ends early what `launch` drives.

    `executor_name` is what records say of where a run ran; `allow_file`: whether a repository may
    be a folder of this host; `clock`: the time where runs are.
    """

    def __init__(
        self,
        executor_name: str,
        executor: Executor,
        records: KeptRecords,
        report: Report,
        *,
        allow_file: bool,
        clock: Clock = utc_now,
    ) -> None:
        self.records = records
        self._executor_name = executor_name
        self._allow_file = allow_file
        self._clock = clock
        self._driver = Driver(executor, records, clock=clock, new_id=new_id, report=report)
        self._launcher = Launcher(records, self._driver, clock=clock, new_id=new_id, report=report)

    @abc.abstractmethod
    def _check(self, *, with_secrets: bool = True) -> Check:
        """What the place of the runs has to say about a pipeline."""

    def orders(self, requests: Sequence[Request], *, with_secrets: bool = True) -> list[Order]:
        """Judge requests; InvalidInput with every problem of all of them, before any starts.

        Without `with_secrets`, secrets that are missing are no problem yet.
        """
        check = self._check(with_secrets=with_secrets)
        return orders_from(requests, self._clock(), allow_file=self._allow_file, check=check)

    def forecast(self, orders: Sequence[Order]) -> list[Forecast]:
        """What `launch` would do with the orders; see `forecasts`."""
        meant = [dataclasses.replace(order, executor=self._executor_name) for order in orders]
        return forecasts(self.records, meant, self._check(), self._clock())

    def rehearsed(self, orders: Sequence[Order]) -> list[Forecast]:
        """The same, with all that the place of the runs would say to them; nothing is made."""
        return self.forecast(orders)

    def rerun_order(self, name: str, *, failed_only: bool, by: str) -> Order:
        """The order that runs an ended run again."""
        return rerun_order(self.records, name, failed_only=failed_only, by=by, now=self._clock())

    def launch(self, orders: Sequence[Order]) -> list[Launched]:
        """Launch and drive to the end; see `Launcher.launch`."""
        check = self._check()
        return self._launcher.launch([ready(order, self._executor_name, check) for order in orders])

    def cancel(self, names: Sequence[str], by: str, *, wait: bool = True) -> list[Run]:
        """Ask for the end of runs and see it come; the runs as they are then.

        What has ended already stays as it is. Without `wait`, runs that other processes drive are
        left to them. Raises NotFound for an unknown name.
        """
        for name in names:
            if not self.named(name).status.phase.terminal:
                inspection.cancel(self.records, name, by, self._clock())
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
        if not run.status.phase.terminal and self.records.driven(name):
            raise Conflict(f"run {name!r} is being driven; cancel it first")
        for child in run.status.matrix.children if run.status.matrix else ():
            if self.found(child):
                self.records.remove(child)
        self.records.remove(name)

    def interrupt(self, by: str) -> None:
        """Let everything end as cancelled; may be called from a signal handler."""
        self._driver.interrupt(by)

    @abc.abstractmethod
    def hurry(self) -> None:
        """Take from what is to end the time to do so by itself; also for a signal handler."""
