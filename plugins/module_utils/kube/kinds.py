"""The kinds that we speak of, and the fixed paths that their objects have in the API."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from ..core.errors import InvalidInput, NotFound
from .connection import Client


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object: its name in manifests, and where its objects are."""

    name: str
    plural: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As manifests have it: `batch/v1`, `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The path of an object, or of all objects (of the namespace, or of the cluster)."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        middle = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced and namespace else ""
        parts = [quote(part, safe="") for part in (self.plural, name, subresource) if part]
        return "/".join([root + middle, *parts])


POD: Final = Kind("Pod", "pods")
CONFIG_MAP: Final = Kind("ConfigMap", "configmaps")
SECRET: Final = Kind("Secret", "secrets")
SERVICE: Final = Kind("Service", "services")
SERVICE_ACCOUNT: Final = Kind("ServiceAccount", "serviceaccounts")
EVENT: Final = Kind("Event", "events")
RESOURCE_QUOTA: Final = Kind("ResourceQuota", "resourcequotas")
LIMIT_RANGE: Final = Kind("LimitRange", "limitranges")
VOLUME_CLAIM: Final = Kind("PersistentVolumeClaim", "persistentvolumeclaims")
NAMESPACE: Final = Kind("Namespace", "namespaces", namespaced=False)
NODE: Final = Kind("Node", "nodes", namespaced=False)
VOLUME: Final = Kind("PersistentVolume", "persistentvolumes", namespaced=False)
JOB: Final = Kind("Job", "jobs", "batch")
CRON_JOB: Final = Kind("CronJob", "cronjobs", "batch")
DEPLOYMENT: Final = Kind("Deployment", "deployments", "apps")
STATEFUL_SET: Final = Kind("StatefulSet", "statefulsets", "apps")
DAEMON_SET: Final = Kind("DaemonSet", "daemonsets", "apps")
REPLICA_SET: Final = Kind("ReplicaSet", "replicasets", "apps")
POD_DISRUPTION_BUDGET: Final = Kind("PodDisruptionBudget", "poddisruptionbudgets", "policy")
PRIORITY_CLASS: Final = Kind(
    "PriorityClass", "priorityclasses", "scheduling.k8s.io", namespaced=False
)
RUNTIME_CLASS: Final = Kind("RuntimeClass", "runtimeclasses", "node.k8s.io", namespaced=False)
STORAGE_CLASS: Final = Kind("StorageClass", "storageclasses", "storage.k8s.io", namespaced=False)
INGRESS: Final = Kind("Ingress", "ingresses", "networking.k8s.io")
NETWORK_POLICY: Final = Kind("NetworkPolicy", "networkpolicies", "networking.k8s.io")
LEASE: Final = Kind("Lease", "leases", "coordination.k8s.io")
ROLE: Final = Kind("Role", "roles", "rbac.authorization.k8s.io")
ROLE_BINDING: Final = Kind("RoleBinding", "rolebindings", "rbac.authorization.k8s.io")
CLUSTER_ROLE: Final = Kind(
    "ClusterRole", "clusterroles", "rbac.authorization.k8s.io", namespaced=False
)
CLUSTER_ROLE_BINDING: Final = Kind(
    "ClusterRoleBinding", "clusterrolebindings", "rbac.authorization.k8s.io", namespaced=False
)
CUSTOM_RESOURCE: Final = Kind(
    "CustomResourceDefinition",
    "customresourcedefinitions",
    "apiextensions.k8s.io",
    namespaced=False,
)
VALIDATING_WEBHOOK: Final = Kind(
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    "admissionregistration.k8s.io",
    namespaced=False,
)
ACCESS_REVIEW: Final = Kind(
    "SelfSubjectAccessReview", "selfsubjectaccessreviews", "authorization.k8s.io", namespaced=False
)
RULES_REVIEW: Final = Kind(
    "SelfSubjectRulesReview", "selfsubjectrulesreviews", "authorization.k8s.io", namespaced=False
)
PIPELINE_CONFIG: Final = Kind("PipelineConfig", "pipelineconfigs", "c8s.dev", "v1alpha1")
PIPELINE_RUN: Final = Kind("PipelineRun", "pipelineruns", "c8s.dev", "v1alpha1")
REPOSITORY_CONNECTION: Final = Kind(
    "RepositoryConnection", "repositoryconnections", "c8s.dev", "v1alpha1"
)

KNOWN: Final[Mapping[tuple[str, str], Kind]] = {
    (kind.api_version, kind.name): kind
    for kind in list(globals().values())
    if isinstance(kind, Kind)
}


def known_kind(manifest: Mapping[str, Any]) -> Kind | None:
    """The kind of the manifest, None when it is not one of those above.

    Raises InvalidInput when the manifest does not say its kind.
    """
    version, name = manifest.get("apiVersion"), manifest.get("kind")
    if not isinstance(version, str) or not isinstance(name, str) or not version or not name:
        raise InvalidInput("the manifest has no apiVersion and kind")
    return KNOWN.get((version, name))


def served_kind(client: Client, manifest: Mapping[str, Any]) -> Kind:
    """The kind of the manifest; one that is not known here is looked up at the server.

    Raises NotFound when the server does not serve it.
    """
    found = known_kind(manifest)
    if found is not None:
        return found
    api_version, name = str(manifest["apiVersion"]), str(manifest["kind"])
    group, _slash, version = api_version.rpartition("/")
    path = f"/apis/{quote(group)}/{quote(version)}" if group else f"/api/{quote(version)}"
    served = client.request("GET", path, doing=f"find out what {api_version} holds")
    for resource in served.get("resources") or ():
        if resource.get("kind") == name and "/" not in resource["name"]:
            return Kind(name, resource["name"], group, version, bool(resource["namespaced"]))
    raise NotFound(f"the cluster serves no {name} in {api_version}: is its definition installed?")
