"""Containers beside a step that it needs: databases and the like."""

from __future__ import annotations

from ..core.names import dns_label
from .container import HOME, Manifest, container_security, literal, without_none
from .script import script
from .spec import DEFAULT_SHELL, Service

_REQUESTS = {"cpu": "100m", "memory": "128Mi"}


def service_container(service: Service) -> Manifest:
    """A native sidecar: it starts before the step, which waits until it is ready."""
    return without_none(
        {
            "name": dns_label("service", service.name),
            "image": service.image,
            "command": list(DEFAULT_SHELL) if service.commands else None,
            "args": [literal(script(service.commands, DEFAULT_SHELL))]
            if service.commands
            else None,
            "restartPolicy": "Always",
            "env": [{"name": name, "value": literal(value)} for name, value in service.env.items()]
            or None,
            "ports": [{"containerPort": port} for port in service.ports] or None,
            "startupProbe": _probe(service),
            "resources": {"requests": _REQUESTS},
            "securityContext": container_security(),
            "volumeMounts": [{"name": "tmp", "mountPath": HOME}],
        }
    )


def _probe(service: Service) -> Manifest | None:
    ready = service.readiness
    if ready is None:
        return None
    probe: Manifest = {"periodSeconds": 1, "failureThreshold": max(1, ready.timeout)}
    if ready.command:
        return {**probe, "exec": {"command": list(ready.command)}}
    port = ready.port or (service.ports[0] if service.ports else None)
    if ready.path:
        return {**probe, "httpGet": {"path": ready.path, "port": port}}
    return {**probe, "tcpSocket": {"port": port}}
