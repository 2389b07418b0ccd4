"""The pod of a step, built as the plain dict that its YAML would be.

Pure: no client, no cluster. One function for each part, to be read from top to bottom. The pod
passes the `restricted` Pod Security Standard as it is.
"""

from __future__ import annotations

import dataclasses
import json
import posixpath
from collections.abc import Mapping, Sequence

from .container import HOME, Manifest, container_security, literal, without_none
from .environment import environment
from .run import Run
from .script import argument_list, is_posix, waiting_script
from .service_container import service_container
from .spec import Priority, Step

WORKSPACE = "/workspace"
SECRETS = "/secrets"
CONTROL = "/c8s"
GATE = "/c8s-gate"
RELEASED = f"{GATE}/released"
WORDS = "/c8s-words"
WORDS_VOLUME = "words"
HELD_BY = "c8s.dev/held-by"
"""Annotation of a pod that was prepared ahead: the container that waits for the release."""
RELEASED_AT = "c8s.dev/released-at"
"""Annotation that lets it begin: the moment. Its node shows it to the pod as the file RELEASED."""
WORD_FOR = "c8s.dev/word-for-{}"
"""Annotation that tells a container beside the step what to run, where that is not done by exec."""
STEP_CONTAINER = "step"
CLONE_CONTAINER = "clone"
HOLD_CONTAINER = "hold"
RESTORE_CONTAINER = "restore"
KEEPER_CONTAINER = "keeper"
GRACE_SECONDS = 30
ENDING_SECONDS = 10
"""How long a step that its driver ends has for that."""
RESCUE_SECONDS = ENDING_SECONDS + 25
"""The grace of such a pod whose step leaves artifacts: with the time to fetch them.

Nodes do not shorten a grace once given (kubernetes/kubernetes#83916), so a step that ignores TERM
lives as long. Nobody else gives just this one.
"""
FINALIZE_SECONDS = 3600
"""How long a pod waits behind its step's timeout for a driver that fetches what the step left."""
# Little, but said: a namespace whose quota counts requests lets in no container without any.
_AGENT_REQUESTS = {"cpu": "10m", "memory": "32Mi"}
_GATE_MOUNT = {"name": "gate", "mountPath": GATE, "readOnly": True}
# A node reads the two streams of a container apart, and loses the order between them.
_ONE_STREAM = "exec 2>&1\n"


@dataclasses.dataclass(frozen=True, slots=True)
class JobSettings:
    """What a cluster's administrator decides about the pods of steps.

    `user`: the uid and gid of everything in the pod; None leaves it to the images, which the
    `restricted` standard does not allow. `agent_image`: the image that clones and carries files.
    `clone_secret`: a Secret with `username` and `password`, `token`, or `ssh-key` and
    `known-hosts`. `authorities`: a ConfigMap whose `ca.crt` git trusts beside the usual ones.
    `ttl`: seconds that a finished Job stays once its log and result are kept.
    `by_exec`: whether files travel through exec, or between pods and an object store on a word.
    """

    namespace: str = "default"
    agent_image: str = "c8s-agent"
    user: int | None = 10001
    runtime_class: str = ""
    service_account: str = ""
    pull_secrets: tuple[str, ...] = ()
    priority_class_prefix: str = ""
    clone_secret: str = ""
    authorities: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    ttl: int = 3600
    by_exec: bool = True


def needs_carrier(run: Run, step: Step) -> bool:
    """Whether files travel to or from the step's pod: its own artifacts and caches, or those of
    the steps it depends on."""
    return bool(step.artifacts or step.caches) or brings_artifacts(run, step)


def brings_artifacts(run: Run, step: Step) -> bool:
    """Whether artifacts of other steps have to be in the workspace before the commands."""
    return any(run.pipeline.step(name).artifacts for name in step.depends_on)


def restores(run: Run, step: Step) -> bool:
    """Whether something is brought into the workspace before the commands."""
    return bool(step.caches) or brings_artifacts(run, step)


def holder(run: Run, step: Step) -> str:
    """The container that holds a pod prepared ahead back until its release.

    The later one waits, the less there is to do when the turn has come: in the step itself where
    its shell can wait. What is brought to a step can only be complete at its turn, so that nothing
    else need wait then. An image without a shell has a container of ours in front of it.
    """
    if restores(run, step):
        return RESTORE_CONTAINER
    return STEP_CONTAINER if step.commands and is_posix(step.shell) else HOLD_CONTAINER


def clones(run: Run) -> bool:
    """Whether the workspace is filled from a repository."""
    return run.pipeline.clone is not None and bool(run.trigger.repository and run.trigger.commit)


