"""Runs on this host, put together: what modules and the command call."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.errors import InvalidInput
from ...storage.run_directory import RunDirectory, default_root
from ..birth import Order
from ..clock import utc_now
from ..driven_runs import DrivenRuns
from ..events import Report, ignore
from ..forecast import Check
from ..launch import Launched
from ..request import secrets_checked
from ..secrets import NO_SECRETS, SecretValues, secrets_from
from .engine import Engine
from .executor import HostExecutor, HostSettings
from .local_engine import LocalEngine

EXECUTORS = ("local", "docker", "podman")


def engine_named(name: str) -> Engine:
    """The engine of an executor; InvalidInput for an unknown one."""
    if name == "local":
        return LocalEngine()
    if name in EXECUTORS:
        from .containers.engine import ContainerEngine

        return ContainerEngine(name)
    raise InvalidInput(f"{name!r} is no executor; there are {', '.join(EXECUTORS)}, kubernetes")


class HostRuns(DrivenRuns):
    """Runs on this host, kept in `store`."""

    def __init__(
        self,
        executor: str,
        store: pathlib.Path,
        *,
        secrets: SecretValues | None = None,
        settings: HostSettings | None = None,
        report: Report = ignore,
    ) -> None:
        self._directory = RunDirectory(store)
        self._secrets = secrets or NO_SECRETS
        self._host = HostExecutor(
            engine_named(executor), self._directory, self._secrets, utc_now, settings
        )
        super().__init__(executor, self._host, self._directory, report, allow_file=True)

    def _check(self, *, with_secrets: bool = True) -> Check:
        return secrets_checked(self._secrets if with_secrets else None)

    def launch(self, orders: Sequence[Order]) -> list[Launched]:
        """Launch and drive to the end; see `Launcher.launch`."""
        self._directory.drop_expired(utc_now())
        return super().launch(orders)

    def hurry(self) -> None:
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
