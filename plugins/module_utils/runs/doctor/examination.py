"""Is all there for runs, on this host and in a cluster? What is wrong, and how to mend it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ...core.errors import C8sError, Denied, NotFound
from ...kube.connection import Client, connect
from ...kube.health import Health, health
from ...kube.options import connection_options
from ...kube.resources import Resources
from ..clock import Clock
from ..cluster.lookups import Lookups
from ..cluster.runs import job_settings
from .checks import Check, exit_code, failed, failed_by, passed, table, warning
from .cluster_checks import ClusterChecks, guarded
from .host_checks import host_checks
from .store_checks import store_checks

StoreChecks = Callable[[Mapping[str, Any], Mapping[str, str]], Iterable[Check]]

# Who asks whether all is well does not want to wait for long.
REQUEST_SECONDS = 10.0
PATIENCE_SECONDS = 5.0
# Native sidecars, which carry files and are services, and what Jobs say of pods to replace.
LEAST_VERSION = (1, 29)
NOTED_SKEW = 5.0
GRAVE_SKEW = 300.0
_NAMED = ("kubeconfig", "context", "host", "namespace")


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """What was found. Of a cluster: where it is, and the version of its API server."""

    checks: tuple[Check, ...]
    server: str = ""
    context: str = ""
    namespace: str = ""
    version: str = ""

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return exit_code(self.checks)

    @property
    def table(self) -> str:
        """For people."""
        return table(self.checks)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "healthy": self.exit_code == 0,
            "server": self.server,
            "context": self.context,
            "namespace": self.namespace,
            "version": self.version,
            "checks": [check.as_dict() for check in self.checks],
        }


def examined(
    options: Mapping[str, Any],
    environment: Mapping[str, str],
    clock: Clock,
    *,
    store_checks: StoreChecks = store_checks,
) -> Report:
    """Look at this host and at the cluster that the options (those of `cluster_runs`) name.

    A cluster that nobody named need not be there. `store_checks` look at the place outside this
    host where logs and artifacts are kept, if one is set. Nothing is raised, nothing is changed.
    """
    with ThreadPoolExecutor(8, "c8s-doctor") as pool:
        begun = [pool.submit(check) for check in host_checks(options, environment)]
        stored = pool.submit(lambda: list(store_checks(options, environment)))
        cluster = _cluster(options, environment, clock)
        here = [one.result() for one in begun] + stored.result()
    return dataclasses.replace(cluster, checks=(*here, *cluster.checks))


def _cluster(options: Mapping[str, Any], environment: Mapping[str, str], clock: Clock) -> Report:
    name = "kubeconfig"
    try:
        given = connection_options(options, environment)
        client = connect(given, environment, timeout=REQUEST_SECONDS, patience=PATIENCE_SECONDS)
    except NotFound as error:
        if any(options.get(option) for option in _NAMED) or environment.get("KUBECONFIG"):
            return Report((failed_by(name, error),))
        return Report((warning(name, error.message, "wanted only by the executor kubernetes"),))
    except C8sError as error:
        return Report((failed_by(name, error),))
    with client:
        settings = job_settings(options, environment, client.namespace)
        context = f"context {client.context} at " if client.context else ""
        found = [passed(name, f"{context}{client.server}")]
        report = Report((), client.server, client.context, settings.namespace)
        try:
            state = health(client, clock)
        except Denied as error:
            found.append(failed_by("api", error, "log in anew: these credentials are not accepted"))
            return dataclasses.replace(report, checks=tuple(found))
        except C8sError as error:
            found.append(failed_by("api", error))
            return dataclasses.replace(report, checks=tuple(found))
        found += [_version(state), _clock(state)]
        lookups = Lookups(Resources(client), settings.namespace)
        found += _side_by_side(client, ClusterChecks(client, settings, lookups))
        return dataclasses.replace(report, checks=tuple(found), version=state.version)


def _side_by_side(client: Client, checks: ClusterChecks) -> Sequence[Check]:
    named = checks.all()
    with ThreadPoolExecutor(len(named), "c8s-cluster") as pool:
        results = pool.map(lambda pair: guarded(*pair), named)
        return [check for result in results for check in result]


def _version(state: Health) -> Check:
    told = f"Kubernetes {state.version} answers"
    if state.number >= LEAST_VERSION:
        return passed("api", told)
    wanted = ".".join(map(str, LEAST_VERSION))
    return failed("api", f"{told}; Jobs of steps need {wanted} or later", "use a newer cluster")


def _clock(state: Health) -> Check:
    if state.skew is None:
        return warning("clock", "could not be checked: the API server does not tell the time")
    away = abs(state.skew)
    told = f"this host is {away:.0f} s {'ahead of' if state.skew > 0 else 'behind'} the API server"
    if away <= NOTED_SKEW:
        return passed("clock", f"within {NOTED_SKEW:.0f} s of the API server's")
    remedy = "let both keep time by NTP: timeouts of steps and signed addresses depend on it"
    return failed("clock", told, remedy) if away > GRAVE_SKEW else warning("clock", told, remedy)