def pod(run: Run, step: Step, settings: JobSettings, *, ahead: bool) -> Manifest:
    brings = restores(run, step)
    keeps = bool(step.artifacts or step.caches)
    held_by = holder(run, step) if ahead else ""
    before = []
    if clones(run):
        before.append(_clone_container(run, settings))
    if brings:
        before.append(_restore_container(settings))
    before += [service_container(service) for service in step.services]
    if held_by == HOLD_CONTAINER:
        before.append(_hold_container(settings))
    options = step.pod
    return without_none(
        {
            "restartPolicy": "Never",
            # From the pod's acceptance by its node, so that waiting for room does not eat it, but
            # waiting for a release would. The driver ends the step at its timeout; this is for
            # when no driver is left.
            "activeDeadlineSeconds": step.timeout
            + FINALIZE_SECONDS
            + (run.pipeline.timeout if ahead else 0),
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "automountServiceAccountToken": bool(options.service_account),
            "enableServiceLinks": False,
            "serviceAccountName": options.service_account or settings.service_account or None,
            "runtimeClassName": options.runtime_class or settings.runtime_class or None,
            "priorityClassName": _priority_class(run, settings),
            "nodeSelector": dict(options.node_selector) or None,
            "tolerations": [dict(entry) for entry in options.tolerations] or None,
            "imagePullSecrets": [{"name": name} for name in settings.pull_secrets] or None,
            "securityContext": _pod_security(settings),
            "initContainers": before or None,
            "containers": [
                # First, so that the step begins no sooner than its image is there.
                *([_keeper_container(settings)] if keeps else ()),
                _step_container(run, step, settings, held=held_by == STEP_CONTAINER),
            ],
            "volumes": _volumes(
                run,
                step,
                settings,
                control=brings or keeps,
                gate=held_by in (HOLD_CONTAINER, STEP_CONTAINER),
            ),
        }
    )


def _step_container(run: Run, step: Step, settings: JobSettings, *, held: bool) -> Manifest:
    arguments = list(argument_list(step))
    if held:
        arguments[-1] = waiting_script(RELEASED) + arguments[-1]
    if step.commands and is_posix(step.shell):
        arguments[-1] = _ONE_STREAM + arguments[-1]
    arguments = [literal(argument) for argument in arguments]
    program = len(step.shell if step.commands else step.entrypoint)
    limits = step.limits.manifest() if step.limits else {}
    return without_none(
        {
            "name": STEP_CONTAINER,
            "image": step.image,
            "command": arguments[:program] or None,
            "args": arguments[program:] or None,
            "workingDir": WORKSPACE,
            "env": _step_variables(run, step, settings),
            "resources": without_none(
                {"requests": step.requests.manifest() or None, "limits": limits or None}
            ),
            "securityContext": container_security(privileged=step.pod.privileged),
            "volumeMounts": [
                {"name": "workspace", "mountPath": WORKSPACE},
                {"name": "tmp", "mountPath": HOME},
                *([_GATE_MOUNT] if held else []),
                *(
                    [{"name": "secrets", "mountPath": SECRETS, "readOnly": True}]
                    if _secret_files(step)
                    else []
                ),
            ],
        }
    )


def _step_variables(run: Run, step: Step, settings: JobSettings) -> list[Manifest]:
    """Plain values first, then references: a secret's value is never in a manifest."""
    plain = {
        "HOME": HOME,
        "C8S_SECRETS": SECRETS,
        # The workspace belongs to root and its group; git would not trust it for that.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        **environment(run, step, WORKSPACE, settings.namespace),
    }
    return [{"name": name, "value": literal(value)} for name, value in plain.items()] + [
        {
            "name": wanted.env_var,
            "valueFrom": {"secretKeyRef": {"name": wanted.secret, "key": wanted.key}},
        }
        for wanted in step.secrets
        if wanted.env_var
    ]


def _clone_container(run: Run, settings: JobSettings) -> Manifest:
    """git runs here and nowhere else; what a pusher chose comes as data in the environment."""
    clone = run.pipeline.clone
    wanted = {
        "repository": run.trigger.repository,
        "commit": run.trigger.commit,
        "depth": clone.depth if clone else 0,
        "submodules": bool(clone and clone.submodules),
        "lfs": bool(clone and clone.lfs),
        "paths": list(clone.paths) if clone else [],
    }
    mounts: list[Manifest] = [
        {"name": "workspace", "mountPath": WORKSPACE},
        {"name": "tmp", "mountPath": HOME},
    ]
    if settings.clone_secret:
        mounts.append({"name": "clone-secret", "mountPath": "/credentials", "readOnly": True})
    if settings.authorities:
        mounts.append({"name": "authorities", "mountPath": "/authorities", "readOnly": True})
    return {
        "name": CLONE_CONTAINER,
        "image": settings.agent_image,
        "args": ["clone"],
        "workingDir": WORKSPACE,
        "env": [
            {"name": "HOME", "value": HOME},
            {"name": "C8S_CLONE", "value": literal(json.dumps(wanted))},
        ],
        "resources": {"requests": _AGENT_REQUESTS},
        "securityContext": container_security(),
        "volumeMounts": mounts,
    }


