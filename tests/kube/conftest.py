"""The fixtures of a real Kubernetes for the tests beside this file."""

from __future__ import annotations

from kube.fixtures import cluster, control_namespace, control_plane, namespace

__all__ = ["cluster", "control_namespace", "control_plane", "namespace"]
