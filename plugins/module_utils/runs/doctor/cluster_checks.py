"""What a namespace of a cluster has for runs, looked at with the eyes of who launches them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

from ...core.errors import C8sError, Denied, InvalidInput, NotFound, Unavailable
from ...kube.access import Right, missing
from ...kube.connection import Client
from ...kube.faults import QuotaExceeded
from ...kube.kinds import (
    LIMIT_RANGE,
    NAMESPACE,
    PRIORITY_CLASS,
    RESOURCE_QUOTA,
    RULES_REVIEW,
    RUNTIME_CLASS,
    SECRET,
    Kind,
)
from ...pipeline.job import job
from ...pipeline.pod import JobSettings, priority_classes
from ...pipeline.pod_charge import charge, out_of_range, with_defaults
from ...pipeline.quota import Room, counts, refusals, verdicts
from ...pipeline.run import Run, Trigger
from ..birth import Order, run_of
from ..cluster import rights
from ..cluster.lookups import Lookups
from ..cluster.secrets import ClusterSecrets
from .checks import Check, Grade, failed, failed_by, passed, warning

PULL_TYPES = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
ENFORCED = "pod-security.kubernetes.io/enforce"
_SAMPLE = {
    "version": "v1alpha1",
    "name": "sample",
    "steps": [{"name": "sample", "image": "busybox", "commands": ["true"]}],
}


class ClusterChecks:
    """The checks of one namespace. Each may raise what the API server says."""

    def __init__(self, client: Client, settings: JobSettings, lookups: Lookups) -> None:
        self._client = client
        self._settings = settings
        self._lookups = lookups
        self._namespace = settings.namespace

    def all(self) -> list[tuple[str, Callable[[], Sequence[Check]]]]:
        """Each check by its name, to be called on its own, side by side."""
        return [
            ("namespace", self._existing),
            ("rights", self._rights),
            ("pod security", self._pod_security),
            ("runtime class", self._runtime_class),
            ("priority classes", self._priority_classes),
            ("quota", self._quotas),
            ("limit range", self._limit_ranges),
            ("agent image", self._agent_image),
            ("pull secrets", self._pull_secrets),
            ("clone secret", self._clone),
            ("job", self._sample_job),
            ("control plane", self._control_plane),
        ]

    def _existing(self) -> list[Check]:
        seen = self._lookups.one(NAMESPACE, self._namespace)
        if seen.objects:
            return [passed("namespace", f"{self._namespace} exists")]
        remedy = f"kubectl create namespace {self._namespace}"
        if seen.missing:
            return [failed("namespace", f"there is no namespace {self._namespace}", remedy)]
        # Who may not read namespaces learns it from what may be made in one.
        sample = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c8s-sample"}}
        try:
            self._lookups.resources.create(sample, self._namespace, dry_run=True)
        except NotFound:
            return [failed("namespace", f"there is no namespace {self._namespace}", remedy)]
        except Denied:
            return [warning("namespace", f"could not be checked: {seen.denied}")]
        return [passed("namespace", f"{self._namespace} exists")]

    def _rights(self) -> list[Check]:
        found = []
        lacking = missing(self._client, rights.rights(rights.DRIVING, self._namespace))
        named = self._named_secrets(lacking)
        if named:
            lacking = tuple(right for right in lacking if right.resource != "secrets")
        needed = [right for right in lacking if rights.needed(right)]
        if needed:
            found.append(
                failed(
                    "rights",
                    "\n".join(f"you may not {right}" for right in needed),
                    f"have this added to your Role:\n{rights.role(needed, self._namespace)}",
                    exit_code=Denied.exit_code,
                )
            )
        elif len(lacking) > len(needed):
            told = ", ".join(map(str, lacking))
            found.append(warning("rights", f"you may not {told}: the ends of steps are seen later"))
        else:
            only = f"; of secrets only {', '.join(named)}" if named else ""
            found.append(passed("rights", f"all that a run needs in {self._namespace}{only}"))
        for name, rules, what in (
            (
                "rights to tell pods",
                rights.TELLING,
                "pipelines have `prepareAhead`, or artifacts or caches and an object store",
            ),
            (
                "rights for files",
                rights.CARRYING,
                "steps have artifacts or caches, and there is no object store",
            ),
            ("rights to remove", rights.REMOVING, "runs are to be removed"),
            ("rights for secrets", rights.KEEPING, "secrets are to be made from here"),
        ):
            lacking = missing(self._client, rights.rights(rules, self._namespace))
            found.append(self._wanted_only(name, lacking, what))
        return found

    def _wanted_only(self, name: str, lacking: Sequence[Right], what: str) -> Check:
        if not lacking:
            return passed(name, f"enough, where {what}")
        told = ", ".join(map(str, lacking))
        remedy = rights.role(lacking, self._namespace)
        return warning(name, f"you may not {told}: needed only where {what}", remedy)

    def _named_secrets(self, lacking: Sequence[Right]) -> list[str]:
        """The secrets that may be read where a Role names each of them."""
        if not any(right.resource == "secrets" for right in lacking):
            return []
        answer = self._client.request(
            "POST",
            RULES_REVIEW.path(),
            {
                "apiVersion": RULES_REVIEW.api_version,
                "kind": RULES_REVIEW.name,
                "spec": {"namespace": self._namespace},
            },
            repeatable=True,
            doing="ask what you may do",
        )
        found: set[str] = set()
        for rule in (answer.get("status") or {}).get("resourceRules") or ():
            if {"secrets", "*"} & set(rule.get("resources") or ()) and {"get", "*"} & set(
                rule.get("verbs") or ()
            ):
                found |= set(rule.get("resourceNames") or ())
        return sorted(found)

    def _pod_security(self) -> list[Check]:
        seen = self._lookups.one(NAMESPACE, self._namespace)
        name, ours = "pod security", "baseline" if self._settings.user is None else "restricted"
        if not seen.known:
            return [
                warning(
                    name,
                    f"could not be checked: {seen.denied}",
                    f"pods of steps meet the standard {ours}",
                )
            ]
        labels = seen.objects[0]["metadata"].get("labels") or {} if seen.objects else {}
        level = labels.get(ENFORCED, "privileged")
        if level == "restricted" and ours != "restricted":
            return [
                failed(
                    name,
                    f"{self._namespace} enforces {level}, and pods with the users of their images"
                    " do not meet it",
                    "leave run_as_user as it is by default",
                )
            ]
        told = f"{self._namespace} enforces {level}" if ENFORCED in labels else "none is enforced"
        return [passed(name, f"{told}; pods of steps meet {ours}")]

    def _runtime_class(self) -> list[Check]:
        wanted = self._settings.runtime_class
        if not wanted:
            return []
        return [self._there("runtime class", RUNTIME_CLASS, wanted, "make it, or set another one")]

    def _priority_classes(self) -> list[Check]:
        return [
            self._there(
                "priority classes", PRIORITY_CLASS, name, "make it, or leave out the prefix"
            )
            for name in priority_classes(self._settings)
        ]

    def _there(self, name: str, kind: Kind, wanted: str, remedy: str) -> Check:
        seen = self._lookups.one(kind, wanted)
        if not seen.known:
            return warning(name, f"{wanted} could not be checked: {seen.denied}")
        if seen.missing:
            return failed(name, f"the cluster has no {kind.name} {wanted}", remedy)
        return passed(name, f"{wanted} exists")

    def _quotas(self) -> list[Check]:
        seen = self._lookups.all(RESOURCE_QUOTA)
        if not seen.known:
            return [warning("quota", f"could not be checked: {seen.denied}")]
        if not seen.objects:
            return [passed("quota", f"{self._namespace} has none")]
        return [self._quota(quota) for quota in seen.objects]

    def _quota(self, quota: dict[str, Any]) -> Check:
        """Whether a step that asks for what is usual fits."""
        spec = self._completed()
        name = quota["metadata"]["name"]
        if not counts(quota, spec):
            return passed("quota", f"{name} does not count pods of steps")
        refused = refusals(quota, spec)
        if refused:
            remedy = "give defaults by a LimitRange, or `resources` with `limits` in the pipeline"
            return failed("quota", "\n".join(refused), remedy)
        amounts = charge(spec)
        said = verdicts(quota, amounts, amounts, amounts)
        never = [str(one) for one in said if one.room is Room.NEVER]
        waits = [str(one) for one in said if one.room is Room.WAITS]
        if never:
            remedy = "raise it, or let steps ask for less by `resources`"
            return failed("quota", "\n".join(never), remedy)
        if waits:
            return warning("quota", "\n".join(waits), "steps wait until there is room")
        return passed("quota", f"{name} has room: {', '.join(map(_left, said))}")

    def _limit_ranges(self) -> list[Check]:
        seen = self._lookups.all(LIMIT_RANGE)
        if not seen.known:
            return [warning("limit range", f"could not be checked: {seen.denied}")]
        if not seen.objects:
            return [passed("limit range", f"{self._namespace} has none")]
        faults = out_of_range(self._completed(), seen.objects)
        names = ", ".join(found["metadata"]["name"] for found in seen.objects)
        if not faults:
            return [passed("limit range", f"{names}: a step that asks for what is usual fits")]
        told = "\n".join([f"{names}: a step that asks for what is usual is refused", *faults])
        return [warning("limit range", told, "give `resources` in the pipeline that fit")]

    def _agent_image(self) -> list[Check]:
        if self._settings.agent_image != JobSettings().agent_image:
            return [passed("agent image", self._settings.agent_image)]
        return [
            warning(
                "agent image",
                f"none is set; nodes will look for {self._settings.agent_image}",
                "build it with `make image`, push it where nodes can pull it, and set agent_image"
                " or C8S_AGENT_IMAGE",
            )
        ]

    def _pull_secrets(self) -> list[Check]:
        return [self._pull_secret(name) for name in self._settings.pull_secrets]

    def _pull_secret(self, name: str) -> Check:
        seen = self._lookups.one(SECRET, name)
        if not seen.known:
            return warning("pull secrets", f"{name} could not be checked: {seen.denied}")
        if seen.missing:
            remedy = f"kubectl create secret docker-registry {name} -n {self._namespace} ..."
            return failed("pull secrets", f"there is no secret {name}", remedy)
        kind = seen.objects[0].get("type", "")
        if kind not in PULL_TYPES:
            return failed("pull secrets", f"{name} is of type {kind}, which nodes do not pull with")
        return passed("pull secrets", f"{name} exists")

    def _clone(self) -> list[Check]:
        settings = self._settings
        if not settings.clone_secret and not settings.authorities:
            return []
        secrets = ClusterSecrets(
            self._lookups.resources, self._namespace, settings.clone_secret, settings.authorities
        )
        try:
            secrets.check_clone()
        except InvalidInput as error:
            return [failed("clone secret", error.message, "make it with `c8s secret create`")]
        return [passed("clone secret", "what clones need is there")]

    def _sample_job(self) -> list[Check]:
        """Whether the API server, with all that watches over it, would take the Job of a step."""
        run = _sample_run()
        manifest = job(run, run.pipeline.steps[0], 1, self._settings, None, ahead=False)
        try:
            self._lookups.resources.create(manifest, self._namespace, dry_run=True, strict=True)
        except QuotaExceeded as error:
            return [warning("job", error.message, "steps wait until there is room")]
        except NotFound:
            return []  # There is no namespace, which another check tells.
        except Denied as error:
            if "is forbidden: User" in error.message:
                return []  # It is a right that is missing, which another check tells.
            return [failed("job", error.message, "have the policy let Jobs of steps in")]
        except InvalidInput as error:
            return [failed("job", error.message)]
        return [passed("job", "the API server would take the Job of a step")]

    def _control_plane(self) -> list[Check]:
        try:
            self._client.request("GET", "/apis/c8s.dev", doing="look for the control plane")
        except NotFound:
            told = "not installed: who launches a run drives it"
        except Denied as error:
            return [warning("control plane", f"could not be checked: {error}")]
        else:
            told = "the cluster serves c8s.dev"
        return [passed("control plane", told)]

    def _completed(self) -> dict[str, Any]:
        """The pod of a step that asks for what is usual, as the API server would complete it."""
        run = _sample_run()
        manifest = job(run, run.pipeline.steps[0], 1, self._settings, None, ahead=False)
        ranges = self._lookups.all(LIMIT_RANGE).objects
        return with_defaults(manifest["spec"]["template"]["spec"], ranges)


def guarded(name: str, check: Callable[[], Sequence[Check]]) -> list[Check]:
    """The check, or that it could not be made."""
    try:
        return list(check())
    except Unavailable as error:
        return [failed_by(name, error)]
    except Denied as error:
        return [warning(name, f"could not be checked: {error}")]
    except C8sError as error:
        return [failed_by(name, error)]


def reached(checks: Sequence[Check]) -> bool:
    """Whether nothing failed that everything else stands on."""
    return all(check.status is not Grade.FAILED for check in checks)


def _sample_run() -> Run:
    now = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    # With a commit to clone, so that the pod has all that pods of steps usually have.
    trigger = Trigger(repository="https://git.invalid/sample.git", commit="0" * 40)
    return run_of(Order(_SAMPLE, trigger), "sample", "sample", now)


def _left(said: Any) -> str:
    return str(said).partition(": ")[2]