def _hold_container(settings: JobSettings) -> Manifest:
    """Holds the pod back until its release."""
    return _agent_container(HOLD_CONTAINER, ["await", RELEASED], settings, (_GATE_MOUNT,))


def _restore_container(settings: JobSettings) -> Manifest:
    """Holds the pod back until the driver has brought what the step needs."""
    return _carrying_container(RESTORE_CONTAINER, ["await", f"{CONTROL}/restored"], settings)


def _keeper_container(settings: JobSettings) -> Manifest:
    """Outlives the step for as long as the driver needs to fetch what it left.

    A sidecar would be ended with the step, and so would need a pod with a long time of grace: an
    eviction would give that to a step which ignores TERM, too.
    """
    return _carrying_container(KEEPER_CONTAINER, ["keep", f"{CONTROL}/fetched"], settings)


def _carrying_container(name: str, arguments: list[str], settings: JobSettings) -> Manifest:
    mounts: list[Manifest] = [{"name": "control", "mountPath": CONTROL}]
    if not settings.by_exec:
        arguments = [*arguments, f"{WORDS}/{name}"]
        mounts.append({"name": WORDS_VOLUME, "mountPath": WORDS, "readOnly": True})
    return _agent_container(name, arguments, settings, mounts)


def _agent_container(
    name: str, arguments: list[str], settings: JobSettings, mounts: Sequence[Manifest]
) -> Manifest:
    return {
        "name": name,
        "image": settings.agent_image,
        "args": arguments,
        "workingDir": WORKSPACE,
        "env": [{"name": "HOME", "value": HOME}],
        "resources": {"requests": _AGENT_REQUESTS},
        "securityContext": container_security(),
        "volumeMounts": [
            {"name": "workspace", "mountPath": WORKSPACE},
            {"name": "tmp", "mountPath": HOME},
            *mounts,
        ],
    }


# --- pieces ------------------------------------------------------------------------------------


def _volumes(
    run: Run, step: Step, settings: JobSettings, *, control: bool, gate: bool
) -> list[Manifest]:
    volumes: list[Manifest] = [
        {"name": "workspace", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
    ]
    if control:
        volumes.append({"name": "control", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
    if control and not settings.by_exec:
        wanted = {name: WORD_FOR.format(name) for name in (RESTORE_CONTAINER, KEEPER_CONTAINER)}
        volumes.append(_annotations(WORDS_VOLUME, wanted))
    if gate:
        volumes.append(_annotations("gate", {posixpath.basename(RELEASED): RELEASED_AT}))
    files = _secret_files(step)
    if files:
        volumes.append({"name": "secrets", "projected": {"sources": files, "defaultMode": 0o440}})
    if clones(run) and settings.clone_secret:
        volumes.append(
            {
                "name": "clone-secret",
                "secret": {"secretName": settings.clone_secret, "defaultMode": 0o440},
            }
        )
    if clones(run) and settings.authorities:
        volumes.append({"name": "authorities", "configMap": {"name": settings.authorities}})
    return volumes


def _annotations(volume: str, files: Mapping[str, str]) -> Manifest:
    """Annotations of the pod as files, which its node writes anew as soon as one changes."""
    items = [
        {"path": path, "fieldRef": {"fieldPath": f"metadata.annotations['{annotation}']"}}
        for path, annotation in files.items()
    ]
    return {"name": volume, "downwardAPI": {"items": items}}


def _secret_files(step: Step) -> list[Manifest]:
    return [
        {"secret": {"name": wanted.secret, "items": [{"key": wanted.key, "path": wanted.file}]}}
        for wanted in step.secrets
        if wanted.file
    ]


def _pod_security(settings: JobSettings) -> Manifest:
    security: Manifest = {"seccompProfile": {"type": "RuntimeDefault"}}
    if settings.user is not None:
        security |= {
            "runAsNonRoot": True,
            "runAsUser": settings.user,
            "runAsGroup": settings.user,
            "fsGroup": settings.user,
        }
    return security


def priority_classes(settings: JobSettings) -> tuple[str, ...]:
    """The PriorityClasses that pods may ask for with these settings."""
    prefix = settings.priority_class_prefix
    return tuple(f"{prefix}{priority}" for priority in Priority) if prefix else ()


def _priority_class(run: Run, settings: JobSettings) -> str | None:
    if not settings.priority_class_prefix:
        return None
    return f"{settings.priority_class_prefix}{Priority(run.pipeline.priority)}"
