"""Runs on this host, put together: what modules and the command call."""

from __future__ import annotations

import datetime
import pathlib
import uuid
from collections.abc import Sequence

from ..core.errors import InvalidInput
from ..storage.run_directory import RunDirectory
from .birth import Order
from .driver import Driver
from .engine import Engine
from .events import Report, ignore
from .host import HostExecutor, HostSettings
from .launch import Launched, Launcher
from .local_engine import LocalEngine
from .request import Request, orders_from, rerun_order, secrets_checked
from .secrets import NO_SECRETS, SecretValues

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
        secrets: SecretValues = NO_SECRETS,
        settings: HostSettings | None = None,
        report: Report = ignore,
    ) -> None:
        self.records = RunDirectory(store)
        self._secrets = secrets
        host = HostExecutor(engine_named(executor), self.records, secrets, utc_now, settings)
        self._driver = Driver(host, self.records, clock=utc_now, new_id=new_id, report=report)
        self._launcher = Launcher(
            self.records, self._driver, clock=utc_now, new_id=new_id, report=report
        )

    def orders(self, requests: Sequence[Request]) -> list[Order]:
        """Judge requests; InvalidInput with every problem of all of them, before any starts."""
        check = secrets_checked(self._secrets)
        return orders_from(requests, utc_now(), allow_file=True, check=check)

    def rerun_order(self, name: str, *, failed_only: bool, by: str) -> Order:
        """The order that runs an ended run again."""
        return rerun_order(self.records, name, failed_only=failed_only, by=by, now=utc_now())

    def launch(self, orders: Sequence[Order]) -> list[Launched]:
        """Launch and drive to the end; see `Launcher.launch`."""
        self.records.drop_expired(utc_now())
        return self._launcher.launch(orders)

    def interrupt(self, by: str) -> None:
        """Let everything end as cancelled; may be called from a signal handler."""
        self._driver.interrupt(by)
